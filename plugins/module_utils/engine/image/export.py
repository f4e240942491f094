# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images out of the store: as ``docker save`` archives them, as an OCI layout in a tar file, or as the directory of an OCI layout.

The same images under the same names give the same bytes: entries come in the order of their names, without owners and times. Blobs that
images share are there once. Layers of a Docker archive are not compressed, because its format has no place to say so; an OCI layout has the
blobs as they are stored.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import secrets
from typing import Tuple

from .. import state
from ..errors import Corrupt
from ..layer import stream, tar, write
from ..layer.apply import remove_tree
from ..spec.image import DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, REF_NAME, Descriptor, Image, Index, Manifest
from ..spec.reference import Reference
from .archive import CONTAINERD_NAME
from .create import encode, plain
from .garbage import is_locked
from .layout import LAYOUT_VERSION
from .verify import digest_of_bytes

DOCKER, OCI, LAYOUT = "docker-archive", "oci-archive", "oci"
NONE, GZIP, ZSTD = "none", "gzip", "zstd"
_OCTAL_LIMIT = 1 << 33


@dataclasses.dataclass(frozen=True)
class Exported:
    """An image to export and the canonical references that it is to have there (none: by its ID only)."""

    image: Image
    references: Tuple[str, ...] = ()


def export(store, images, path, kind=DOCKER, compression=NONE):
    """Write images (:class:`Exported`) to ``path``, replacing what is there only when all of it is written.

    :param kind: DOCKER, OCI or LAYOUT (a directory). :param compression: of the archive as a whole.
    :raises Corrupt: a blob is damaged. NotFound: one is gone.
    """
    needed = {digest for each in images for digest in _blobs_of(each.image)}
    with store.leased(needed):
        for each in images:
            store.check_complete(each.image.manifest_digest)
        if kind == LAYOUT:
            _write_directory(store, images, path)
        else:
            _write_file(store, images, path, kind, compression)


def _blobs_of(image):
    return [image.manifest_digest, image.id] + [layer.digest for layer in image.manifest.layers]


# --- a file

def _write_file(store, images, path, kind, compression):
    clear_leftovers(path)
    temporary = os.path.join(os.path.dirname(path), ".%s.%s.tmp" % (os.path.basename(path), secrets.token_hex(4)))
    smaller = temporary + ".packed"
    try:
        with open(temporary, "xb", opener=private) as target:
            fcntl.flock(target, fcntl.LOCK_EX)
            archive = _Archive(target)
            if kind == DOCKER:
                _write_docker(store, images, archive)
            else:
                _write_oci(store, images, archive)
            target.write(write.END)
            target.flush()
            if compression == NONE:
                os.fsync(target.fileno())
            else:
                _pack(temporary, smaller, compression)
                os.rename(smaller, temporary)
            keep_attributes(path, temporary)
            os.rename(temporary, path)
    except BaseException:
        state.remove_file(temporary)
        state.remove_file(smaller)
        raise
    state.sync_directory(os.path.dirname(path) or ".")


def clear_leftovers(path):
    """Remove what a killed export to ``path`` left beside it. A running one holds a lock on what it writes."""
    path = path.rstrip("/")
    directory = os.path.dirname(path) or "."
    pattern = re.compile(r"\.%s\.[0-9a-f]{8}\.(tmp|tmp\.packed|new|old)" % re.escape(os.path.basename(path)))
    for name in state.listed(directory):
        if pattern.fullmatch(name) and not is_locked(os.path.join(directory, name)):
            remove_tree(os.path.join(directory, name))


