# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the last run of a container: give back its control group, network and streams; remove it if it asked for that."""

from __future__ import annotations

from ..runtime import delete
from ..runtime.container import ContainerStore
from ..state import Roots


def main(arguments):
    """``teardown STATE_ROOT RUN_ROOT ID``. Runs in the supervisor's own process, after it has written the state "exited"."""
    roots = Roots(arguments[0], run=arguments[1])
    container = ContainerStore(roots).find(arguments[2])
    if container is None:
        return
    delete.release(container)
    if container.spec.auto_remove:
        delete.delete(container, volumes=True)
