# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Dockerfile as a whole: one call from its text to stages of typed instructions."""

from __future__ import annotations

from typing import Tuple

from ..spec.document import Document, document
from . import parser, stages
from .instructions import instructions
from .position import DockerfileError

_CHECKS = ("skip", "error")


@document
class Dockerfile(Document):
    """:param syntax: the nodes as they were written.
    :param stages: the Stages.
    :param skip: names of checks whose warnings are not wanted (``all`` for every one), from ``# check=``.
    :param strict: whether ``# check=error=true`` makes errors of warnings.
    :param frontend: what ``# syntax=`` names, or empty.
    """

    syntax: parser.Syntax
    stages: stages.Stages
    skip: Tuple[str, ...] = ()
    strict: bool = False
    frontend: str = ""

    @property
    def file(self):
        return self.syntax.file


def parse(source, file="Dockerfile"):
    """The Dockerfile of a text or of its bytes.

    :param file: its name, for messages.
    :raises DockerfileError: and nothing else.
    """
    syntax = parser.parse(source, file)
    directives = dict(syntax.directives)
    skip, strict = _check(directives.get("check", ""), source, syntax)
    return Dockerfile(syntax, stages.split(instructions(syntax)), skip, strict, directives.get("syntax", ""))


def _check(text, source, syntax):
    """(names to skip, strict) of ``skip=A,B;error=true``."""
    found = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, equals, value = part.partition("=")
        name, value = name.strip().lower(), value.strip()
        if name not in _CHECKS or not equals:
            raise _error(syntax, source, part, "unknown option %r of the check directive" % part,
                         "write # check=skip=NAME,NAME;error=true")
        if name == "error" and value.lower() not in ("true", "false", "1", "0", "t", "f"):
            raise _error(syntax, source, part, "error of the check directive is true or false, not %r" % value, None)
        found[name] = value
    names = tuple(filter(None, (each.strip() for each in found.get("skip", "").split(","))))
    return names, found.get("error", "").lower() in ("true", "1", "t")


def _error(syntax, source, token, reason, hint):
    text = source.decode("utf-8") if isinstance(source, bytes) else source
    number = [name for name, unused in syntax.directives].index("check")
    line = text.split("\n")[number].rstrip("\r")
    return DockerfileError(reason, syntax.file, number + 1, max(line.find(token), 0) + 1, len(token), line, hint)
