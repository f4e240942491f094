# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases: what somebody is about to refer to, so that nobody collects it as garbage meanwhile.

A lease is a file ``images/.leases/<random>`` with one digest a line (blobs and chain IDs alike) that its holder has locked with flock(2);
the kernel drops the lock when the holder dies. A digest is entered under the lock ``images``, under which the collector works, too: who has
entered a digest and then finds the blob or the layer there may rely on it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading

from .. import state


def directory(roots):
    """Where the leases of a state root lie."""
    return os.path.join(roots.images, ".leases")


class Lease:
    """Use as a context manager. ``add`` may be called from several threads."""

    def __init__(self, roots):
        self._roots = roots
        self._fd = None
        self._path = None
        self._held = set()
        self._guard = threading.Lock()

    def __enter__(self):
        return self.open()

    def open(self):
        """Begin. Returns this lease."""
        state.make_directory(directory(self._roots))
        while True:
            self._path = os.path.join(directory(self._roots), secrets.token_hex(8))
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            # a collector that was quicker took the file for a dead holder's
            if os.fstat(self._fd).st_nlink:
                return self
            os.close(self._fd)

    def __exit__(self, *unused):
        self.close()

    def close(self):
        """Give up what is held."""
        if self._fd is not None:
            state.remove_file(self._path)
            os.close(self._fd)
            self._fd = None

    def add(self, digests):
        """Keep these from now on. Waits for a collector that is at work. The caller does not hold the lock ``images``."""
        with self._guard:
            fresh = [digest for digest in dict.fromkeys(digests) if digest not in self._held]
            if not fresh:
                return
            with self._roots.lock("images"):
                os.write(self._fd, "".join(digest + "\n" for digest in fresh).encode())
            self._held.update(fresh)


def leased(roots):
    """The digests of all live leases (set). Leases of dead holders are removed. The caller holds the lock ``images``."""
    found = set()
    for name in state.listed(directory(roots)):
        path = os.path.join(directory(roots), name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state.remove_file(path)
        except BlockingIOError:
            with open(fd, encoding="ascii", closefd=False) as lines:
                found.update(line.strip() for line in lines)
        finally:
            os.close(fd)
    return found
