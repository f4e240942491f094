# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host command ``agentless``: what an operator types on the host itself, through the same engine as the modules."""

from __future__ import annotations

import os
import sys

from ..errors import EngineError, describe
from ..state import DEFAULT_STATE_ROOT, Roots

USAGE = """usage: agentless [--state-root DIR] COMMAND

  ps [-a]                 containers that run (-a: all)
  inspect NAME            one container as a JSON document
  logs [-f] NAME          its log (-f: and what comes)
  exec NAME COMMAND...    run a command in it
  build [-t NAME] PATH    build an image from a Dockerfile (build --help: all options)
  start|stop|restart NAME
  restore                 start what should run after a boot
"""


def main(argv):
    """:param argv: [script, arguments...]. Exits with the command's status; 125 is our own failure, as Docker's client has it."""
    words = list(argv[1:])
    roots = Roots(_state_root(words))
    verbs = {"ps": _ps, "inspect": _inspect, "logs": _logs, "exec": _exec, "build": _build, "start": _start, "stop": _stop,
             "restart": _restart, "restore": _restore}
    if not words or words[0] not in verbs:
        _write(USAGE)
        raise SystemExit(0 if words in (["help"], ["--help"], ["-h"]) else 125)
    try:
        status = verbs[words[0]](roots, words[1:])
    except (EngineError, OSError) as error:
        sys.stderr.write("agentless: %s\n" % describe(error))
        if getattr(error, "hint", None):
            sys.stderr.write("  %s\n" % error.hint)
        raise SystemExit(125) from None
    raise SystemExit(status or 0)


def _state_root(words):
    if words[:1] == ["--state-root"] and len(words) > 1:
        del words[0]
        return words.pop(0)
    return os.environ.get("AGENTLESS_STATE_ROOT") or _installed_root() or DEFAULT_STATE_ROOT


def _installed_root():
    """The state root that this copy of the engine was installed under."""
    from ..runtime import installed

    here = installed.running_from()
    return os.path.dirname(os.path.dirname(here)) if here else None


def _write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def _one(words, usage):
    if len(words) != 1:
        raise EngineError("usage: agentless %s" % usage)
    return words[0]


def _get(roots, name):
    from ..runtime.container import ContainerStore

    return ContainerStore(roots).get(name)


def _ps(roots, words):
    from ..runtime.container import PAUSED, RESTARTING, RUNNING, ContainerStore

    rows = [("CONTAINER ID", "IMAGE", "COMMAND", "STATUS", "NAME")]
    for container in ContainerStore(roots).list():
        state = container.state()
        if words != ["-a"] and state.status not in (RUNNING, PAUSED, RESTARTING):
            continue
        status = "%s (%d)" % (state.status, state.exit_code) if state.status == "exited" else state.status
        command = " ".join(container.spec.command or container.spec.entrypoint or ())
        status += " (%s)" % state.health if state.health else ""
        rows.append((container.id[:12], container.spec.image, command[:30], status, container.name))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        _write("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n")


def _inspect(roots, words):
    import json

    from ..runtime.inspect import inspect

    _write(json.dumps(inspect(_get(roots, _one(words, "inspect NAME"))), indent=2) + "\n")


def _logs(roots, words):
    from ..runtime import logs

    follow = words[:1] == ["-f"]
    container = _get(roots, _one(words[1:] if follow else words, "logs [-f] NAME"))
    for stream, text in logs.read(container, follow=follow):
        (sys.stdout if stream == "stdout" else sys.stderr).buffer.write(text)
        (sys.stdout if stream == "stdout" else sys.stderr).flush()


def _exec(roots, words):
    from ..runtime import exec as execution

    if len(words) < 2:
        raise EngineError("usage: agentless exec NAME COMMAND...")
    container = _get(roots, words[0])
    pid = execution.spawn(container, execution.process_for(container, words[1:]), (0, 1, 2))
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _build(roots, words):
    from .build import build

    build(roots, words)


def _start(roots, words):
    from ..runtime import start

    start.start(_get(roots, _one(words, "start NAME")))


def _stop(roots, words):
    from ..runtime import kill

    kill.stop(_get(roots, _one(words, "stop NAME")))


def _restart(roots, words):
    name = _one(words, "restart NAME")
    _stop(roots, [name])
    _start(roots, [name])


def _restore(roots, unused_words):
    from ..runtime import restore

    failures = 0
    for name, error in restore.restore(roots):
        if error is None:
            _write("started %s\n" % name)
        else:
            failures += 1
            sys.stderr.write("agentless: %s\n" % error)
    return 1 if failures else 0
