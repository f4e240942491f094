# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written about an instruction: in the history of the image, as BuildKit words it, and in the keys of the build cache."""

from __future__ import annotations

import json

from .changes import SHELL, TIMES
from .model import Arg, Cmd, Copy, Entrypoint, Env, Expose, Healthcheck, Label, OnBuild, Run, Shell, Simple, Volume


def created_by(instruction, scope, shell=SHELL, workdir=None):
    """The ``created_by`` of an expanded instruction.

    :param scope: the Scope in front of it (of an ARG: behind it); :param shell: words of SHELL.
    :param workdir: what a WORKDIR made, where that is relative.
    """
    handler = _HANDLERS.get(type(instruction))
    if handler is None:
        return instruction.node.text.strip()
    if isinstance(instruction, Simple) and instruction.keyword == "WORKDIR" and workdir:
        return "WORKDIR " + workdir
    return handler(instruction, scope, tuple(shell))


def identity(instruction):
    """A JSON-able value of all in an expanded instruction that can change its result; where it stands in the file is none of it."""
    found = {key: value for key, value in instruction.to_json().items() if key not in ("node", "mount_texts")}
    found["keyword"] = instruction.keyword
    if isinstance(instruction, Run):
        script = instruction.script
        found["script"] = script.text if script is not None else None
        found["text"] = instruction.shell_text if instruction.command.shell else None
    elif isinstance(instruction, Copy):
        found["contents"] = [[each.name, each.text] for each in instruction.contents]
    return found


def variables_of(scope):
    """list of ``NAME=VALUE``: the ARGs that a RUN sees, in the order of their declaration."""
    values = scope.variables
    return ["%s=%s" % (name, values.get(name, "")) for name in scope.declared]


def _run(instruction, scope, shell):
    words = (instruction.shell_text if instruction.command.shell else " ".join(instruction.command.words),)
    if instruction.command.shell and instruction.script is None:
        words = shell + words
    arguments = variables_of(scope)
    counted = ["|%d" % len(arguments)] + arguments if arguments else []
    return "RUN " + " ".join(counted + list(words))


def _copy(instruction, unused, also_unused):
    flags = ["--parents"] if instruction.parents else []
    flags += ["--%s=%s" % (name, getattr(instruction, name)) for name in ("chown", "chmod") if getattr(instruction, name)]
    sources = list(instruction.sources) + ["<<" + each.name for each in instruction.contents]
    return " ".join([instruction.keyword] + flags + sources + [instruction.destination])


def _pairs(instruction, unused, also_unused):
    return " ".join([instruction.keyword] + ["%s=%s" % pair for pair in instruction.pairs])


def _arg(instruction, scope, unused):
    names = [name for name, unused_default in instruction.pairs]
    return " ".join(["ARG"] + ["%s=%s" % (name, scope.args[name]) if name in scope.args else name for name in names])


def _command(instruction, unused, shell):
    return "%s %s" % (instruction.keyword, _quoted(instruction.command.argv(shell)))


def _quoted(words):
    return "[%s]" % " ".join(json.dumps(word, ensure_ascii=False) for word in words)


def _expose(instruction, unused, also_unused):
    return "EXPOSE [%s]" % " ".join(instruction.ports)


def _volume(instruction, unused, also_unused):
    return "VOLUME [%s]" % " ".join(instruction.paths)


def _simple(instruction, unused, also_unused):
    return "%s %s" % (instruction.keyword, instruction.value)


def _healthcheck(instruction, unused, also_unused):
    times = [(key, duration(getattr(instruction, name) or 0)) for key, name in TIMES if name != "retries"]
    fields = [("Test", "[%s]" % " ".join(instruction.test))] + times + [("Retries", str(instruction.retries or 0))]
    return "HEALTHCHECK {%s}" % " ".join("%s:%s" % pair for pair in fields)


def duration(nanoseconds):
    """As Go writes a duration: ``1m30s``, ``1.5s``, ``500ms``."""
    if nanoseconds < 10 ** 9:
        return "%gms" % (nanoseconds / 10 ** 6) if nanoseconds else "0s"
    minutes, rest = divmod(nanoseconds, 60 * 10 ** 9)
    hours, minutes = divmod(minutes, 60)
    seconds = ("%d.%09d" % divmod(rest, 10 ** 9)).rstrip("0").rstrip(".")
    if hours:
        return "%dh%dm%ss" % (hours, minutes, seconds)
    return "%dm%ss" % (minutes, seconds) if minutes else seconds + "s"


def _shell(instruction, unused, also_unused):
    return "SHELL [%s]" % " ".join(instruction.words)


def _on_build(instruction, unused, also_unused):
    return "ONBUILD " + instruction.trigger


_HANDLERS = {
    Run: _run, Copy: _copy, Env: _pairs, Label: _pairs, Arg: _arg, Cmd: _command, Entrypoint: _command, Expose: _expose, Volume: _volume,
    Simple: _simple, Healthcheck: _healthcheck, Shell: _shell, OnBuild: _on_build,
}