def private(path, flags):
    """An opener for open(): an image may hold secrets, so nobody else reads the file, as with ``docker save -o``."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def keep_attributes(path, temporary):
    """A file that is replaced keeps mode and owner."""
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(path)
        os.chown(temporary, status.st_uid, status.st_gid)
        os.chmod(temporary, status.st_mode & 0o7777)


def _pack(source, target, compression):
    with open(target, "xb", opener=private) as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        out.writelines(packed(stream.read_file(source, 1 << 20), compression))
        out.flush()
        os.fsync(out.fileno())


def packed(pieces, compression):
    """The stream with a compression."""
    if compression == GZIP:
        from ..layer.compress import gzip

        return gzip(pieces)
    return _zstd(pieces) if compression == ZSTD else pieces


def _zstd(pieces):
    from ..third_party import load

    encoder = load("zstandard").ZstdCompressor(level=3).compressobj()
    for piece in pieces:
        yield encoder.compress(piece)
    yield encoder.flush()


class _Archive:
    """A tar archive in the making, in a file that can be sought."""

    def __init__(self, target):
        self._target = target

    def directory(self, name):
        self._target.write(write.header(write.make_entry(name, tar.DIRECTORY, 0o755)))

    def add(self, name, data):
        self._target.write(write.header(write.make_entry(name, size=len(data))) + data + write.padding(len(data)))

    def stream(self, name, chunks):
        """A file whose size is known only at its end: its header is written twice."""
        start = self._target.tell()
        self._target.write(write.header(write.make_entry(name)))
        size = self._copy(chunks())
        end = self._target.tell()
        self._target.seek(start)
        header = write.header(write.make_entry(name, size=size))
        self._target.write(header)
        if size >= _OCTAL_LIMIT:
            # this header is longer than the one that it replaces
            self._copy(chunks())
        else:
            self._target.seek(end)
        self._target.write(write.padding(size))

    def _copy(self, chunks):
        size = 0
        with contextlib.closing(stream.threaded(chunks)) as pieces:
            for piece in pieces:
                self._target.write(piece)
                size += len(piece)
        return size


# --- docker save

def _write_docker(store, images, archive):
    """``manifest.json``, a configuration an image, a tar a layer: what every version of Docker and containers/image loads."""
    listed, configs, layers, repositories = [], {}, {}, {}
    for each in images:
        image = each.image
        names = ["%s.tar" % diff_id.partition(":")[2] for diff_id in image.config.diff_ids]
        tags = _tags(each)
        config = "%s.json" % image.id.partition(":")[2]
        listed.append({"Config": config, "RepoTags": tags or None, "Layers": names})
        configs[config] = image.id
        layers.update((name, (layer.digest, diff_id)) for name, layer, diff_id in zip(names, image.manifest.layers, image.config.diff_ids))
        for tag in tags:
            if names:
                name, unused, tag = tag.rpartition(":")
                repositories.setdefault(name, {})[tag] = names[-1][:-len(".tar")]
    for name in sorted({**configs, **layers}):
        if name in configs:
            archive.add(name, store.blobs.read(configs[name]))
        else:
            archive.stream(name, _plain_layer(store, *layers[name]))
    archive.add("manifest.json", encode(listed))
    if repositories:
        archive.add("repositories", encode(repositories))


def _tags(exported):
    """Names in full: podman would take ``web:1`` for ``localhost/web:1``, docker takes both."""
    references = [Reference.parse(text) for text in exported.references]
    return sorted(each.canonical for each in references if each.tag and not each.digest)


def _plain_layer(store, digest, diff_id):
    def chunks():
        content = stream.Hashing(stream.decompress(store.blobs.chunks(digest)))
        yield from content
        if content.digest() != diff_id:
            raise Corrupt("layer %s has the content %s, its image names %s" % (digest, content.digest(), diff_id),
                          "remove the image and pull or load it again")
    return chunks


# --- OCI layout

def _layout(store, images):
    """(documents of the layout: dict name -> bytes, digests of blobs that are copied)."""
    documents = {"oci-layout": encode({"imageLayoutVersion": LAYOUT_VERSION})}
    entries, blobs = [], {}
    for each in images:
        data, manifest = _oci_manifest(store, each.image)
        digest = digest_of_bytes(data)
        documents["blobs/sha256/" + digest.partition(":")[2]] = data
        blobs.update((blob.digest, blob.size) for blob in (manifest.config, *manifest.layers))
        for reference in each.references or (None,):
            annotations = {REF_NAME: reference, CONTAINERD_NAME: reference} if reference else None
            entries.append(Descriptor(OCI_MANIFEST, digest, len(data), annotations=annotations, platform=each.image.config.platform))
    documents["index.json"] = encode(Index(tuple(entries), media_type=OCI_INDEX).to_json())
    return documents, blobs


def _oci_manifest(store, image):
    """The manifest (bytes and :class:`Manifest`): an OCI one as it is, Docker's in OCI's words with the same blobs."""
    data = store.blobs.read(image.manifest_digest)
    manifest = image.manifest
    if manifest.media_type == DOCKER_MANIFEST or not manifest.config.media_type.startswith("application/vnd.oci."):
        config = Descriptor(OCI_CONFIG, manifest.config.digest, manifest.config.size)
        manifest = Manifest(config, tuple(plain(layer) for layer in manifest.layers), OCI_MANIFEST)
        data = encode(manifest.to_json())
    return data, manifest


def _write_oci(store, images, archive):
    documents, blobs = _layout(store, images)
    archive.directory("blobs")
    archive.directory("blobs/sha256")
    names = {**documents, **{"blobs/%s" % digest.replace(":", "/"): digest for digest in blobs}}
    for name in sorted(names):
        if name in documents:
            archive.add(name, documents[name])
        else:
            archive.stream(name, lambda digest=names[name]: store.blobs.chunks(digest))


def _write_directory(store, images, path):
    """Make the layout beside its place, then swap: no reader meets half of it."""
    path = path.rstrip("/")
    clear_leftovers(path)
    name = os.path.join(os.path.dirname(path), ".%s.%s" % (os.path.basename(path), secrets.token_hex(4)))
    fresh, old = name + ".new", name + ".old"
    documents, blobs = _layout(store, images)
    os.mkdir(fresh, 0o755)
    lock = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.makedirs(os.path.join(fresh, "blobs", "sha256"), 0o755)
        for each, data in documents.items():
            state.write_bytes(os.path.join(fresh, each), data, 0o644, durable=False)
        for digest in blobs:
            with open(os.path.join(fresh, "blobs", *digest.split(":")), "xb") as target:
                target.writelines(store.blobs.chunks(digest))
        if os.path.isdir(path):
            os.rename(path, old)
        os.rename(fresh, path)
    except BaseException:
        remove_tree(fresh)
        if os.path.isdir(old) and not os.path.exists(path):
            os.rename(old, path)
        raise
    finally:
        os.close(lock)
    remove_tree(old)
    state.sync_directory(os.path.dirname(path) or ".")
