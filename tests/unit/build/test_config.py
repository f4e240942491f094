# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of images that instructions make, their history, and what identifies a step."""

from __future__ import annotations

import json

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import changes, dockerfile, history
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.expand import expand
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.scope import Scope

BASE = {"Env": ["PATH=/bin", "A=old", "Z=1"], "Cmd": ["base"], "Entrypoint": ["/e"], "WorkingDir": "/w", "Labels": {"l": "1"},
        "ExposedPorts": {"1/tcp": {}}, "Volumes": {"/v": {}}, "User": "u", "OnBuild": ["RUN x"]}


def steps(text, base=None):
    """(expanded instruction, scope) of each of a stage."""
    found = dockerfile.parse("FROM scratch\n" + text)
    scope = Scope.of_file(found.stages).stage(changes.env_of(base or {}))
    for each in found.stages.stages[0].instructions:
        step = expand(each, scope)
        if step.keyword == "ARG":
            scope.declare(step)
        if step.keyword == "ENV":
            scope.set_env(step.pairs)
        yield step, scope


def after(text):
    return changes.configured(BASE, [step for step, unused in steps(text, BASE)])


@pytest.mark.parametrize("text, key, value", [
    ("ENV A=new B=$A", "Env", ["PATH=/bin", "A=new", "Z=1", "B=old"]), ("ENV A=1\nENV A=2 B=$A", "Env", ["PATH=/bin", "A=2", "Z=1", "B=1"]),
    ("ENV B=1 B=2", "Env", ["PATH=/bin", "A=old", "Z=1", "B=2"]), ("LABEL l=2 m=3", "Labels", {"l": "2", "m": "3"}),
    ("CMD x y", "Cmd", ["/bin/sh", "-c", "x y"]), ('CMD ["x", "y"]', "Cmd", ["x", "y"]), ("CMD []", "Cmd", []),
    ('SHELL ["bash", "-c"]\nCMD x', "Cmd", ["bash", "-c", "x"]), ("CMD x\nSHELL [\"a\"]", "Cmd", ["/bin/sh", "-c", "x"]),
    ("ENTRYPOINT x", "Cmd", None), ("ENTRYPOINT x", "Entrypoint", ["/bin/sh", "-c", "x"]), ("ENTRYPOINT []", "Entrypoint", []),
    ("ENTRYPOINT []", "Cmd", None), ('CMD ["c"]\nENTRYPOINT ["e"]', "Cmd", ["c"]), ('ENTRYPOINT ["e"]\nCMD ["c"]', "Cmd", ["c"]),
    ("EXPOSE 2-3/udp", "ExposedPorts", {"1/tcp": {}, "2/udp": {}, "3/udp": {}}), ("VOLUME /x", "Volumes", {"/v": {}, "/x": {}}),
    ("WORKDIR x", "WorkingDir", "/w/x"), ("WORKDIR /x/../y/", "WorkingDir", "/y"), ("WORKDIR ..\nWORKDIR ..", "WorkingDir", "/"),
    ("WORKDIR a\nWORKDIR $A", "WorkingDir", "/w/a/old"), ("WORKDIR //x", "WorkingDir", "/x"), ("USER 0:0", "User", "0:0"),
    ("STOPSIGNAL SIGINT", "StopSignal", "SIGINT"), ('SHELL ["a", "b"]', "Shell", ["a", "b"]),
    ("HEALTHCHECK --interval=1m30s --retries=2 CMD x | y", "Healthcheck",
     {"Test": ["CMD-SHELL", "x | y"], "Interval": 90 * 10 ** 9, "Retries": 2}),
    ('HEALTHCHECK CMD ["x"]', "Healthcheck", {"Test": ["CMD", "x"]}), ("HEALTHCHECK NONE", "Healthcheck", {"Test": ["NONE"]}),
    ("ONBUILD RUN a $A\nONBUILD COPY a b", "OnBuild", ["RUN x", "RUN a $A", "COPY a b"]),
])
def test_configurations(text, key, value):
    assert after(text).get(key) == value


def test_the_given_configuration_stays_as_it_was():
    before = json.dumps(BASE)
    found = after("ENV N=1\nLABEL n=1\nEXPOSE 9\nVOLUME /n\nONBUILD RUN n\nCMD n\nENTRYPOINT n\nWORKDIR n\nUSER n\nARG n\nRUN n\nCOPY a b")
    assert json.dumps(BASE) == before and found != BASE


