# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a Dockerfile: ARG in front of FROM, ARG in a stage, ENV, platforms and what is predefined."""

from __future__ import annotations

from .shell import Lexer, WordError

_CONTENT = Lexer(ignore_quotes=True)

PREDEFINED = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY",
              "all_proxy")
"""Known to every RUN without an ARG, and no part of what a step is cached by."""


def platform_args(build_platform, target_platform, stage="default"):
    """dict of the ARGs that say where the build runs and what it is for: ``TARGETARCH`` and others; ``stage`` is the target's name."""
    found = {"TARGETSTAGE": stage}
    for prefix, platform in (("BUILD", build_platform), ("TARGET", target_platform or build_platform)):
        parts = platform.split("/") + ["", ""]
        found.update({prefix + "PLATFORM": platform, prefix + "OS": parts[0], prefix + "ARCH": parts[1], prefix + "VARIANT": parts[2]})
    return found


class Scope:
    """The variables at one place of a file.

    What stands later wins: an ENV over the ARG in front of it, an ARG over the ENV in front of it (as BuildKit does it; in a stage on this
    one the ENV counts again, since only that is kept in the image). ``build_args`` win over a default. An ARG of the file's head is seen in
    a stage only once the stage declares it.

    :param outer: dict of what the head of the file declared.
    :param env: dict: what the base image or stage had.
    :param args: dict: what the base stage had declared.

    ``used`` is the set of ``build_args`` that an ARG took; ``declared`` has the names of every ARG, in their order; ``undefined`` lists
    (instruction, name) of variables that nothing declares.
    """

    def __init__(self, build_args=None, outer=None, env=None, args=None, escape="\\"):
        self.build_args = dict(build_args or {})
        self.outer = dict(outer or {})
        self.env = dict(env or {})
        self.args = dict(args or {})
        self._late = {}
        self.used = set()
        self.declared = dict.fromkeys(self.args)
        self.undefined = []
        self.lexer = Lexer(escape)

    @classmethod
    def of_file(cls, stages, build_args=None, build_platform="linux/amd64", target_platform=None, target=None):
        """The Scope in front of the first FROM, which every FROM is expanded with."""
        args = platform_args(build_platform, target_platform, str(target or stages.stages[-1].name or "default"))
        scope = cls(build_args, escape=stages.stages[0].start.node.escape)
        scope.args = {name: scope.build_args.get(name, value) for name, value in args.items()}
        for each in stages.arguments:
            scope.declare(each)
        return scope

    def stage(self, env=None, args=None):
        """The Scope in which a stage begins; on another stage it goes on with that one's ``env`` and ``args``."""
        return Scope(self.build_args, self.args, env, args, self.lexer.escape)

    @property
    def variables(self):
        """What words are expanded with."""
        return {**self.args, **self.env, **self._late}

    def declare(self, instruction):
        """ARG."""
        for name, default in instruction.pairs:
            name = self.expand(name, instruction)
            self.declared.setdefault(name)
            if name in self.build_args:
                self.used.add(name)
                self.args[name] = self.build_args[name]
            elif default is not None:
                self.args[name] = self.expand(default, instruction)
            elif name in self.outer:
                self.args[name] = self.outer[name]
            else:
                continue
            self._late[name] = self.args[name]

    def set(self, instruction):
        """ENV: all values see the variables in front of the instruction. Returns the expanded pairs."""
        pairs = self.pairs(instruction)
        self.set_env(pairs)
        return pairs

    def set_env(self, pairs):
        """ENV whose pairs are expanded already."""
        for name, value in pairs:
            self.env[name] = value
            self._late.pop(name, None)

    def pairs(self, instruction):
        """The expanded pairs of ENV or LABEL."""
        found = tuple((self.expand(name, instruction), self.expand(value, instruction)) for name, value in instruction.pairs)
        for name, unused in found:
            if not name:
                raise instruction.error("%s has an empty name" % instruction.keyword)
        return found

    def expand(self, text, instruction):
        """One word of an instruction; :raises DockerfileError: at its place."""
        return self._expanded(self.lexer, text, instruction).text

    def expand_words(self, text, instruction):
        """The words of a text (EXPOSE)."""
        return self._expanded(self.lexer, text, instruction).words

    def expand_content(self, text, instruction):
        """The content of a here-document: quotes mean nothing there, and a backslash escapes whatever the file's escape character is."""
        return self._expanded(_CONTENT, text, instruction).text

    def _expanded(self, lexer, text, instruction):
        try:
            found = lexer.expand(text, self.variables)
        except WordError as error:
            raise instruction.error(str(error), text) from None
        self.undefined.extend((instruction, name) for name in sorted(found.missing) if name not in self.declared)
        return found

    def run_environment(self):
        """dict: the environment of RUN; the predefined ones only if ``build_args`` gives them."""
        predefined = {name: self.build_args[name] for name in PREDEFINED if name in self.build_args}
        return {**predefined, **self.variables}
