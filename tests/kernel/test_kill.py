# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at any point: whatever a task was doing when it was killed, the next run makes the wanted state true and nothing else is left.

The run is killed at the Nth thing that Python reports to its audit hooks (every open, rename, mkdir, symlink, fork, exec, socket ...), in
the module's process or in the supervisor that it forked. AGENTLESS_KILL_POINTS says at how many points (default 24; 0 is every one).
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent / "converge.py"
MODULE, SUPERVISOR, FIRST_PROCESS = 0, 2, 3
POINTS = int(os.environ.get("AGENTLESS_KILL_POINTS", "24"))
TASK = {"name": "victim", "image": "busybox", "command": ["httpd", "-f", "-p", "80", "-h", "/etc"], "published_ports": ["8080:80"],
        "memory": "32m", "volumes": ["data:/tmp"], "stop_timeout": 0}


def converge(machine, directory, kill_at=None, kill_depth=MODULE, **changes):
    options = directory / "options.json"
    options.write_text(json.dumps({"state_root": machine.roots.state, "run_root": machine.roots.run, "netns": machine.path,
                                   "kill_at": kill_at, "kill_depth": kill_depth, "params": dict(TASK, **changes)}), encoding="utf-8")
    return subprocess.run([sys.executable, str(SCRIPT), str(options)], capture_output=True, text=True, timeout=120, check=False)


def answer(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def points(total):
    step = 1 if POINTS == 0 else max(1, total // POINTS)
    return range(1, total + 1, step)


def check_running(machine, directory):
    """The next run repairs; the one after it finds nothing to do; exactly one whole container is there and serves."""
    answer(converge(machine, directory))
    again = answer(converge(machine, directory))
    assert again["changed"] is False, again["actions"]
    document = again["container"]
    assert document["State"]["Running"] and document["HostConfig"]["Memory"] == 32 << 20
    identity = document["Id"]
    assert os.listdir(machine.roots.containers) == [identity]
    assert os.listdir(machine.roots.names) == ["victim"]
    assert os.listdir(machine.roots.netns) == [identity]
    fetched = subprocess.run(["nsenter", "--net=" + machine.path, "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/passwd"],
                             capture_output=True, text=True, timeout=20, check=False)
    assert "root:x:0:0" in fetched.stdout, fetched
    links = subprocess.run(["nsenter", "--net=" + machine.path, "ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    assert links.count("agv") == 1, links


def check_kill(machine, directory, point, depth):
    """One kill, the repair, the removal. Returns whether somebody was killed."""
    done = converge(machine, directory, kill_at=point, kill_depth=depth)
    if done.returncode == 1:
        # the module lives, and tells that a child of its was killed
        assert "killed" in done.stdout or "died" in done.stdout, done.stdout
    check_running(machine, directory)
    answer(converge(machine, directory, state="absent"))
    assert machine.leftovers() == [], "after a kill at %d" % point
    return done.returncode != 0


def test_module_killed_while_it_makes_and_starts(machine, tmp_path):
    answer(converge(machine, tmp_path))
    answer(converge(machine, tmp_path, state="absent"))
    total = answer(converge(machine, tmp_path, kill_at=1 << 30))["events"]
    answer(converge(machine, tmp_path, state="absent"))
    tried = points(total)
    assert total > 200 and sum(check_kill(machine, tmp_path, point, MODULE) for point in tried) >= len(tried) - 1


@pytest.mark.parametrize(("depth", "tried"), [(SUPERVISOR, range(1, 90, 9)), (FIRST_PROCESS, range(1, 60, 9))])
def test_child_killed_while_it_starts(machine, tmp_path, depth, tried):
    answer(converge(machine, tmp_path))
    answer(converge(machine, tmp_path, state="absent"))
    assert sum(check_kill(machine, tmp_path, point, depth) for point in tried) >= 5


def test_killed_while_it_is_made_anew(machine, tmp_path):
    answer(converge(machine, tmp_path))
    total = answer(converge(machine, tmp_path, kill_at=1 << 30, env={"ROUND": "0"}))["events"]
    for point in list(points(total))[::2]:
        converge(machine, tmp_path, kill_at=point, env={"ROUND": str(point)})
        answer(converge(machine, tmp_path, env={"ROUND": str(point)}))
        again = answer(converge(machine, tmp_path, env={"ROUND": str(point)}))
        assert again["changed"] is False and "ROUND=%d" % point in again["container"]["Config"]["Env"]
        assert os.listdir(machine.roots.containers) == [again["container"]["Id"]]


def test_killed_while_it_is_removed(machine, tmp_path):
    answer(converge(machine, tmp_path))
    total = answer(converge(machine, tmp_path, kill_at=1 << 30, state="absent"))["events"]
    for point in list(points(total))[::2]:
        answer(converge(machine, tmp_path))
        converge(machine, tmp_path, kill_at=point, state="absent")
        answer(converge(machine, tmp_path, state="absent"))
        assert answer(converge(machine, tmp_path, state="absent"))["changed"] is False
        assert machine.leftovers() == [], "after a kill at %d of %d" % (point, total)


pytestmark = pytest.mark.slow
