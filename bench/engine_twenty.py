# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts or removes COUNT containers with limits in this one process, through the engine alone (for start_twenty.py).

    python3 engine_twenty.py start|remove COLLECTIONS STATE_ROOT IMAGE COUNT

Prints the seconds from the first import of the engine to the end.
"""

from __future__ import annotations

import sys
import time


def main():
    verb, collections, state_root, image, count = sys.argv[1:]
    sys.path.insert(0, collections)
    start = time.monotonic()
    from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import container
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import ContainerSpec
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import Resources
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    roots = Roots(state_root)
    limits = Resources(memory_max=64 * 1024 * 1024, cpu_max_quota=50000, cpu_period=100000, pids_max=64)
    for number in range(int(count)):
        name = "bench-%d" % number
        if verb == "start":
            spec = ContainerSpec(name=name, image=image, command=("sleep", "3600"), resources=limits, network_mode="bridge")
            desired = container.Desired(name, spec, state="started")
        else:
            desired = container.Desired(name, state="absent", force_kill=True)
        container.plan(desired, container.observe(roots, desired)).execute(roots)
    print(time.monotonic() - start)


if __name__ == "__main__":
    main()
