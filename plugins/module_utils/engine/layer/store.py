# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacked layers: ``layers/<chain ID>/diff``, shared by all images that have the same layers up to there.

A layer is unpacked beside its place and renamed when all of it was checked, so a directory under its chain ID is complete. Whoever
unpacks a layer holds its lock; what a killed process left is removed by the next one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat

from .. import state
from ..errors import Corrupt, NotFound
from . import whiteout
from .tree import Tree, remove_tree

_LOCK_SECONDS = 3600
LAYERS_AT_ONCE = 3
DEFAULT_DIRECTORY_MODE = 0o755


def chain_ids(diff_ids):
    """The chain ID (``sha256:...``) of every layer, lowest first; OCI image-spec config.md ("Layer ChainID")."""
    chain = []
    for diff_id in diff_ids:
        if chain:
            diff_id = "sha256:" + hashlib.sha256(("%s %s" % (chain[-1], diff_id)).encode()).hexdigest()
        chain.append(diff_id)
    return chain


class LayerStore:
    """The unpacked layers below a state root."""

    def __init__(self, roots):
        self.roots = roots
        self.root = roots.layers

    def chain_ids(self, image):
        """The chain IDs of an image's layers, lowest first."""
        return chain_ids(image.config.diff_ids)

    def directory(self, chain_id):
        """The directory that holds a layer's record and its ``diff``."""
        return os.path.join(self.root, chain_id.partition(":")[2])

    def path(self, chain_id):
        """The directory that overlayfs takes."""
        return os.path.join(self.directory(chain_id), "diff")

    def has(self, chain_id):
        return os.path.isdir(self.path(chain_id))

    def record(self, chain_id):
        """The layer's record (dict with diff_id, parent, size, entries), or None."""
        return state.read_json(os.path.join(self.directory(chain_id), "layer.json"))

    def paths(self, image):
        """Where the layers of an image lie (or would lie), lowest first."""
        return [self.path(chain_id) for chain_id in self.chain_ids(image)]

    def missing(self, image):
        """The chain IDs that are not unpacked."""
        return [chain_id for chain_id in self.chain_ids(image) if not self.has(chain_id)]

    def ensure(self, image):
        """Unpack what is missing of an image.

        :returns: list of absolute paths of the layers' directories, lowest first.
        :raises NotFound: a blob is gone. :raises Corrupt: a blob is damaged or hostile.
        """
        chain = self.chain_ids(image)
        todo = [index for index, chain_id in enumerate(chain) if not self.has(chain_id)]
        if todo:
            from ..image.cas import BlobStore

            blobs = BlobStore(self.roots.images)
            jobs = [_Unpacking(self, chain[:index + 1], image.config.diff_ids[index], blobs, image.manifest.layers[index].digest)
                    for index in todo]
            unpack_beside(jobs)
        return [self.path(chain_id) for chain_id in chain]

    @contextlib.contextmanager
    def staging(self, chain_id, diff_id, parents):
        """A :class:`Staging` for one layer under its lock, or None if it was unpacked meanwhile.

        :param parents: chain IDs of the layers below, lowest first; they must be there by the time of ``publish``.
        """
        with self.roots.lock("layer-" + chain_id.partition(":")[2][:24], _LOCK_SECONDS):
            if self.has(chain_id):
                yield None
                return
            staging = Staging(self, chain_id, diff_id, parents)
            try:
                yield staging
            finally:
                staging.discard()

    def take(self, chain_id, diff_id, parent, directory, size):
        """Make a directory that holds a layer's content as overlayfs wants it the layer of that chain ID, by renaming it.

        A layer that is there already stays, and so does the directory then.

        :param parent: chain ID of the layer below, or None. :param size: bytes.
        """
        with self.staging(chain_id, diff_id, [parent] if parent else []) as staging:
            if staging is not None:
                staging.take(directory, size)

    def remove(self, chain_id):
        """Remove a layer; returns whether it was there. The name goes first, so that nothing incomplete has it."""
        doomed = os.path.join(self.root, ".gone-" + chain_id.partition(":")[2])
        remove_tree(doomed)
        try:
            os.rename(self.directory(chain_id), doomed)
        except FileNotFoundError:
            return False
        remove_tree(doomed)
        return True

    def list(self):
        """The chain IDs of all unpacked layers."""
        try:
            return ["sha256:" + name for name in sorted(os.listdir(self.root)) if not name.startswith(".")]
        except FileNotFoundError:
            return []


