# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a container that exists: wish, network, supervisor; undone if it fails."""

from __future__ import annotations

from . import delete, kill, launch, sandbox
from .container import PAUSED, RUNNING


def start(container, engine=None):
    """Start it; one that runs is success.

    :raises EngineError: the reason; its network is given back then.
    """
    if container.state().status in (RUNNING, PAUSED):
        container.want(True)
        return
    kill.end_supervisor(container)
    delete.release(container)
    container.want(True)
    try:
        sandbox.set_up(container)
        launch.start(container, engine)
    except BaseException:
        container.want(False)
        delete.release(container)
        raise
