# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on the host: installed, current, and reachable as the command ``agentless``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from ..errors import Conflict
from ..plan import Action, Plan
from ..runtime import installed
from ..state import remove_file, write_bytes


@dataclass(frozen=True)
class Observed:
    """``command``: whether the host command is the one we would write; ``foreign``: something else lies at its path, or the command of
    another state root. ``leftovers``: what an engine without any container still has in the kernel and under the volatile root.
    """

    current: bool
    installed: bool
    command: bool
    command_exists: bool
    foreign: bool
    running: tuple = ()
    leftovers: tuple = ()


def launcher(roots):
    """The text of the host command."""
    return "#!/bin/sh\n# agentless.containers: the host command\nexec %s -I %s \"$@\"\n" % (
        sys.executable or "/usr/bin/python3", os.path.join(roots.engine, "current", installed.SCRIPT))


def observe(roots, path):
    text = None
    if os.path.lexists(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
        except OSError:
            text = ""
    ours = text is not None and "agentless.containers: the host command" in text and os.path.join(roots.engine, "current") in text
    return Observed(current=installed.is_current(roots), installed=os.path.lexists(os.path.join(roots.engine, "current")),
                    command=text == launcher(roots), command_exists=text is not None, foreign=text is not None and not ours,
                    running=_supervised(roots), leftovers=_leftovers(roots))


def _supervised(roots):
    from ..runtime.container import ContainerStore

    return tuple(container.name for container in ContainerStore(roots).list() if container.supervisor_alive())


def _leftovers(roots):
    """The parent of the containers' groups and the volatile root. With a container or a network left they are in use."""
    from ..cgroup.manager import open_group
    from ..net.store import NetworkStore
    from ..runtime.container import ContainerStore

    if ContainerStore(roots).list() or NetworkStore(roots).list():
        return ()
    found = ["control group " + roots.cgroup_parent] if open_group(roots, roots.cgroup_parent).exists_anywhere() else []
    return tuple(found + ([roots.run] if os.path.isdir(roots.run) else []))


def plan(state, path, observed):
    """The Plan for ``state`` present or absent."""
    if state == "present":
        steps = [] if observed.current else [InstallEngine()]
        if not observed.command:
            if observed.foreign:
                raise Conflict("host_command: %s exists and is not ours" % path, "give host_command another path, or remove the file")
            steps.append(WriteCommand(path))
    else:
        if observed.running:
            raise Conflict("state: the engine supervises running containers (%s)" % ", ".join(observed.running),
                           "stop or remove them first")
        steps = [RemoveCommand(path)] if observed.command_exists and not observed.foreign else []
        if observed.installed:
            steps.append(RemoveEngines())
        if observed.leftovers:
            steps.append(RemoveLeftovers(observed.leftovers))
    wanted = state == "present"
    return Plan(steps, {"current": observed.current, "command": observed.command}, {"current": wanted, "command": wanted})


def describe(roots):
    """dict: where the current engine lies."""
    link = os.path.join(roots.engine, "current")
    path = os.path.realpath(link) if os.path.lexists(link) else None
    return {"path": path, "hash": os.path.basename(path) if path else None}


@dataclass(frozen=True)
class InstallEngine(Action):
    def describe(self):
        return "install the engine"

    def execute(self, roots):
        installed.make_current(roots)


@dataclass(frozen=True)
class WriteCommand(Action):
    path: str

    def describe(self):
        return "write the host command %s" % self.path

    def execute(self, roots):
        write_bytes(self.path, launcher(roots).encode(), 0o755)
        os.chmod(self.path, 0o755)


@dataclass(frozen=True)
class RemoveCommand(Action):
    path: str

    def describe(self):
        return "remove the host command %s" % self.path

    def execute(self, roots):
        remove_file(self.path)


@dataclass(frozen=True)
class RemoveEngines(Action):
    def describe(self):
        return "remove the installed engines"

    def execute(self, roots):
        from ..runtime.container import remove_tree

        remove_tree(roots.engine)


@dataclass(frozen=True)
class RemoveLeftovers(Action):
    what: tuple

    def describe(self):
        return "remove %s" % " and ".join(self.what)

    def execute(self, roots):
        from ..cgroup.manager import open_group
        from ..runtime.container import remove_tree

        open_group(roots, roots.cgroup_parent).delete()
        remove_tree(roots.run)