class Staging:
    """A layer in the making; see :meth:`LayerStore.staging`."""

    def __init__(self, store, chain_id, diff_id, parents):
        self._store = store
        self._chain_id = chain_id
        self._diff_id = diff_id
        self._parents = list(parents)
        self._directory = os.path.join(store.root, ".partial-" + chain_id.partition(":")[2])
        self._applied = None
        self.discard()

    def fill(self, chunks):
        """Unpack a layer's blob (compressed or not), in one pass with the check of its diff ID.

        :raises Corrupt: the content is not that of the diff ID; nothing becomes visible.
        """
        from . import apply, stream
        from .bounds import Bounds

        self.discard()
        diff = os.path.join(self._directory, "diff")
        # the directory above is private: a set-user-ID file of an image is not for the users of the host
        state.make_directory(diff)
        os.chmod(diff, DEFAULT_DIRECTORY_MODE)
        bounds = Bounds(diff)
        # decompressing takes as long as hashing and writing together: one thread here, one there
        with contextlib.closing(stream.threaded(stream.decompress(bounds.packed(chunks)))) as pieces:
            plain = stream.Hashing(bounds.plain(pieces))
            applied = apply.apply(iter(plain), diff)
        if plain.digest() != self._diff_id:
            raise Corrupt("a layer's content has the digest %s, its image names %s" % (plain.digest(), self._diff_id),
                          "the image is damaged or was tampered with")
        self._applied = applied

    def publish(self):
        """Take the attributes of directories that the layer only implies from the layers below, then make it visible."""
        lowers = [self._store.path(parent) for parent in reversed(self._parents)]
        for lower in lowers:
            if not os.path.isdir(lower):
                raise NotFound("layer %s is not unpacked" % lower)
        diff = os.path.join(self._directory, "diff")
        adopt(diff, self._applied.implied, lowers)
        state.write_json(os.path.join(self._directory, "layer.json"), {
            "diff_id": self._diff_id, "parent": self._parents[-1] if self._parents else None,
            "size": self._applied.size, "entries": self._applied.entries}, durable=False)
        os.rename(self._directory, self._store.directory(self._chain_id))
        self._applied = None

    def take(self, directory, size):
        """Publish a directory that is complete already."""
        state.make_directory(self._directory)
        state.write_json(os.path.join(self._directory, "layer.json"), {
            "diff_id": self._diff_id, "parent": self._parents[-1] if self._parents else None, "size": size, "entries": None}, durable=False)
        os.rename(directory, os.path.join(self._directory, "diff"))
        os.rename(self._directory, self._store.directory(self._chain_id))

    def discard(self):
        """Remove what is not published."""
        remove_tree(self._directory)


class _Unpacking:
    """One layer out of the blob store: ``run`` anywhere, ``publish`` after the layers below, ``close`` always."""

    def __init__(self, store, chain, diff_id, blobs, digest):
        self._store = store
        self._chain = chain
        self._diff_id = diff_id
        self._blobs = blobs
        self._digest = digest
        self._stack = contextlib.ExitStack()
        self._staging = None

    def run(self):
        self._staging = self._stack.enter_context(self._store.staging(self._chain[-1], self._diff_id, self._chain[:-1]))
        if self._staging is not None:
            from . import stream

            with contextlib.closing(stream.threaded(self._blobs.chunks(self._digest))) as chunks:
                self._staging.fill(chunks)

    def publish(self):
        if self._staging is not None:
            self._staging.publish()
        self.close()

    def close(self):
        self._staging = None
        self._stack.close()


def unpack_beside(jobs, at_once=LAYERS_AT_ONCE):
    """Run jobs (objects with ``run``, ``publish`` and ``close``) in threads, and publish each after those before it.

    The first error, in the jobs' order, is raised when all threads have ended.
    """
    with contextlib.ExitStack() as cleanup:
        for job in jobs:
            cleanup.callback(job.close)
        if len(jobs) == 1:
            jobs[0].run()
            jobs[0].publish()
            return
        from concurrent.futures import ThreadPoolExecutor

        pool = cleanup.enter_context(ThreadPoolExecutor(min(at_once, len(jobs)), "layer"))
        futures = [pool.submit(job.run) for job in jobs]
        # what has not begun when one fails never begins
        cleanup.callback(lambda: [future.cancel() for future in futures])
        for job, future in zip(jobs, futures):
            future.result()
            job.publish()


def adopt(directory, implied, lowers):
    """Give directories that an archive named only as part of a path the owner, mode and time that they have below.

    Otherwise a layer that brings one file to /tmp would turn /tmp into 0755: overlayfs shows the topmost directory's attributes.

    :param implied: relative paths. :param lowers: layer directories, topmost first.
    """
    if not implied or not lowers:
        return
    with contextlib.ExitStack() as stack:
        trees = [Tree(lower) for lower in lowers]
        own = Tree(directory)
        for tree in trees + [own]:
            stack.callback(tree.close)
        for path in sorted(implied, reverse=True):
            parts = path.split("/")
            status = _status_below(trees, parts)
            fd = own.find(parts)
            if status is not None and fd is not None:
                os.chown(fd, status.st_uid, status.st_gid)
                os.chmod(fd, stat.S_IMODE(status.st_mode))
                os.utime(fd, ns=(status.st_mtime_ns, status.st_mtime_ns))
            for tree in trees + [own]:
                tree.trim()


def _status_below(trees, parts):
    """The os.stat_result of a directory in the topmost layer that has it, or None."""
    for tree in trees:
        fd = tree.find(parts)
        if fd is not None:
            return os.fstat(fd)
        if _ends_here(tree, parts):
            return None
    return None


def _ends_here(tree, parts):
    """Whether this layer hides the path of the layers below: by a deletion, a file or a link in its way, or an opaque directory."""
    parent = tree.root
    for index, name in enumerate(parts):
        try:
            status = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            return index > 0 and whiteout.is_opaque(parent)
        if not stat.S_ISDIR(status.st_mode):
            return True
        parent = tree.find(parts[:index + 1])
    return False
