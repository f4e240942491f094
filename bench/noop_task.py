# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ``container`` task that finds nothing to do, against a module that does nothing at all.

One ansible-playbook run holds, five times in turn, a loop of each; the medians are compared. Target: at most 1.5 times.
"""

from __future__ import annotations

import lab

COUNT = 10
STATE_ROOT = "/var/lib/agentless-bench"
IMAGE = "localhost/bench/busybox:1"
CONTAINER = {"name": "bench-{{ item }}", "image": IMAGE, "state": "started", "command": ["sleep", "3600"], "memory": "64m", "cpus": 0.5,
             "pids_limit": 64, "state_root": STATE_ROOT}


def plays():
    loop = list(range(COUNT))
    tasks = [
        {"name": "import", "agentless.containers.image_import": {
            "src": str(lab.IMAGES / "busybox.tar"), "name": IMAGE, "state_root": STATE_ROOT}},
        {"name": "make", "agentless.containers.container": CONTAINER, "loop": loop},
    ]
    for unused in range(lab.REPEATS):
        tasks.append({"name": "noop", "agentless.containers.noop": {}, "loop": loop})
        tasks.append({"name": "container", "agentless.containers.container": CONTAINER, "loop": loop, "register": "again",
                      "failed_when": "again is changed"})
        tasks.append({"name": "ping", "ansible.builtin.ping": {}, "loop": loop})
    always = lab.removal(STATE_ROOT, COUNT)
    return [{"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "all", "block": tasks, "always": always}]}]


def main():
    lab.need_root()
    lab.prepare_collection()
    times = lab.playbook(plays(), "noop_task")
    noop, container, ping = (lab.median(lab.named(times, name)) / COUNT for name in ("noop", "container", "ping"))
    lab.report(
        "noop_task", "A task that changes nothing", "make bench (bench/noop_task.py)",
        [["task", "milliseconds each", "ratio"],
         ["a module of this collection that does nothing", "%.0f" % (noop * 1000), "1"],
         ["`ansible.builtin.ping`", "%.0f" % (ping * 1000), "%.2f" % (ping / noop)],
         ["`agentless.containers.container`, nothing to do", "%.0f" % (container * 1000), "%.2f" % (container / noop)]],
        ["Loops of %d tasks, five of each in turn in one run; medians. Local connection with pipelining. The target is a ratio of 1.5 "
         "at most." % COUNT])


if __name__ == "__main__":
    main()
