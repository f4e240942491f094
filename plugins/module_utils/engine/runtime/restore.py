# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a boot: start what should run.

The one owner of "which containers run" is the recorded wish; the policy says whether boot obeys it.
"""

from __future__ import annotations

from ..errors import EngineError, describe
from . import launch, start
from .container import PAUSED, RUNNING, ContainerStore


def should_start(container, state):
    """Policy always and unless-stopped start what was not stopped on purpose; on-failure what a reboot or a failure ended; no never."""
    policy = container.spec.restart_policy.name
    if not container.wanted() or policy == "no":
        return False
    return policy in ("always", "unless-stopped") or state.exit_code != 0


def restore(roots):
    """Generator of (name, error message or None): every container that was started or taken over, oldest first; failures do not stop it."""
    store = ContainerStore(roots)
    containers = store.list()
    for error in store.damaged:
        yield "a container", error
    for container in containers:
        with roots.lock("container-" + container.name, 300):
            state = container.state()
            try:
                if state.status in (RUNNING, PAUSED):
                    if not container.supervisor_alive():
                        launch.adopt(container)
                        yield container.name, None
                    continue
                if not container.supervisor_alive() and should_start(container, state):
                    start.start(container)
                    # a failed start takes the wish back; at boot it stays, so that the next boot tries again
                    yield container.name, None
            except (EngineError, OSError) as error:
                container.want(True)
                yield container.name, describe(error)
