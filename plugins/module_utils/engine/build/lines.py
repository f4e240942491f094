# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a Dockerfile that change an image's defaults without a build: ``CMD ["nginx"]`` among the options of other modules."""

from __future__ import annotations

import dataclasses
from typing import Tuple

from ..image.changes import Changes
from .changes import configured, env_of
from .expand import expand
from .history import identity
from .instructions import instruction
from .model import Cmd, Instruction
from .parser import parse_line
from .scope import Scope

KEYWORDS = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR")


@dataclasses.dataclass(frozen=True)
class LineChanges:
    """What lines, and then options, make of a base: to be used in place of a :class:`Changes`.

    :param options: Changes that win over the lines.
    """

    instructions: Tuple[Instruction, ...]
    options: Changes

    def __bool__(self):
        return bool(self.instructions or self.options)

    def apply(self, config):
        """The ``config`` object (dict) of an image with these changes; variables of the lines have the values that the base gives them.

        :raises DockerfileError:
        """
        lines = configured(config, _expanded(self.instructions, config))
        after = self.options.apply(lines)
        if self.options.cmd is None and "Cmd" in lines and any(isinstance(each, Cmd) for each in self.instructions):
            # an entry point among the options drops the command of the base, not one that is given beside it
            after["Cmd"] = lines["Cmd"]
        return after

    def to_json(self):
        """A JSON-able form, for hashes."""
        return {"lines": [identity(each) for each in self.instructions], "options": self.options.to_json()}


def read(lines, options, name="changes"):
    """The LineChanges of lines and of a Changes.

    :param name: the option that holds the lines; errors begin with it and the line's number.
    :raises DockerfileError:
    """
    found = []
    for number, line in enumerate(lines, 1):
        node = parse_line(line, name, line=number)
        if node.keyword not in KEYWORDS:
            raise node.error("%s is not an instruction that is taken here" % node.keyword, hint="use one of %s" % ", ".join(KEYWORDS))
        found.append(instruction(node))
        if "$" not in line:
            # what is wrong whatever the base holds is told before anything is done
            expand(found[-1], Scope())
    return LineChanges(tuple(found), options)


def _expanded(instructions, config):
    scope = Scope(env=env_of(config))
    for each in instructions:
        each = expand(each, scope)
        if each.keyword == "ENV":
            scope.set_env(each.pairs)
        yield each
