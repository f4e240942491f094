# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``RUN --mount`` brings into a step: values with a ``prepare`` that is called in the step's own mount namespace.

``prepare(directory, number, undo)`` gives a :class:`Prepared`. A secret lies on a tmpfs that only this namespace sees, never on a disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from ..errors import EngineError
from ..linux import calls, consts
from ..spec.runtime import Mount
from . import agent
from .run import mounted


@dataclass(frozen=True)
class Prepared:
    """OCI mounts and environment variables (dict)."""

    mounts: Tuple[Mount, ...] = ()
    env: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bind:
    """Files of the context (a directory), or of a stage or image (layers, lowest first). What is written to them is thrown away."""

    target: str
    layers: Tuple[str, ...]
    source: str = ""
    read_only: bool = True

    def prepare(self, directory, number, undo):
        """See the module."""
        top = os.path.join(directory, "bind-%d" % number)
        root = mounted(top, self.layers, undo)
        source = "%s/./%s" % (root, self.source.strip("/")) if self.source.strip("/.") else root
        return Prepared((Mount(self.target, "bind", source, ("rbind", "rprivate", "ro" if self.read_only else "rw")),))


@dataclass(frozen=True)
class Cache:
    """A directory that outlives the build."""

    target: str
    directory: str
    source: str = ""
    read_only: bool = False

    def prepare(self, unused_directory, unused_number, unused_undo):
        """See the module."""
        source = "%s/./%s" % (self.directory, self.source.strip("/")) if self.source.strip("/.") else self.directory
        return Prepared((Mount(self.target, "bind", source, ("rbind", "rprivate", "ro" if self.read_only else "rw")),))


@dataclass(frozen=True)
class Tmpfs:
    """A file system in memory; ``size`` in bytes. Programs run from it, as with BuildKit: scripts of configure do in /tmp."""

    target: str
    size: Optional[int] = None

    def prepare(self, unused_directory, unused_number, unused_undo):
        """See the module."""
        options = ("nosuid", "mode=1777") + (("size=%d" % self.size,) if self.size else ())
        return Prepared((Mount(self.target, "tmpfs", "tmpfs", options),))


@dataclass(frozen=True)
class Secret:
    """A file, a variable, or both. ``data`` is bytes and never printed."""

    target: str
    data: bytes = field(repr=False)
    mode: int = 0o400
    uid: int = 0
    gid: int = 0
    env: str = ""

    def prepare(self, directory, number, undo):
        """See the module."""
        found = {}
        if self.env:
            try:
                found[self.env] = self.data.decode()
            except UnicodeDecodeError:
                raise EngineError("the secret for variable %s is not text" % self.env, "mount it as a file") from None
        if not self.target:
            return Prepared((), found)
        place = os.path.join(directory, "secret-%d" % number)
        os.mkdir(place, 0o700)
        calls.mount("tmpfs", place, "tmpfs", consts.MS_NOSUID | consts.MS_NODEV | consts.MS_NOEXEC, "mode=700")
        undo.callback(calls.umount2, place, consts.MNT_DETACH)
        path = os.path.join(place, "secret")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as stream:
            stream.write(self.data)
        os.chown(path, self.uid, self.gid)
        os.chmod(path, self.mode)
        return Prepared((Mount(self.target, "bind", path, ("rbind", "rprivate", "ro")),), found)


@dataclass(frozen=True)
class Ssh:
    """The socket of an authentication agent."""

    target: str
    socket: str
    mode: int = 0o600
    uid: int = 0
    gid: int = 0

    def prepare(self, directory, number, undo):
        """See the module."""
        path = agent.listen(directory, "agent-%d" % number, self.socket, self.mode, (self.uid, self.gid), undo)
        return Prepared((Mount(self.target, "bind", path, ("rbind", "rprivate")),), {"SSH_AUTH_SOCK": self.target})
