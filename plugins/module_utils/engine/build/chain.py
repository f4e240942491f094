# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a stage while it is built.

A step leaves a directory of changes. The next step mounts that directory at once; its digests, its blob and its place among the layers
come in a thread beside (:class:`Finisher`), because packing a large layer takes as long as many a step.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from ..image.cas import BlobStore
from ..layer import finish
from ..layer.store import LayerStore, chain_ids
from ..linux import calls
from .records import Stored
from .workspace import gate

_THREADS = 2
_SYNC_SECONDS = 5


class Piece:
    """One layer: finished (``stored``), or a directory that is being finished."""

    def __init__(self, path, stored=None, descriptor=None):
        self.path = path
        self._fd = descriptor
        self.future = Future()
        if stored is not None:
            self.future.set_result(stored)

    def stored(self):
        """The :class:`~records.Stored`, waited for."""
        return self.future.result()

    def close(self):
        if self._fd is not None:
            os.close(self._fd)


class Tip:
    """The file system at one point of a stage: its pieces, lowest first."""

    def __init__(self, pieces=()):
        self.pieces = tuple(pieces)

    def __add__(self, piece):
        return Tip((*self.pieces, piece))

    @property
    def paths(self):
        """Where the layers lie, lowest first, as this process and its children see them."""
        return [piece.path for piece in self.pieces]

    def layers(self):
        """list of :class:`~records.Stored`, waited for."""
        return [piece.stored() for piece in self.pieces]

    def chain_id(self):
        """The chain ID of the topmost layer, waited for; empty for no layer."""
        return self.pieces[-1].stored().chain_id if self.pieces else ""


class Finisher:
    """Makes layers of directories. Use as a context manager: at its end every started one is finished.

    :param clamp: seconds since 1970 that no time in a new layer exceeds, or None.
    """

    def __init__(self, roots, records, clamp=None):
        self._records = records
        self._clamp = clamp
        self._layers = LayerStore(roots)
        self._blobs = BlobStore(roots.images)
        self._pool = ThreadPoolExecutor(_THREADS, "finish")
        self._made = []
        self._guard = threading.Lock()
        self._unsaved = []
        self._synced = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        self._pool.shutdown(wait=True)
        try:
            self._sync()
        finally:
            for piece in self._made:
                piece.close()

    def of_image(self, image):
        """The Tip of an image of the store; unpacks what is missing."""
        self._layers.ensure(image)
        return self.of_unpacked(image)

    def of_unpacked(self, image):
        """The Tip of an image, or None where some of its layers are not unpacked."""
        if self._layers.missing(image):
            return None
        chain = self._layers.chain_ids(image)
        return Tip(Piece(self._layers.path(chain_id), Stored(chain_id, diff_id, descriptor.digest, descriptor))
                   for chain_id, diff_id, descriptor in zip(chain, image.config.diff_ids, image.manifest.layers))

    def of_record(self, tip, record):
        """The Tip of a cached step on ``tip``."""
        for stored in record.layers:
            tip += Piece(self._layers.path(stored.chain_id), stored)
        return tip

    def add(self, tip, directory, record, more_keys=()):
        """The Tip after a step, and the record of the step once the layer is finished.

        :param directory: what the step changed (an overlay's upper directory); empty makes no layer.
        :param record: :class:`~records.Record` without parent and layers; it is saved under ``more_keys`` as well. None for no record.
        """
        if not os.listdir(directory):
            self._pool.submit(self._note, tip, record, more_keys)
            return tip
        # leads to the directory also after it was renamed into its place; overlayfs takes only what this name is read to (run.present)
        descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        piece = Piece("/proc/self/fd/%d" % descriptor, None, descriptor)
        self._made.append(piece)
        self._pool.submit(self._finish, piece, tip, directory, record, more_keys)
        return tip + piece

    def _note(self, tip, record, more_keys):
        self._save(record, more_keys, parent=tip.chain_id())

    def _save(self, record, more_keys, **values):
        if record is None:
            return
        with self._guard:
            self._unsaved += [record.replace(key=key, **values) for key in (record.key, *more_keys)]
            due = time.monotonic() > self._synced + _SYNC_SECONDS
        if due:
            self._sync()

    def _sync(self):
        """Bring what was made to the disk, and only then say so in the cache.

        A step's own fsync(2) does nothing on a union that is mounted volatile. One syncfs(2) now and then costs less than all of theirs.
        """
        with self._guard:
            self._synced = time.monotonic()
            ready, self._unsaved = self._unsaved, []
        if not ready:
            return
        descriptor = os.open(self._layers.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            calls.syncfs(descriptor)
        finally:
            os.close(descriptor)
        for record in ready:
            self._records.save(record)

    def _finish(self, piece, below, directory, record, more_keys):
        try:
            if self._clamp is not None:
                clamp_times(directory, self._clamp)
            layer = finish.finish(self._blobs, directory)
            # layers of one stage were submitted in their order: the one below is done or at work
            parent = below.chain_id()
            chain_id = chain_ids([parent, layer.diff_id])[-1] if parent else layer.diff_id
            size = _content_size(directory)
            with gate(directory, fcntl.LOCK_EX):
                self._layers.take(chain_id, layer.diff_id, parent or None, directory, size)
            stored = Stored(chain_id, layer.diff_id, layer.descriptor.digest, layer.descriptor)
            self._save(record, more_keys, parent=parent, layers=(stored,))
            piece.future.set_result(stored)
        except OSError as error:
            about = "the layer of %s" % record.instruction if record is not None and record.instruction else "a layer"
            piece.future.set_exception(OSError(error.errno, error.strerror, error.filename or about) if error.errno else error)
        except BaseException as error:  # pylint: disable=broad-except  # whoever waits for the piece raises it
            piece.future.set_exception(error)


def _content_size(directory):
    """Bytes of file content."""
    total = 0
    for unused_path, unused_directories, files, fd in os.fwalk(directory):
        for name in files:
            status = os.lstat(name, dir_fd=fd)
            total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total


def clamp_times(directory, latest):
    """Set every newer modification time below a directory to ``latest`` (seconds since 1970)."""
    limit = latest * 10**9
    for unused_path, unused_directories, unused_files, fd in os.fwalk(directory, topdown=False):
        for name in os.listdir(fd):
            status = os.lstat(name, dir_fd=fd)
            if status.st_mtime_ns > limit:
                os.utime(name, ns=(status.st_atime_ns, limit), dir_fd=fd, follow_symlinks=False)
    status = os.stat(directory)
    if status.st_mtime_ns > limit:
        os.utime(directory, ns=(status.st_atime_ns, limit))