def test_what_a_stage_inherits():
    assert changes.inherited(BASE) == ({key: value for key, value in BASE.items() if key != "OnBuild"}, ("RUN x",))
    assert changes.inherited({"Env": ["A=1"]}) == ({"Env": ["A=1", changes.PATH]}, ())


@pytest.mark.parametrize("text, expected", [
    ("RUN make $A", "RUN /bin/sh -c make $A"), ('RUN ["make", "a b"]', "RUN make a b"),
    ("ARG X=1\nARG Y\nENV A=2\nARG A=3\nRUN x", "RUN |3 X=1 Y= A=3 /bin/sh -c x"), ("RUN <<E\na\nE", "RUN /bin/sh -c a\n"),
    ("RUN cat <<E\na\nE", "RUN /bin/sh -c cat <<E\na\nE"), ("RUN <<E\n#!/bin/awk\nE", "RUN #!/bin/awk\n"),
    ("COPY --link --chown=1 --chmod=0700 --exclude=x a b /c", "COPY --chown=1 --chmod=0700 a b /c"), ("COPY <<A /c\nx\nA", "COPY <<A /c"),
    ("ADD $A /c", "ADD old /c"), ("ENV a=$A b=\"x y\"", "ENV a=old b=x y"), ("LABEL a=b", "LABEL a=b"), ("ARG a=1 b", "ARG a=1 b"),
    ("CMD a \"b\"", 'CMD ["/bin/sh" "-c" "a \\"b\\""]'), ('ENTRYPOINT ["a", "b"]', 'ENTRYPOINT ["a" "b"]'),
    ("EXPOSE 80 53/udp", "EXPOSE [80/tcp 53/udp]"), ("VOLUME /a /b", "VOLUME [/a /b]"), ("USER x", "USER x"),
    ("STOPSIGNAL 9", "STOPSIGNAL 9"), ("MAINTAINER a b", "MAINTAINER a b"), ('SHELL ["a", "b"]', "SHELL [a b]"),
    ("HEALTHCHECK --interval=90s --timeout=500ms CMD x",
     "HEALTHCHECK {Test:[CMD-SHELL x] Interval:1m30s Timeout:500ms StartPeriod:0s StartInterval:0s Retries:0}"),
])
def test_history(text, expected):
    step, scope = list(steps(text, BASE))[-1]
    assert history.created_by(step, scope) == expected


def test_history_of_a_relative_directory_and_of_a_shell():
    step, scope = list(steps("WORKDIR x"))[-1]
    assert history.created_by(step, scope, workdir="/w/x") == "WORKDIR /w/x"
    step, scope = list(steps("RUN x"))[-1]
    assert history.created_by(step, scope, ("/bin/bash", "-ec")) == "RUN /bin/bash -ec x"


@pytest.mark.parametrize("nanoseconds, text", [
    (0, "0s"), (10 ** 6, "1ms"), (1500 * 10 ** 6, "1.5s"), (10 ** 9, "1s"), (3600 * 10 ** 9, "1h0m0s"), (60 * 10 ** 9, "1m0s"),
])
def test_durations(nanoseconds, text):
    assert history.duration(nanoseconds) == text


def identity(text):
    found = history.identity(list(steps(text, BASE))[-1][0])
    return json.dumps(found, sort_keys=True)


@pytest.mark.parametrize("one, other", [
    ("RUN a", "RUN \\\n  a"), ("# about\nRUN a", "\n\nrun a"), ("COPY $A /x", "COPY old /x"),
    ("COPY <<A /x\n$A\nA", "COPY <<'A' /x\nold\nA"),
    ("RUN --mount=type=tmpfs,target=/$A x", "RUN --mount=type=tmpfs,dst=/old x"), ("ENV B=$A", "ENV B old"),
])
def test_the_same_step(one, other):
    assert identity(one) == identity(other)


@pytest.mark.parametrize("one, other", [
    ("RUN a", "RUN b"), ("RUN a", 'RUN ["a"]'), ("RUN <<E\na\nE", "RUN <<E\nb\nE"), ("COPY a /x", "ADD a /x"),
    ("COPY <<A /x\n1\nA", "COPY <<A /x\n2\nA"),
    ("COPY a /x", "COPY --link a /x"), ("RUN a", "RUN --network=none a"), ("USER a", "WORKDIR a"), ("CMD a", "ENTRYPOINT a"),
    ("ENV a=b", "LABEL a=b"), ("RUN <<E\n#!/a\nE", "RUN <<E\n#!/b\nE"), ("COPY --exclude=a . /", "COPY --exclude=b . /"),
])
def test_another_step(one, other):
    assert identity(one) != identity(other)
