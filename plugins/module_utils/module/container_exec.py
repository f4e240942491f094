# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container_exec: run a command in a running container."""

from __future__ import annotations

from ..engine.errors import EngineError, InvalidValue, TimedOut
from ..engine.plan import Plan
from ..engine.reconcile.container_exec import RunCommand
from ..engine.runtime import exec as execution
from ..engine.runtime.container import ContainerStore
from .container_process import command as words
from .run import Outcome

ARGUMENTS = {
    "container": {"type": "str", "required": True},
    "argv": {"type": "list", "elements": "str"},
    "command": {"type": "str"},
    "chdir": {"type": "str"},
    "env": {"type": "dict"},
    "user": {"type": "str"},
    "stdin": {"type": "str"},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "detach": {"type": "bool", "default": False},
    "privileged": {"type": "bool", "default": False},
    "timeout": {"type": "float"},
}


def handle(params, roots, check_mode):
    """See run.run. A command may do anything, so it always counts as a change, and check mode runs none."""
    argv = _argv(params)
    container = ContainerStore(roots).get(params["container"].lstrip("/"))
    if not check_mode:
        execution.require_running(container)
    if params["detach"] and params["stdin"] is not None:
        raise InvalidValue("stdin", params["stdin"], "cannot be given to a detached command", "leave detach or stdin out")
    stdin = params["stdin"]
    if stdin is not None and params["stdin_add_newline"]:
        stdin += "\n"
    command = RunCommand(container.name, argv, tuple(sorted((params["env"] or {}).items())), params["user"], params["chdir"], stdin or "",
                         params["detach"], params["privileged"], params["timeout"])
    return Outcome(lambda: _result(params, command), Plan([command]))


def _argv(params):
    if (params["argv"] is None) == (params["command"] is None):
        raise InvalidValue("command", params["command"], "or argv is needed, and only one of them")
    option = "command" if params["argv"] is None else "argv"
    argv = words(params[option], option)
    if not argv or not argv[0]:
        raise InvalidValue(option, params[option], "is empty")
    return argv


def _result(params, command):
    done = command.done[0] if command.done else None
    if done is None:
        return {}
    if params["detach"]:
        return {"pid": done}
    if done.timed_out:
        raise TimedOut("timeout: the command did not end in %g seconds and was killed" % params["timeout"],
                       "give timeout more, or use detach")
    stdout, stderr = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
    if params["strip_empty_ends"]:
        stdout, stderr = stdout.rstrip("\r\n"), stderr.rstrip("\r\n")
    answer = {"rc": done.returncode, "stdout": stdout, "stderr": stderr}
    if done.returncode != 0:
        raise CommandFailed(command, answer)
    return answer


class CommandFailed(EngineError):
    """The command ended with another status than 0; ``details`` go into the module's answer."""

    def __init__(self, command, details):
        super().__init__("the command %s in container %s ended with status %d" % (command.argv[0], command.name, details["rc"]))
        self.details = details
