# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages: where they begin, what they need, which variables they see."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import instructions, parser, stages
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.scope import Scope
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue


def read(text):
    return stages.split(instructions.instructions(parser.parse(text)))


MANY = """ARG V=12
FROM debian:$V AS base
FROM base AS tools
FROM scratch AS unused
COPY --from=base / /
FROM alpine AS last
COPY --from=tools /a /b
RUN --mount=from=1,target=/x true
COPY --from=nginx:1 /c /d
"""


@pytest.mark.parametrize("target, order", [
    (None, (0, 1, 3)), ("base", (0,)), ("TOOLS", (0, 1)), ("2", (0, 2)), ("unused", (0, 2)), (0, (0,)),
])
def test_only_what_the_target_needs(target, order):
    found = stages.plan(read(MANY), target=target)
    assert found.order == order
    assert found.bases[0].image == "debian:12" and found.bases[1].stage == 0
    assert all(found.order.index(need) < found.order.index(index) for index in found.order for need in found.needs[index])


def test_a_target_that_is_none():
    with pytest.raises(InvalidValue, match="tolls") as caught:
        stages.plan(read(MANY), target="tolls")
    assert caught.value.hint == "did you mean tools?"


@pytest.mark.parametrize("text, args, image, platform", [
    ("ARG A=x\nARG B=$A-y\nFROM $B", {}, "x-y", ""), ("ARG A=x\nFROM i:${A}", {"A": "z"}, "i:z", ""),
    ("ARG A\nFROM i:${A:-d}", {}, "i:d", ""),
    ("FROM --platform=$BUILDPLATFORM i-$TARGETARCH$TARGETVARIANT", {}, "i-arm64v8", "linux/amd64"),
    ("FROM --platform=$TARGETOS/riscv64 i", {}, "i", "linux/riscv64"), ("FROM i-$TARGETARCH", {"TARGETARCH": "m68k"}, "i-m68k", ""),
])
def test_from_sees_the_head_of_the_file(text, args, image, platform):
    base = stages.plan(read(text), args, "linux/amd64", "linux/arm64/v8").bases[0]
    assert (base.image, base.platform) == (image, platform)


@pytest.mark.parametrize("text, line, reason", [
    ("RUN a\nFROM b", 1, "in front of the first FROM"), ("ARG a", 1, "no FROM follows"), ("FROM $x", 1, "empty"),
    ("FROM a\n\nCOPY --from=1 a b", 3, "no stage 1"), ("FROM a\nCOPY --from=0 a b", 2, "needs itself"),
    ("FROM a AS x\nCOPY --from=y a b\nFROM a AS y\nCOPY --from=x a b", 2, "needs itself"), ("FROM a:${x:?no version}", 1, "no version"),
    ("FROM --platform=$x a", 1, "platform is empty"),
])
def test_errors_say_where(text, line, reason):
    with pytest.raises(DockerfileError, match=reason) as caught:
        stages.plan(read(text))
    assert caught.value.line == line


def test_many_stages_need_no_recursion():
    text = "FROM a AS s0\n" + "".join("FROM s%d AS s%d\n" % (number, number + 1) for number in range(1500))
    assert stages.plan(read(text)).order == tuple(range(1501))


def test_variables_of_a_stage():
    whole = read("ARG A=head\nARG H=only\nFROM i\nARG A\nARG B=$A-$H\nENV A=env C=$A\nARG A=late\nARG T\nARG TARGETOS")
    scope = Scope.of_file(whole, {"T": "told", "http_proxy": "p"}).stage({"PATH": "/bin"})
    for each in whole.stages[0].instructions:
        (scope.declare if each.keyword == "ARG" else scope.set)(each)
    assert scope.variables == {"PATH": "/bin", "A": "late", "B": "head-", "C": "head", "T": "told", "TARGETOS": "linux"}
    assert scope.run_environment() == {**scope.variables, "http_proxy": "p"}
    assert scope.used == {"T"} and scope.env == {"PATH": "/bin", "A": "env", "C": "head"}


@pytest.mark.parametrize("text, value", [
    ("ARG A=arg\nENV A=env", "env"), ("ENV A=env\nARG A=arg", "arg"), ("ENV A=env\nARG A", "env"),
    ("ENV A=env\nARG A=arg\nENV A=last", "last"),
    ("ARG A=one\nARG A=two", "two"), ("ARG A=one\nARG A", "one"),
])
def test_the_last_that_has_a_value_wins(text, value):
    scope = Scope.of_file(read("FROM i")).stage({"A": "base"})
    for each in read("FROM i\n" + text).stages[0].instructions:
        (scope.declare if each.keyword == "ARG" else scope.set)(each)
    assert scope.variables["A"] == value


def test_triggers_of_a_stage_run_in_those_built_on_it():
    whole = read("FROM a AS tools\nFROM b AS base\nONBUILD COPY --from=tools /x /y\nONBUILD RUN make\nRUN own\nFROM base\nRUN last")
    found = stages.plan(whole)
    assert sorted(found.order) == [0, 1, 2] and found.order[-1] == 2 and found.needs == {0: (), 1: (), 2: (0, 1)}
    assert [each.keyword for each in found.triggers[2]] == ["COPY", "RUN"] and set(found.triggers) == {2}
    assert found.triggers[2][1].node.start_line == 4


def test_triggers_of_an_image():
    asked = []

    def on_build(base):
        asked.append(base.image)
        return ["COPY --from=tools /x /y"] if base.image == "lib:1" else None

    whole = read("FROM a AS tools\nFROM never AS unused\nFROM lib:1\nRUN last")
    found = stages.plan(whole, on_build=on_build)
    assert found.order == (0, 2) and found.needs[2] == (0,) and sorted(asked) == ["a", "lib:1"]
    assert found.triggers[2][0].from_name == "tools"


@pytest.mark.parametrize("text, reason", [
    ("COPY --from=9 a b", "ONBUILD of lib:1:1:13: there is no stage 9"), ("BUILD", "ONBUILD of lib:1:1:1: unknown instruction BUILD"),
    ("ONBUILD RUN x", "ONBUILD cannot trigger"), ("COPY --from=last a b", "needs itself"),
])
def test_bad_triggers_name_the_image(text, reason):
    with pytest.raises(DockerfileError, match=reason) as caught:
        stages.plan(read("FROM lib:1 AS last\nRUN x"), on_build=lambda base: [text])
    assert caught.value.file == "ONBUILD of lib:1"
