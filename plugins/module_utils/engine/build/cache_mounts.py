# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of ``RUN --mount=type=cache``: they outlive the build, below ``<state>/build/mounts/``.

One is held with a shared flock by everybody who uses it, and exclusively where ``sharing=locked``, so that a prune takes none that is in
use. ``sharing=private`` gives a second build at the same time a directory of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil

from .. import state


class CacheMounts:
    """The cache mounts below a state root."""

    def __init__(self, roots):
        self.directory = os.path.join(roots.state, "build", "mounts")
        self._roots = roots

    @contextlib.contextmanager
    def use(self, mount, seed=(), view=None):
        """The path of the directory of a Mount, for the length of a step.

        :param seed: layers (lowest first) that a new directory is filled from; ``mount.source`` says from where in them.
        :param view: a directory of the build, to look at the layers in.
        """
        name = hashlib.sha256(mount.id.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        for number in range(64):
            place = os.path.join(self.directory, name if number == 0 else "%s-%d" % (name, number))
            fd = _locked(place, mount.sharing)
            if fd is None:
                continue
            try:
                yield self._filled(place, mount, seed, view)
                return
            finally:
                # a step of another stage may have inherited a copy of the descriptor
                fcntl.flock(fd, fcntl.LOCK_UN)
                os.close(fd)

    def _filled(self, place, mount, seed, view):
        content = os.path.join(place, "content")
        if os.path.isdir(content):
            return content
        with self._roots.lock("build-mounts"):
            if not os.path.isdir(content):
                fresh = content + ".new"
                shutil.rmtree(fresh, ignore_errors=True)
                os.mkdir(fresh, 0o700)
                if seed:
                    _copy(seed, mount.source, fresh, view)
                os.chown(fresh, mount.uid or 0, mount.gid or 0)
                os.chmod(fresh, 0o755 if mount.mode is None else mount.mode)
                os.rename(fresh, content)
        return content


def _locked(place, sharing):
    """A descriptor of the directory, made if missing, with the lock for ``sharing``; None where that is ``private`` and another has it."""
    kind = fcntl.LOCK_SH if sharing == "shared" else fcntl.LOCK_EX
    while True:
        state.make_directory(place)
        try:
            fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, kind | (fcntl.LOCK_NB if sharing == "private" else 0))
            if os.path.samestat(os.fstat(fd), os.stat(place)):
                return fd
        except FileNotFoundError:
            # pruned between our mkdir and our lock
            pass
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _copy(seed, source, target, view):
    from . import copying, isolate

    isolate.call(copying.copy_tree, list(seed), source, target, view)
