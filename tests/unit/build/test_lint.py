# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about Dockerfiles, and the directives that turn them off or make errors of them."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import dockerfile, lint
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.expand import expand
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.scope import Scope


def rules(text, **options):
    return [(each.rule, each.line) for each in lint.check(dockerfile.parse(text), **options)]


CLEAN = """# syntax=docker/dockerfile:1
ARG V=1
FROM --platform=$BUILDPLATFORM debian:$V AS build
ARG TOKEN_FILE PUBLIC_KEY
WORKDIR /src
WORKDIR sub
SHELL ["/bin/bash", "-c"]
CMD exec run
FROM scratch
ENV A=b
EXPOSE 80/tcp $P
ENTRYPOINT ["x"]
CMD ["y"]
"""


def test_nothing_to_say():
    assert rules(CLEAN, build_args={"V": "2", "http_proxy": "x", "TARGETARCH": "arm64"}) == []


@pytest.mark.parametrize("text, rule, line", [
    ("FROM a\nRUN x \\\n\n  y", "NoEmptyContinuation", 3), ("FROM a\nrun x\nRUN y", "ConsistentInstructionCasing", 2),
    ("from a\nRUN x\nrun y", "ConsistentInstructionCasing", 2), ("FROM a\nRun x", "ConsistentInstructionCasing", 2),
    ("FROM a as b", "FromAsCasing", 1), ("FROM a AS B", "StageNameCasing", 1), ("FROM a AS scratch", "ReservedStageName", 1),
    ("FROM a AS b\nFROM c AS b", "DuplicateStageName", 2), ("FROM a\nCMD x", "JSONArgsRecommended", 2),
    ("FROM a\nENTRYPOINT x", "JSONArgsRecommended", 2), ('FROM a\nCMD ["x"]\nCMD ["y"]', "MultipleInstructionsDisallowed", 2),
    ("FROM a\nHEALTHCHECK NONE\nHEALTHCHECK CMD x", "MultipleInstructionsDisallowed", 2), ("FROM a\nENV x y", "LegacyKeyValueFormat", 2),
    ("FROM a\nLABEL x y=z", "LegacyKeyValueFormat", 2), ("FROM a\nENV API_TOKEN=x", "SecretsUsedInArgOrEnv", 2),
    ("FROM a\nARG password", "SecretsUsedInArgOrEnv", 2), ("FROM a\nMAINTAINER b", "MaintainerDeprecated", 2),
    ("FROM a\nWORKDIR b", "WorkdirRelativePath", 2), ("FROM a\nEXPOSE 80/TCP", "ExposeProtoCasing", 2),
    ("FROM a\nEXPOSE 80:80", "ExposeInvalidFormat", 2), ("ARG V=1\nFROM a$v", "UndefinedArgInFrom", 2),
    ("FROM --platform=$TARGETPLATFORM a", "RedundantTargetPlatform", 1),
    ("FROM --platform=linux/arm64 a", "FromPlatformFlagConstDisallowed", 1),
    ("# syntax=example.com/other:1\nFROM a", "UnknownFrontend", 1),
])
def test_each_rule(text, rule, line):
    assert rules(text) == [(rule, line)]
    assert rules("# check=skip=%s\n%s" % (rule, text)) == [] or text.startswith("# syntax")


def test_the_stage_may_be_named_after_its_platform():
    assert rules("FROM --platform=linux/arm64 a AS arm64-tools") == []


def test_build_arguments_that_nothing_takes():
    found = lint.check(dockerfile.parse("FROM a\nARG VERSION"), {"VERSOIN": "1"})
    assert [str(each) for each in found] == [
        "Dockerfile:1: UnusedBuildArg: no ARG takes the build argument VERSOIN; did you mean VERSION?"]


def test_undefined_variables():
    found = dockerfile.parse("FROM a\nARG declared\nWORKDIR /$declared/$PAHT/${x:-y}/$http_proxy\nENV A=$B")
    scope = Scope.of_file(found.stages).stage({"PATH": "/bin"})
    for each in found.stages.stages[0].instructions:
        if each.keyword == "ARG":
            scope.declare(each)
        expand(each, scope)
    assert [str(each) for each in lint.undefined(found, scope)] == [
        "Dockerfile:3: UndefinedVar: $PAHT is not defined; did you mean $PATH?", "Dockerfile:4: UndefinedVar: $B is not defined"]


@pytest.mark.parametrize("head, skip, strict", [
    ("# check=skip=all", ("all",), False), ("# check = skip=A, B ; error=true", ("A", "B"), True), ("# check=error=TRUE", (), True),
    ("#check=error=false", (), False), ("# syntax=x\n# check=skip=A", ("A",), False),
])
def test_the_check_directive(head, skip, strict):
    found = dockerfile.parse(head + "\nFROM a")
    assert (found.skip, found.strict) == (skip, strict)


@pytest.mark.parametrize("text, column", [("# check=skp=A", 9), ("# check=skip", 9), ("# check=skip=A;error=yes", 16)])
def test_bad_check_directives(text, column):
    with pytest.raises(DockerfileError) as caught:
        dockerfile.parse("# syntax=x\n%s\nFROM a" % text)
    assert (caught.value.line, caught.value.column) == (2, column)


def test_errors_of_warnings():
    found = dockerfile.parse("# check=error=true\nFROM a AS B")
    with pytest.raises(DockerfileError, match="Dockerfile:2:1: StageNameCasing"):
        lint.refuse(found, lint.check(found))
    lint.refuse(found, ())
    calm = dockerfile.parse("FROM a AS B")
    lint.refuse(calm, lint.check(calm))
