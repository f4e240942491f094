# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to an image's defaults by options, and how they meet a base."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import changes

BASE = {"Cmd": ["old"], "Entrypoint": ["/e"], "Env": ["PATH=/bin", "A=1"], "Labels": {"a": "1"}, "ExposedPorts": {"22/tcp": {}},
        "Hostname": "x"}


@pytest.mark.parametrize("options, key, value", [
    ({"cmd": "nginx -g 'daemon off;'"}, "Cmd", ["nginx", "-g", "daemon off;"]),
    ({"cmd": ["a", 5]}, "Cmd", ["a", "5"]),
    ({"cmd": []}, "Cmd", []),
    ({"env": {"A": 2, "B": "x y"}}, "Env", ["PATH=/bin", "A=2", "B=x y"]),
    ({"labels": {"a": "2", "b": "2"}}, "Labels", {"a": "2", "b": "2"}),
    ({"exposed_ports": ["80", "1-2/UDP"]}, "ExposedPorts", {"22/tcp": {}, "80/tcp": {}, "1/udp": {}, "2/udp": {}}),
    ({"volumes": ["/a"]}, "Volumes", {"/a": {}}),
    ({"user": "1:2"}, "User", "1:2"), ({"workdir": "/a"}, "WorkingDir", "/a"),
    ({"healthcheck": {"test": "true", "interval": "1m30s", "timeout": "500ms", "start_period": 2, "retries": 3}}, "Healthcheck",
     {"Test": ["CMD-SHELL", "true"], "Interval": 90 * 10**9, "Timeout": 5 * 10**8, "StartPeriod": 2 * 10**9, "Retries": 3}),
    ({"healthcheck": {"test": ["curl", "-f", "x"]}}, "Healthcheck", {"Test": ["CMD", "curl", "-f", "x"]}),
    ({"healthcheck": {"test": "NONE"}}, "Healthcheck", {"Test": ["NONE"]}),
])
def test_one_change(options, key, value):
    after = changes.parse(options).apply(BASE)
    assert after[key] == value
    assert after["Hostname"] == "x", "what the engine does not know stays"


def test_an_entry_point_drops_the_command_of_the_base():
    assert "Cmd" not in changes.parse({"entrypoint": "/new"}).apply(BASE)
    assert changes.parse({"entrypoint": "/new", "cmd": "x"}).apply(BASE)["Cmd"] == ["x"]


def test_nothing_is_no_change():
    assert not changes.parse({}) and changes.parse({}).apply(BASE) == BASE
    assert changes.parse({"user": "x"})


@pytest.mark.parametrize("options, option", [
    ({"cmd": 5}, "cmd"), ({"cmd": "'open"}, "cmd"), ({"entrypoint": [True]}, "entrypoint"),
    ({"env": {"A": True}}, "env"), ({"env": {"A=B": "x"}}, "env"), ({"labels": ["x"]}, "labels"),
    ({"exposed_ports": ["0"]}, "exposed_ports"), ({"exposed_ports": ["9-8"]}, "exposed_ports"),
    ({"exposed_ports": ["80/http"]}, "exposed_ports"), ({"volumes": ["x"]}, "volumes"), ({"workdir": "x"}, "workdir"),
    ({"healthcheck": {"interval": "5 s"}}, "healthcheck.interval"), ({"healthcheck": []}, "healthcheck"),
])
def test_what_is_refused(options, option):
    with pytest.raises(InvalidValue) as caught:
        changes.parse(options)
    assert caught.value.option == option


@pytest.mark.parametrize("options, says", [
    ({"stop_signal": "FOO"}, "stop_signal: 'FOO' is no signal"),
    ({"stop_signal": "65"}, "stop_signal: '65' is no signal"),
    ({"healthcheck": {"test": "true", "retries": -1}}, "healthcheck.retries: -1 is not a number"),
    ({"volumes": ["/"]}, "volumes: '/' is the whole file system"),
    ({"user": "a b"}, "user: 'a b' is not a user"),
    ({"user": "a:b:c"}, "user: 'a:b:c' is not a user"),
])
def test_what_no_container_could_use(options, says):
    with pytest.raises(InvalidValue) as caught:
        changes.parse(options)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("name", ["SIGTERM", "term", "9", "64", "SIGRTMIN+3", "RTMAX-1", "SIGWINCH"])
def test_signals(name):
    assert changes.parse({"stop_signal": name}).stop_signal == name
