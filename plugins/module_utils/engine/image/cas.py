# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store of an OCI image layout: content by its digest, written whole or not at all.

- A blob appears under its name only after its digest (and size, where known) were checked; so a name is a promise.
- Writing a blob that is there already changes nothing. Removing one that is gone is success.
- What is being fetched lies in ``.partial/`` and is picked up where it broke off; see :class:`Partial`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets

from .. import state
from ..errors import Corrupt, NotFound
from .verify import check_digest, digest_of_bytes

_READ = 256 << 10
MAX_DOCUMENT = 16 << 20


class BlobStore:
    """``blobs/sha256/`` below the root of an OCI layout.

    ``lease``: a :class:`~lease.Lease` that every blob is entered into before it appears, or None.
    """

    def __init__(self, root):
        self.root = root
        self.partial = os.path.join(root, ".partial")
        self.lease = None

    def keep(self, digest):
        """Keep a blob that is about to appear, or to be relied on, from being collected."""
        if self.lease is not None:
            self.lease.add([digest])

    def path(self, digest):
        """Where the blob lies (or would lie)."""
        algorithm, hexadecimal = check_digest(digest)
        return os.path.join(self.root, "blobs", algorithm, hexadecimal)

    def has(self, digest, size=None):
        """Whether the blob is there, with this size if one is given."""
        try:
            found = os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            return False
        return size is None or found == size

    def read(self, digest):
        """The content of a document (manifest, configuration) as bytes, its digest checked.

        :raises NotFound: it is not there. :raises Corrupt: it is damaged.
        """
        try:
            with open(self.path(digest), "rb") as stream:
                data = stream.read(MAX_DOCUMENT + 1)
        except FileNotFoundError:
            raise NotFound("blob %s is not in the image store" % digest, "pull or load the image again") from None
        if len(data) > MAX_DOCUMENT or digest_of_bytes(data, digest) != digest:
            raise Corrupt("blob %s in the image store is damaged" % digest, "remove the image and pull or load it again")
        return data

    def chunks(self, digest):
        """The content of a blob of any size; the digest is checked when the end is reached.

        :raises Corrupt: after the last chunk, if it is damaged.
        """
        try:
            fd = os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound("blob %s is not in the image store" % digest, "pull or load the image again") from None
        return _checked(fd, digest)

    def put(self, data):
        """Store bytes; returns their digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.keep(digest)
        if not self.has(digest, len(data)):
            state.write_bytes(self.path(digest), data, 0o644)
        return digest

    def writer(self):
        """A :class:`Writer` for content whose digest is not known before."""
        return Writer(self)

    def ingest(self, chunks, digest=None, size=None):
        """Store a stream. Returns (digest, size).

        :raises Corrupt: digest or size are not the expected ones; nothing is stored then.
        """
        with self.writer() as writer:
            for chunk in chunks:
                writer.write(chunk)
            return writer.commit(digest, size)

    def remove(self, digest):
        """Returns whether it was there."""
        return state.remove_file(self.path(digest))

    def list(self):
        """The digests of all sha256 blobs."""
        try:
            return ["sha256:" + name for name in os.listdir(os.path.join(self.root, "blobs", "sha256")) if len(name) == 64]
        except FileNotFoundError:
            return []


def _checked(fd, digest):
    sum_ = hashlib.new(digest.partition(":")[0])
    try:
        while True:
            data = os.read(fd, _READ)
            if not data:
                break
            sum_.update(data)
            yield data
    finally:
        os.close(fd)
    if sum_.hexdigest() != digest.partition(":")[2]:
        raise Corrupt("blob %s in the image store is damaged" % digest, "remove the image and pull or load it again")


class Writer:
    """A blob in the making: ``with store.writer() as w: w.write(...); digest, size = w.commit()``. Without commit it leaves nothing."""

    def __init__(self, store):
        self._store = store
        self._sum = hashlib.sha256()
        state.make_directory(store.partial)
        while True:
            self._path = os.path.join(store.partial, "new-" + secrets.token_hex(8))
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            # the lock tells sweep() that somebody still writes here; one that was quicker has removed the file
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            if os.fstat(self._fd).st_nlink:
                break
            os.close(self._fd)
        self.size = 0
        self.existed = False

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            state.remove_file(self._path)

    def write(self, chunk):
        write_all(self._fd, chunk)
        self._sum.update(chunk)
        self.size += len(chunk)

    def commit(self, digest=None, size=None):
        """Check and publish. Returns (digest, size); ``existed`` tells whether the blob was there before."""
        found = "sha256:" + self._sum.hexdigest()
        check_content(found, self.size, digest, size)
        self._store.keep(found)
        target = self._store.path(found)
        state.make_directory(os.path.dirname(target), 0o755)
        self.existed = os.path.exists(target)
        os.rename(self._path, target)
        os.close(self._fd)
        self._fd = None
        return found, self.size


class Partial:
    """A blob that is being fetched; what a broken fetch left is kept and continued.

    ``with Partial(store, descriptor) as partial:`` takes the file's lock, waiting for another process that fetches the same blob;
    ``partial.size`` bytes are there already. ``commit()`` checks and publishes, ``reset()`` starts over.
    """

    def __init__(self, store, descriptor):
        self._store = store
        self._descriptor = descriptor
        self.path = os.path.join(store.partial, descriptor.hex)
        self.size = 0
        self._fd = None

    def __enter__(self):
        state.make_directory(self._store.partial)
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(fd, fcntl.LOCK_EX)
            # who held the lock before may have published or removed the file
            try:
                if os.fstat(fd).st_ino == os.stat(self.path).st_ino:
                    break
            except FileNotFoundError:
                pass
            os.close(fd)
        self._fd = fd
        self.size = os.fstat(fd).st_size
        if self.size > self._descriptor.size:
            self.reset()
        return self

    def __exit__(self, *unused):
        if self._fd is not None:
            if self.size == 0:
                state.remove_file(self.path)
            os.close(self._fd)
            self._fd = None

    def existing(self):
        """Yield what is there already."""
        position = 0
        while position < self.size:
            data = os.pread(self._fd, _READ, position)
            if not data:
                raise Corrupt("%s became shorter" % self.path)
            position += len(data)
            yield data

    def append(self, chunk):
        view = memoryview(chunk)
        while view:
            written = os.pwrite(self._fd, view, self.size)
            self.size += written
            view = view[written:]

    def reset(self):
        """Forget what is there: it does not lead to the digest."""
        os.ftruncate(self._fd, 0)
        self.size = 0

    def commit(self):
        """Publish the file under its digest; the caller has checked it."""
        self._store.keep(self._descriptor.digest)
        target = self._store.path(self._descriptor.digest)
        state.make_directory(os.path.dirname(target), 0o755)
        os.rename(self.path, target)
        os.close(self._fd)
        self._fd = None


def write_all(fd, chunk):
    """write(2) until all is written."""
    written = os.write(fd, chunk)
    while written < len(chunk):
        written += os.write(fd, memoryview(chunk)[written:])


def check_content(digest, size, expected_digest=None, expected_size=None):
    """Compare what came with what was promised.

    :raises Corrupt: with both values.
    """
    if expected_size is not None and size != expected_size:
        raise Corrupt("blob %s has %d bytes in place of %d" % (expected_digest or digest, size, expected_size),
                      "the source is damaged or was tampered with")
    if expected_digest is not None and digest != expected_digest:
        raise Corrupt("content has the digest %s in place of %s" % (digest, expected_digest), "the source is damaged or was tampered with")
