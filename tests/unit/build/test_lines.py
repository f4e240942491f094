# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a Dockerfile among the options of other modules."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import lines as option_lines
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import changes

BASE = {"Cmd": ["old"], "Entrypoint": ["/e"], "Env": ["PATH=/bin", "A=1"], "Labels": {"a": "1"}, "ExposedPorts": {"22/tcp": {}},
        "WorkingDir": "/w", "Hostname": "x"}


def read(options, lines):
    return option_lines.read(lines, changes.parse(options))


@pytest.mark.parametrize("options, lines, key, value", [
    ({}, ['CMD ["nginx", "-v"]'], "Cmd", ["nginx", "-v"]), ({}, ["cmd nginx -v"], "Cmd", ["/bin/sh", "-c", "nginx -v"]),
    ({}, ['SHELL ["/bin/ash", "-x"]', "CMD nginx"], "Cmd", ["/bin/ash", "-x", "nginx"]), ({}, ["CMD []"], "Cmd", []),
    ({"cmd": "mine"}, ["CMD theirs"], "Cmd", ["mine"]), ({"entrypoint": "/new"}, ["CMD theirs"], "Cmd", ["/bin/sh", "-c", "theirs"]),
    ({"entrypoint": "/new"}, ["USER x"], "Cmd", None), ({}, ["ENTRYPOINT /new"], "Cmd", None),
    ({}, ["ENV A=2 B='x y'"], "Env", ["PATH=/bin", "A=2", "B=x y"]), ({}, ["ENV A two words"], "Env", ["PATH=/bin", "A=two words"]),
    ({}, ["ENV PATH=/x:$PATH", "ENV B=$PATH"], "Env", ["PATH=/x:/bin", "A=1", "B=/x:/bin"]),
    ({"env": {"A": "3"}}, ["ENV A=2 B=$A"], "Env", ["PATH=/bin", "A=3", "B=1"]),
    ({"labels": {"b": "2"}}, ["LABEL b=3 c=4"], "Labels", {"a": "1", "b": "2", "c": "4"}),
    ({"exposed_ports": ["80"]}, ["EXPOSE 443/tcp 1-2/udp"], "ExposedPorts",
     {"22/tcp": {}, "80/tcp": {}, "1/udp": {}, "2/udp": {}, "443/tcp": {}}),
    ({"volumes": ["/a"]}, ['VOLUME ["/b", "/c d"]', "VOLUME /e /f"], "Volumes", {"/a": {}, "/b": {}, "/c d": {}, "/e": {}, "/f": {}}),
    ({}, ["WORKDIR /a", "WORKDIR b"], "WorkingDir", "/a/b"), ({}, ["WORKDIR a"], "WorkingDir", "/w/a"),
    ({"user": "1:2"}, ["USER root"], "User", "1:2"), ({}, ["STOPSIGNAL SIGQUIT"], "StopSignal", "SIGQUIT"),
    ({}, ["ONBUILD RUN make"], "OnBuild", ["RUN make"]), ({}, ['HEALTHCHECK CMD ["a"]'], "Healthcheck", {"Test": ["CMD", "a"]}),
    ({}, ["HEALTHCHECK --interval=5s --retries=2 CMD curl x"], "Healthcheck",
     {"Test": ["CMD-SHELL", "curl x"], "Interval": 5 * 10**9, "Retries": 2}),
    ({}, ["HEALTHCHECK NONE"], "Healthcheck", {"Test": ["NONE"]}),
])
def test_one_change(options, lines, key, value):
    found = read(options, lines)
    after = found.apply(BASE)
    assert after.get(key) == value and found
    assert after["Hostname"] == "x", "what the engine does not know stays"


@pytest.mark.parametrize("line, says", [
    ("RUN x", "1: RUN is not an instruction that is taken here"), ("RNU", "1: RNU is not"), ("CMD", "1: CMD needs"),
    ("", "1: is not exactly"),
    ("ENV A=1 B", "9: 'B' is not NAME=VALUE"), ("EXPOSE x", "8: 'x' is no port"), ("SHELL /bin/sh", "7: SHELL needs a JSON list"),
    ("HEALTHCHECK x", "13: unknown type"), ("HEALTHCHECK --bad=1 NONE", "13: unknown flag --bad"), ("USER a:b:c", "6: 'a:b:c' is no user"),
    ("LABEL x='x", "9: cannot expand"), ("STOPSIGNAL NOPE", "12: 'NOPE' is no signal"), ("VOLUME /", "8: VOLUME: '/' is the whole"),
])
def test_what_is_refused(line, says):
    with pytest.raises(DockerfileError) as caught:
        read({}, ["USER a", line])
    assert str(caught.value).startswith("changes:2:" + says)


def test_what_only_the_base_can_tell_is_refused_later():
    found = read({}, ["WORKDIR /${NEEDED:?missing}"])
    assert found.apply({"Env": ["NEEDED=x"]})["WorkingDir"] == "/x"
    with pytest.raises(DockerfileError, match=r"changes:1:.*missing"):
        found.apply({})


def test_what_makes_the_same_image_has_the_same_form():
    assert read({}, ["ENV A=1", "USER x"]).to_json() == read({}, ["env   A=1", "USER  x"]).to_json()
    assert read({}, ["ENV A=1"]).to_json() != read({}, ["ENV A=2"]).to_json() != read({"user": "x"}, ["ENV A=2"]).to_json()
