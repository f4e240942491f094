# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check: run the test in the container, keep its output, tell the verdict by the exit status (0 healthy, 1 not, 3 not tried)."""

from __future__ import annotations

from ..errors import EngineError
from ..runtime import exec as execution
from ..runtime.container import RUNNING, ContainerStore
from ..runtime.launch import timestamp
from ..state import Roots, read_json, write_json

KEPT_RESULTS = 5
KEPT_OUTPUT = 4096


def main(arguments):
    """``probe STATE_ROOT RUN_ROOT ID``. Writes health.json: a list of the last results in the shape of Docker's ``State.Health.Log``."""
    container = ContainerStore(Roots(arguments[0], run=arguments[1])).find(arguments[2])
    if container is None or container.record.healthcheck is None:
        return 3
    state = container.state()
    if state.status != RUNNING:
        return 3
    check = container.record.healthcheck
    started = timestamp()
    try:
        result = execution.run(container, argv(check, container), timeout=check.timeout)
        code, output = result.returncode, (result.stdout + result.stderr).decode("utf-8", "replace")
        if result.timed_out:
            code, output = -1, "health check exceeded its timeout of %g s" % check.timeout
    except (EngineError, OSError) as error:
        code, output = -1, str(error)
    entry = {"Start": started, "End": timestamp(), "ExitCode": code, "Output": output[:KEPT_OUTPUT]}
    history = read_json(container.path("health.json"), [])
    write_json(container.path("health.json"), (history + [entry])[-KEPT_RESULTS:], durable=False)
    return 0 if code == 0 else 1


def argv(check, container):
    """The command of a health check: CMD runs as it is, CMD-SHELL through the container's shell."""
    if check.test[0] == "CMD-SHELL":
        return ("/bin/sh", "-c", check.test[1])
    return tuple(check.test[1:])
