# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor of a running container costs in memory (PSS: pages shared with others count in part). Target: at most 8 MiB."""

from __future__ import annotations

import json
import pathlib
import time

import lab

COUNT = 5
STATE_ROOT = "/var/lib/agentless-bench"
IMAGE = "localhost/bench/busybox:1"


def pss(pid):
    """Proportional set size in KiB."""
    for line in pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ValueError("no Pss in smaps_rollup of %d" % pid)


def play(tasks):
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]


def start_tasks(first, count):
    container = {"name": "bench-{{ item }}", "image": IMAGE, "state": "started", "command": ["sleep", "3600"], "state_root": STATE_ROOT,
                 "restart_policy": "always", "healthcheck": {"test": ["CMD", "true"], "interval": "2s"}}
    return [
        {"name": "import", "agentless.containers.image_import": {
            "src": str(lab.IMAGES / "busybox.tar"), "name": IMAGE, "state_root": STATE_ROOT}},
        {"name": "start", "agentless.containers.container": container, "loop": list(range(first, first + count))},
    ]


def supervisors():
    """The supervisors' process IDs, out of the containers' state files."""
    found = []
    for path in sorted(pathlib.Path(STATE_ROOT, "containers").glob("*/state.json")):
        found.append(json.loads(path.read_text(encoding="utf-8"))["supervisor"])
    return [pid for pid in found if pid]


def main():
    lab.need_root()
    lab.prepare_collection()
    try:
        lab.playbook(play(start_tasks(0, 1)), "supervisor_one")
        time.sleep(8)
        one = [pss(pid) for pid in supervisors()]
        lab.playbook(play(start_tasks(1, COUNT - 1)), "supervisor_more")
        time.sleep(8)
        many = [pss(pid) for pid in supervisors()]
    finally:
        lab.playbook(play(lab.removal(STATE_ROOT, COUNT)), "supervisor_remove")
    if len(one) != 1 or len(many) != COUNT:
        raise SystemExit("bench: expected 1 and %d supervisors, found %d and %d" % (COUNT, len(one), len(many)))
    lab.report(
        "supervisor_memory", "Memory of a supervisor", "make bench (bench/supervisor_memory.py)",
        [["containers running", "PSS of a supervisor (median)", "largest"],
         ["1", "%.1f MiB" % (lab.median(one) / 1024), "%.1f MiB" % (max(one) / 1024)],
         [str(COUNT), "%.1f MiB" % (lab.median(many) / 1024), "%.1f MiB" % (max(many) / 1024)]],
        ["With a health check every two seconds and restart policy always, after 8 seconds. The target is 8 MiB at most."])


if __name__ == "__main__":
    main()
