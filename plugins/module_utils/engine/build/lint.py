# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What builds but was probably not meant: the checks of BuildKit, under its names, which ``# check=skip=NAME`` turns off."""

from __future__ import annotations

import re

from ..spec.document import Document, document
from .dockerfile import Dockerfile
from .model import Arg, Cmd, Entrypoint, Env, Expose, Healthcheck, Label, Shell, Simple
from .position import DockerfileError, nearest
from .scope import PREDEFINED, Scope

_RESERVED = ("context", "scratch")
_ONCE = (Cmd, Entrypoint, Healthcheck)
_SECRET = re.compile(r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE)
_NO_SECRET = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)
_SILENT = PREDEFINED + ("SOURCE_DATE_EPOCH",)


@document
class Finding(Document):
    """A warning; as text ``FILE:LINE: RULE: message``."""

    rule: str
    message: str
    file: str
    line: int

    def __str__(self):
        return "%s:%d: %s: %s" % (self.file, self.line, self.rule, self.message)


def check(dockerfile, build_args=None, build_platform="linux/amd64", target_platform=None, target=None):
    """A tuple of Findings about a Dockerfile, as far as no base image needs to be known; those that it skips are left out."""
    found = []
    for number in dockerfile.syntax.blank_continuations:
        found.append(Finding("NoEmptyContinuation", "empty line inside a continued instruction", dockerfile.file, number))
    found += _frontend(dockerfile) + _casing(dockerfile) + _stage_names(dockerfile)
    for stage in dockerfile.stages.stages:
        found += _stage(stage)
    found += _froms(dockerfile, Scope.of_file(dockerfile.stages, build_args, build_platform, target_platform, target))
    found += _unused(dockerfile, build_args or {}, build_platform)
    return _wanted(dockerfile, found)


def undefined(dockerfile, scope):
    """Findings of variables that had no value in a stage: to be asked once its instructions are expanded."""
    found = []
    for instruction, name in scope.undefined:
        if name not in _SILENT:
            found.append(_finding("UndefinedVar", instruction, "$%s is not defined%s" % (name, _meant(name, scope.variables, "$"))))
    return _wanted(dockerfile, found)


def refuse(dockerfile, findings):
    """:raises DockerfileError: for the first of the Findings, if ``# check=error=true`` stands in the file."""
    if dockerfile.strict and findings:
        first = findings[0]
        raise DockerfileError("%s: %s" % (first.rule, first.message), first.file, first.line,
                              hint="the check directive makes errors of warnings; skip this one by # check=skip=%s" % first.rule)


def _wanted(dockerfile: Dockerfile, found):
    skip = {name.lower() for name in dockerfile.skip}
    if "all" in skip:
        return ()
    return tuple(sorted(dict.fromkeys(each for each in found if each.rule.lower() not in skip), key=lambda each: each.line))


def _finding(rule, instruction, message):
    return Finding(rule, message, instruction.node.file, instruction.node.start_line)


def _written(instruction):
    """The words of an instruction as they were written, keyword first."""
    return instruction.node.text.split()


def _frontend(dockerfile):
    name = dockerfile.frontend.partition("@")[0].partition(":")[0]
    if not name or "dockerfile" in name.lower():
        return []
    return [Finding("UnknownFrontend", "%s is not used: the file is read as a Dockerfile" % dockerfile.frontend, dockerfile.file, 1)]


def _casing(dockerfile):
    everything = list(dockerfile.stages.arguments)
    for stage in dockerfile.stages.stages:
        everything += (stage.start,) + stage.instructions
    keywords = [_written(each)[0] for each in everything]
    small = sum(word.islower() for word in keywords) > sum(word.isupper() for word in keywords)
    return [_finding("ConsistentInstructionCasing", each, "%s is not in %s letters as most instructions are" %
                     (word, "small" if small else "capital"))
            for each, word in zip(everything, keywords) if not (word.islower() if small else word.isupper())]


def _stage_names(dockerfile):
    found, seen = [], set()
    for stage in dockerfile.stages.stages:
        words = [word for word in _written(stage.start) if not word.startswith("--")]
        if len(words) != 4:
            continue
        if words[2].isupper() != words[0].isupper() and words[2].islower() != words[0].islower():
            found.append(_finding("FromAsCasing", stage.start, "%s and %s are not in the same letters" % (words[0], words[2])))
        if not words[3].islower():
            found.append(_finding("StageNameCasing", stage.start, "stage name %s should be in small letters" % words[3]))
        if stage.name in _RESERVED:
            found.append(_finding("ReservedStageName", stage.start, "%s has a meaning of its own and should name no stage" % stage.name))
        if stage.name in seen:
            found.append(_finding("DuplicateStageName", stage.start, "stage name %s is taken by an earlier stage" % stage.name))
        seen.add(stage.name)
    return found


