# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher's decisions, on a directory of its own and without a process."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import Healthcheck
from ansible_collections.agentless.containers.plugins.module_utils.engine.supervisor import watch

SOURCE = pathlib.Path(watch.__file__)
POLICY = {"restart": "no", "retries": "0", "log": "cri", "log_max_size": "1000", "log_max_file": "2", "auto_remove": "0"}
HEALTH = {"health_check": "abc", "health_interval": "30", "health_timeout": "5", "health_start_period": "0", "health_start_interval": "5",
          "health_retries": "3"}
RUN = {"status": "running", "pid": "0", "health_check": "abc", "health": "starting", "restart_count": "0", "state_root": "/s",
       "run_root": "/r"}


class Place:
    """A container's directory."""

    def __init__(self, path):
        self.path = path
        (path / "run").mkdir()
        (path / "volatile").symlink_to(path / "run")
        self.want(True)

    def lines(self, name, values):
        (self.path / name).write_text("".join("%s=%s\n" % item for item in values.items()))

    def want(self, run):
        (self.path / "intent.json").write_text(json.dumps({"run": run}))

    def watcher(self, policy=(), run=(), fds=()):
        self.lines("policy", {**POLICY, **dict(policy)})
        self.lines("run/run", {**RUN, **dict(run)})
        return watch.Watcher(str(self.path), list(fds), "/engine")

    def state(self):
        return json.loads((self.path / "state.json").read_text())


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.mark.parametrize(("policy", "code", "count", "expected"), [
    ({"restart": "no"}, 1, 0, False),
    ({"restart": "always"}, 0, 0, True),
    ({"restart": "always"}, 1, 99, True),
    ({"restart": "unless-stopped"}, 0, 0, True),
    ({"restart": "on-failure"}, 0, 0, False),
    ({"restart": "on-failure"}, 1, 99, True),
    ({"restart": "on-failure", "retries": "2"}, 1, 1, True),
    ({"restart": "on-failure", "retries": "2"}, 1, 2, False),
])
def test_restart_policies(place, policy, code, count, expected):
    watcher = place.watcher(policy, {"restart_count": str(count)})
    assert watcher.should_restart(code) is expected
    place.want(False)
    assert watcher.should_restart(code) is False
    os.unlink(place.path / "intent.json")
    assert watcher.should_restart(code) is False


@pytest.mark.parametrize(("status", "code"), [(0, 0), (7 << 8, 7), (9, 137), (15, 143), (11 | 128, 139), (None, 255)])
def test_exit_codes(place, status, code):
    watcher = place.watcher(run={"health": "healthy", "health_failures": "2", "pid": "5"})
    assert watcher.ended(status) == code
    watcher.state["status"] = "exited"
    watcher.write_state()
    state = place.state()
    assert (state["status"], state["exit_code"], state["pid"], state["health"], state["health_failures"]) == ("exited", code, 0, "", 0)
    assert state["finished_at"].endswith("Z") and state["oom_killed"] is False


@pytest.mark.parametrize(("text", "expected"), [
    ("oom_kill 1\n", True), ("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", False), ("", False),
])
def test_oom(place, text, expected):
    (place.path / "oom").write_text(text)
    assert place.watcher(run={"oom_file": str(place.path / "oom")}).oom_killed() is expected
    assert place.watcher(run={"oom_file": str(place.path / "none")}).oom_killed() is False
    assert place.watcher().oom_killed() is False


def test_oom_is_recorded(place):
    (place.path / "oom").write_text("oom_kill 3\n")
    watcher = place.watcher(run={"oom_file": str(place.path / "oom")})
    watcher.ended(9)
    watcher.write_state()
    assert place.state()["oom_killed"] is True


def test_health_of_failures_in_a_row(place):
    watcher = place.watcher(HEALTH)
    codes = iter([0, 1, 1, 0, 1, 1, 1, 3, 1, 0])
    verdicts = []

    def probe():
        pid = os.fork()
        if pid == 0:
            os._exit(next(codes))
        next(codes)
        watcher.probe, watcher.probed_check = pid, "abc"
        watcher.probe_fd = os.pidfd_open(pid)
        watcher.poller.register(watcher.probe_fd)
        watcher._probe_ended()
        verdicts.append(watcher.state["health"])

    for unused in range(10):
        probe()
    assert verdicts == ["healthy"] * 6 + ["unhealthy"] * 3 + ["healthy"]
    assert place.state()["health"] == "healthy" and place.state()["health_check"] == "abc"


def test_a_verdict_of_another_check_does_not_count(place):
    watcher = place.watcher(HEALTH)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    watcher.probe, watcher.probed_check = pid, "old"
    watcher.probe_fd = os.pidfd_open(pid)
    watcher.poller.register(watcher.probe_fd)
    watcher._probe_ended()
    assert watcher.state["health"] == "starting" and watcher.probe is None


def test_first_probe_comes_after_the_start_interval(place):
    watcher = place.watcher(HEALTH)
    assert 4 < watcher.next_probe - watcher.started <= 5.5
    assert 4000 < watcher._patience() <= 5501
    assert place.watcher().next_probe is None and place.watcher()._patience() is None


def test_start_period_forgives_failures(place):
    watcher = place.watcher({**HEALTH, "health_start_period": "60"})
    assert watcher._starting()
    watcher.state["health"] = "healthy"
    assert not watcher._starting()


def test_health_is_written_only_when_it_changes(place):
    watcher = place.watcher(HEALTH)
    watcher._set_health("healthy", 0)
    before = os.stat(place.path / "state.json").st_ino
    watcher._set_health("healthy", 0)
    assert os.stat(place.path / "state.json").st_ino == before
    watcher.state["health_check"] = "new"
    watcher._set_health("healthy", 0)
    assert place.state()["health_check"] == "new"


def test_output_of_both_streams_goes_to_the_log(place):
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    watcher = place.watcher(fds=(out, err))
    os.write(out_end, b"to out\n")
    os.write(err_end, b"to err\nrest")
    for end in (out_end, err_end):
        os.close(end)
    watcher.pid = os.fork()
    if watcher.pid == 0:
        os._exit(4)
    assert os.WEXITSTATUS(watcher._reap()) == 4
    text = (place.path / "logs" / "container.log").read_text()
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == ["stdout F to out", "stderr F to err", "stderr F rest"]
    for fd in (out, err):
        os.close(fd)


@given(st.text())
def test_quoted_text_is_json(text):
    assert json.loads(watch.quote(text)) == text


def test_lines_keep_equals_signs(tmp_path):
    (tmp_path / "x").write_text("a=b=c\nempty=\n")
    assert watch.read_lines(str(tmp_path / "x")) == {"a": "b=c", "empty": ""}


def test_fields_are_those_of_the_record():
    from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime.container import State

    assert set(watch._FIELDS) == set(State.__dataclass_fields__)
    assert Healthcheck().retries == 3


def test_it_imports_little():
    """Every megabyte of a watcher counts once a container."""
    heavy = ("json", "re", "enum", "signal", "dataclasses", "ctypes", "typing", "subprocess", "socket", "threading", "collections")
    code = ("import sys; sys.path.insert(0, %r); import types\n"
            "package = types.ModuleType('p'); package.__path__ = [%r]; sys.modules['p'] = package\n"
            "import p.watch; print(*[name for name in %r if name in sys.modules])") % (str(SOURCE.parent), str(SOURCE.parent), heavy)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    inside = [node for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)]
    assert not [node for node in inside if isinstance(node, (ast.Import, ast.ImportFrom))]
