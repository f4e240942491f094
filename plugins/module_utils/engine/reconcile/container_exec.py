# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container, as an action."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

from ..plan import Action
from ..runtime import exec as execution
from ..runtime.container import ContainerStore


@dataclass(frozen=True)
class RunCommand(Action):
    """``done`` receives the Result, or the pid (as the host sees it) of a detached command. ``env`` and ``stdin`` are never described."""

    name: str
    argv: Tuple[str, ...]
    env: Tuple[Tuple[str, str], ...] = ()
    user: Optional[str] = None
    chdir: Optional[str] = None
    stdin: str = ""
    detach: bool = False
    privileged: bool = False
    timeout: Optional[float] = None
    done: List[object] = field(default_factory=list, compare=False)

    def describe(self):
        return "run %s in container %s" % (self.argv[0], self.name)

    def execute(self, roots):
        container = ContainerStore(roots).get(self.name)
        env = {key: str(value) for key, value in self.env}
        if self.detach:
            self.done.append(self._detached(container, env))
            return
        data = self.stdin.encode("utf-8", "surrogateescape")
        self.done.append(execution.run(container, self.argv, data, self.timeout, env, self.user, self.chdir, self.privileged))

    def _detached(self, container, env):
        process = execution.process_for(container, self.argv, env, self.user, self.chdir, self.privileged)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        try:
            return execution.spawn(container, process, (null, null, null), self.privileged)
        finally:
            os.close(null)