def _stage(stage):
    found, last, shell, directory = [], {}, False, False
    for each in stage.instructions:
        if isinstance(each, _ONCE):
            if type(each) in last:
                found.append(_finding("MultipleInstructionsDisallowed", last[type(each)],
                                      "only the last %s of a stage counts" % each.keyword))
            last[type(each)] = each
        if isinstance(each, (Cmd, Entrypoint)) and each.command.shell and not shell:
            found.append(_finding("JSONArgsRecommended", each, "write %s as a JSON list: a shell would get the signals" % each.keyword))
        elif isinstance(each, (Env, Label)) and _is_old(each):
            found.append(_finding("LegacyKeyValueFormat", each, "write %s NAME=VALUE with an equals sign" % each.keyword))
        if isinstance(each, (Env, Arg)):
            found += [_finding("SecretsUsedInArgOrEnv", each, "%s keeps %s in the image or its history; use RUN --mount=type=secret" %
                               (each.keyword, name)) for name, unused in each.pairs if _SECRET.search(name) and not _NO_SECRET.search(name)]
        elif isinstance(each, Expose):
            found += _ports(each)
        elif isinstance(each, Simple):
            if each.keyword == "MAINTAINER":
                found.append(_finding("MaintainerDeprecated", each, "use LABEL org.opencontainers.image.authors=... instead"))
            if each.keyword == "WORKDIR" and not directory and not each.value.startswith(("/", "$", '"/', "'/")):
                found.append(_finding("WorkdirRelativePath", each, "%s depends on the working directory of the base image" % each.value))
            directory = directory or each.keyword == "WORKDIR"
        shell = shell or isinstance(each, Shell)
    return found


def _is_old(instruction):
    return "=" not in (instruction.node.arguments.split() or ["="])[0]


def _ports(instruction):
    found = []
    for port in instruction.ports:
        if ":" in port and "$" not in port:
            found.append(_finding("ExposeInvalidFormat", instruction, "%s: an address or port of the host means nothing here" % port))
        protocol = port.partition("/")[2]
        if protocol.lower() != protocol and "$" not in protocol:
            found.append(_finding("ExposeProtoCasing", instruction, "%s: write the protocol in small letters" % port))
    return found


def _froms(dockerfile, scope):
    found = []
    for stage in dockerfile.stages.stages:
        start = stage.start
        name = scope.lexer.expand(start.image, scope.variables)
        platform = scope.lexer.expand(start.platform, scope.variables)
        for missing in sorted(name.missing | platform.missing):
            found.append(_finding("UndefinedArgInFrom", start, "no ARG in front of FROM declares %s%s" %
                                  (missing, _meant(missing, scope.variables))))
        if platform.used == {"TARGETPLATFORM"} and platform.text == scope.variables["TARGETPLATFORM"]:
            found.append(_finding("RedundantTargetPlatform", start, "--platform=%s is what is built for anyway" % start.platform))
        parts = platform.text.split("/")
        if start.platform and not platform.used | platform.missing and not any(part in stage.name for part in parts[:2]):
            found.append(_finding("FromPlatformFlagConstDisallowed", start, "--platform=%s is a constant: the image can be built for "
                                  "nothing else" % start.platform))
    return found


def _unused(dockerfile, build_args, build_platform):
    known = set(_SILENT) | set(Scope.of_file(dockerfile.stages, {}, build_platform).args)
    for each in dockerfile.stages.arguments + tuple(each for stage in dockerfile.stages.stages for each in stage.instructions):
        if isinstance(each, Arg):
            known.update(name for name, unused in each.pairs)
    line = dockerfile.stages.stages[-1].start.node.start_line
    return [Finding("UnusedBuildArg", "no ARG takes the build argument %s%s" % (name, _meant(name, known)), dockerfile.file, line)
            for name in sorted(build_args) if name not in known and not name.startswith("BUILDKIT_")]


def _meant(name, known, mark=""):
    meant = nearest(name, sorted(known))
    return "; did you mean %s%s?" % (mark, meant) if meant else ""
