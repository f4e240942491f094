# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converges one container as module ``container`` does, in a process of its own: ``converge.py OPTIONS.json``.

Options: state_root, run_root, netns (path of the network namespace to be the host in), params (what a task gives), kill_at and kill_depth
(see :func:`kill_at`).
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / ".cache" / "collections"))

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, describe
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots
from ansible_collections.agentless.containers.plugins.module_utils.module import container as glue
from ansible_collections.agentless.containers.plugins.module_utils.module import run

EVENTS = [0]


def defaults(arguments):
    """What AnsibleModule would fill in."""
    return {name: entry.get("default") for name, entry in arguments.items()}


def complete(params):
    """A task's parameters with all defaults, those of suboptions too."""
    filled = defaults(glue.ARGUMENTS)
    for name, value in params.items():
        options = glue.ARGUMENTS[name].get("options")
        if options and isinstance(value, list):
            value = [dict(defaults(options), **each) for each in value]
        elif options and isinstance(value, dict):
            value = dict(defaults(options), **value)
        filled[name] = value
    return filled


def converge(roots, params, check_mode=False):
    """(changed, actions, result) as the module returns them."""
    outcome = glue.handle(complete(params), roots, check_mode)
    if not check_mode:
        run.execute(outcome, roots)
    result = outcome.result()
    return bool(outcome.plan), outcome.plan.describe(), result


def kill_at(number, depth):
    """Die by SIGKILL at the Nth thing that Python reports: opening, renaming, forking, importing ...

    ``depth`` says in which process: 0 this one, 2 the supervisor (forked twice), 3 the container's first process.
    """
    forks = [0]

    def forked():
        forks[0] += 1
        EVENTS[0] = 0

    def hook(unused_event, unused_arguments):
        EVENTS[0] += 1
        if EVENTS[0] == number and forks[0] == depth:
            os.kill(os.getpid(), signal.SIGKILL)
            # the first process of a PID namespace is immune to its own SIGKILL
            os._exit(137)

    os.register_at_fork(after_in_child=forked)
    sys.addaudithook(hook)


def main():
    options = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    roots = Roots(options["state_root"], run=options["run_root"])
    with netns.entered(options.get("netns")):
        if options.get("kill_at") is not None:
            kill_at(options["kill_at"], options["kill_depth"])
        try:
            changed, actions, result = converge(roots, options["params"])
        except (EngineError, OSError) as error:
            sys.stdout.write(json.dumps({"error": describe(error), "hint": getattr(error, "hint", None)}))
            raise SystemExit(1) from None
        sys.stdout.write(json.dumps({"changed": changed, "actions": actions, "container": result["container"], "events": EVENTS[0]}))


if __name__ == "__main__":
    main()
