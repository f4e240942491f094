# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives: what ``docker save`` writes, and OCI layouts in a tar file. Read in one pass, compressed or not.

A directory is read as well: an OCI layout (of skopeo, umoci, buildah), or what containers/image calls ``dir``: a manifest.json beside blobs
named by their digits. :func:`scan` tells what is in one without storing anything; :func:`load` brings it into the store.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import posixpath
import re
from typing import Optional, Tuple

from ..errors import Corrupt, InvalidValue
from ..layer import bounds, stream, tar
from ..spec.image import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    REF_NAME,
    Descriptor,
    Manifest,
    choose,
    platform_of,
)
from ..spec.reference import Reference
from ..state import listed
from .create import encode
from .verify import check_config, check_digest, check_index, check_manifest, document

CONTAINERD_NAME = "io.containerd.image.name"
_SMALL = 4 << 20
_SMALL_SUM = 64 << 20
_BLOBS = "blobs/sha256/"
_HEX = re.compile("[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Archived:
    """An image of an archive. ``references`` are canonical; ``manifest`` is None where only :func:`scan` looked at a docker archive."""

    id: str
    references: Tuple[str, ...] = ()
    manifest: Optional[Descriptor] = None


def scan(path, platform):
    """The images of an archive (list of :class:`Archived`), without storing anything.

    :raises Corrupt: it is no image archive, or a damaged one.
    """
    return _Content(path, None).images(platform)


def survey(path, platform):
    """What :func:`scan` tells, and by which lists: (list of :class:`Archived`, names of the lists: index.json, manifest.json)."""
    content = _Content(path, None)
    images = content.images(platform)
    return images, content.lists()


def load(store, path, platform):
    """Store and unpack the images of an archive; returns them (list of :class:`~spec.image.Image`).

    Nothing is left behind if the archive is damaged or hostile.
    """
    content = _Content(path, store.blobs)
    try:
        with store.leased():
            content.read()
            archived = content.images(platform)
            for each in archived:
                content.fresh.update(_complete(store, each))
            return [store.add(each.manifest, each.references)[0] for each in archived]
    finally:
        # what no image came to need
        store.discard(content.fresh)


def _complete(store, archived):
    """Check and unpack one image. Returns the chain IDs of its layers."""
    store.check_complete(archived.manifest.digest)
    image = store.load(archived.manifest.digest, [])
    chain = store.layers.chain_ids(image)
    with store.leased(chain):
        store.layers.ensure(image)
    return chain


@dataclasses.dataclass(frozen=True)
class _File:
    digest: str
    size: int
    compression: Optional[str]


class _Content:
    """What one pass over an archive finds: small JSON documents as bytes, other files as blobs (where they are wanted)."""

    def __init__(self, path, blobs):
        self.path = path
        self.blobs = blobs
        self.fresh = set()
        self._documents = {}
        self._files = {}
        self._sizes = {}
        self._links = {}
        self._budget = _SMALL_SUM
        self._read = False

    def read(self):
        """Go through the archive once."""
        self._read = True
        if os.path.isdir(self.path):
            self._read_directory()
            return
        if os.path.exists(self.path) and not os.path.isdir(self.path) and not os.path.isfile(self.path):
            # it is read twice, and a pipe has its content once
            raise InvalidValue("path", self.path, "is not a regular file", "put its content into a file")
        room = self.blobs.partial if self.blobs is not None else None
        try:
            with contextlib.closing(stream.threaded(bounds.decompressed(stream.read_file(self.path), room))) as chunks:
                reader = tar.TarReader(chunks)
                for entry in reader:
                    self._add(entry, reader)
        except FileNotFoundError:
            raise InvalidValue("path", self.path, "does not exist on the host", "copy the archive to the host first") from None

    def _read_directory(self):
        names = [name for name in ("oci-layout", "index.json", "manifest.json", "version") if os.path.isfile(os.path.join(self.path, name))]
        if "index.json" not in names and "manifest.json" not in names:
            raise InvalidValue("path", self.path, "is a directory without index.json and manifest.json",
                               "give an archive file, or the directory of an OCI layout")
        top = {name: os.path.join(self.path, name) for name in names}
        blobs = os.path.join(self.path, "blobs", "sha256")
        files = {_BLOBS + name: os.path.join(blobs, name) for name in listed(blobs)}
        if "index.json" not in names:
            files = {_BLOBS + name: os.path.join(self.path, name) for name in listed(self.path) if _HEX.fullmatch(name)}
        for name, path in {**top, **files}.items():
            if os.path.isfile(path):
                self._take(name, os.path.getsize(path), stream.read_file(path))

    def _add(self, entry, reader):
        name = posixpath.normpath("/" + entry.name)[1:]
        if entry.type in (tar.SYMLINK, tar.HARDLINK):
            start = posixpath.dirname(name) if entry.type == tar.SYMLINK else ""
            self._links[name] = posixpath.normpath(posixpath.join("/", start, entry.link))[1:]
        if entry.type == tar.REGULAR:
            self._take(name, entry.size, reader.body())

    def _take(self, name, size, pieces):
        head = b""
        self._sizes[name] = size
        if size <= _SMALL:
            data = b"".join(bytes(piece) for piece in pieces)
            if data[:1] in (b"{", b"[") or name == "oci-layout":
                self._keep(name, data)
                return
            head, pieces = data, ()
        if self.blobs is not None:
            self._files[name] = self._ingest(name, stream.chain(head, pieces))

    def _keep(self, name, data):
        self._budget -= len(data)
        if self._budget < 0:
            raise Corrupt("archive %s has more than %d bytes of documents" % (self.path, _SMALL_SUM))
        if name.startswith(_BLOBS) and "sha256:" + hashlib.sha256(data).hexdigest() != "sha256:" + name[len(_BLOBS):]:
            raise Corrupt("archive %s: the content of %s does not have this digest" % (self.path, name), "make or fetch the archive again")
        self._documents[name] = data

    def _ingest(self, name, pieces):
        expected = None
        if name.startswith(_BLOBS):
            expected = "sha256:" + name[len(_BLOBS):]
            check_digest(expected)
        head = b""
        with self.blobs.writer() as writer:
            for piece in pieces:
                if len(head) < 6:
                    head += bytes(piece[:8])
                writer.write(piece)
            digest, size = writer.commit(expected)
            if not writer.existed:
                self.fresh.add(digest)
        return _File(digest, size, stream.compression(head))

    # --- what it means

    def images(self, platform):
        """The images by the archive's own lists."""
        if not self._read:
            self.read()
        if "index.json" in self._documents:
            found = self._from_index(platform)
        elif self._is_bare_manifest():
            found = self._from_manifest()
        elif "manifest.json" in self._documents:
            found = [self._from_docker(item) for item in self._docker_list()]
        else:
            raise Corrupt("%s is not an image archive: it has neither index.json nor manifest.json" % self.path,
                          "make it with docker save or as an OCI layout; for a root file system use image_import")
        if not found:
            raise Corrupt("archive %s has no images" % self.path)
        return found

    def lists(self):
        """Names of the documents that list images."""
        return [name for name in ("index.json", "manifest.json") if name in self._documents]

    def _document(self, name):
        for unused in range(8):
            if name in self._documents:
                return self._documents[name]
            if name not in self._links:
                break
            name = self._links[name]
        raise Corrupt("archive %s lacks %s" % (self.path, name), "make or fetch the archive again")

    def _blob(self, digest):
        return self._document(_BLOBS + check_digest(digest)[1])

    # what containers/image calls dir: one image, its own manifest is the list

    def _is_bare_manifest(self):
        return self._documents.get("manifest.json", b"")[:1] == b"{"

    def _from_manifest(self):
        data = self._documents["manifest.json"]
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self._documents[_BLOBS + digest.partition(":")[2]] = data
        return [self._archived(each, image_id, ()) for each, image_id in self._manifests({"digest": digest}, None)]

    # OCI layout

    def _from_index(self, platform):
        index = check_index(document(self._documents["index.json"], self.path), self.path)
        names = self._docker_names()
        merged = {}
        for item in index["manifests"]:
            for digest, image_id in self._manifests(item, platform):
                references = _names_of(item) or names.get(image_id, ())
                merged.setdefault(digest, (image_id, []))[1].extend(references)
        return [self._archived(digest, image_id, references) for digest, (image_id, references) in merged.items()]

    def _archived(self, digest, image_id, references):
        data = self._blob(digest)
        manifest = document(data, self.path)
        for layer in manifest["layers"]:
            if self._sizes.get(_BLOBS + check_digest(layer["digest"])[1]) != layer["size"]:
                raise Corrupt("archive %s lacks layer %s, or has it with another size" % (self.path, layer["digest"]),
                              "make or fetch the archive again")
        if self.blobs is not None:
            for blob in (digest, image_id, *(layer["digest"] for layer in manifest["layers"])):
                # a small layer may look like a document: one whose first file is named "[", for example
                if _BLOBS + blob.partition(":")[2] in self._documents:
                    self._store(self._blob(blob))
        media_type = manifest.get("mediaType") or OCI_MANIFEST
        return Archived(image_id, tuple(dict.fromkeys(references)), Descriptor(media_type, digest, len(data)))

    def _manifests(self, item, platform):
        """(manifest digest, image ID) of an entry: of the right platform where it is an index of several."""
        if item.get("mediaType") in INDEX_TYPES:
            inner = check_index(document(self._blob(item["digest"]), self.path), self.path)
            offers = [Descriptor.from_json(each) for each in inner["manifests"]
                      if each.get("mediaType") in MANIFEST_TYPES and (each.get("platform") or {}).get("os") != "unknown"
                      and _BLOBS + each["digest"].partition(":")[2] in self._documents]
            chosen = choose(offers, platform) or (offers[0] if offers else None)
            if chosen is None:
                return []
            item = {"digest": chosen.digest}
        data = document(self._blob(item["digest"]), self.path)
        if "layers" not in data:
            return []
        manifest = check_manifest(data, self.path)
        check_config(document(self._blob(manifest["config"]["digest"]), self.path), self.path, len(manifest["layers"]))
        return [(item["digest"], manifest["config"]["digest"])]

    # docker save

    def _docker_list(self):
        try:
            items = json.loads(self._document("manifest.json"))
        except ValueError as error:
            raise Corrupt("archive %s: manifest.json is not JSON: %s" % (self.path, error)) from error
        if not isinstance(items, list) or not all(isinstance(each, dict) and isinstance(each.get("Config"), str) for each in items):
            raise Corrupt("archive %s: manifest.json is malformed" % self.path)
        return items

    def _docker_names(self):
        """Image ID -> canonical references, by the manifest.json that stands beside an index.json."""
        if "manifest.json" not in self._documents:
            return {}
        names = {}
        for item in self._docker_list():
            digest = "sha256:" + hashlib.sha256(self._document(posixpath.normpath(item["Config"]))).hexdigest()
            names[digest] = tuple(_reference(text) for text in item.get("RepoTags") or [])
        return names

    def _from_docker(self, item):
        data = self._document(posixpath.normpath(item["Config"]))
        layers = item.get("Layers")
        if not isinstance(layers, list) or not all(isinstance(each, str) for each in layers):
            raise Corrupt("archive %s: manifest.json is malformed" % self.path)
        check_config(document(data, self.path), self.path, len(layers))
        image_id = "sha256:" + hashlib.sha256(data).hexdigest()
        references = tuple(_reference(text) for text in item.get("RepoTags") or [])
        if self.blobs is None:
            for name in layers:
                self._layer_name(name)
            return Archived(image_id, references)
        self._store(data)
        manifest = Manifest(Descriptor(OCI_CONFIG, image_id, len(data)), tuple(self._layer(name) for name in layers), OCI_MANIFEST)
        data = encode(manifest.to_json())
        return Archived(image_id, references, Descriptor(OCI_MANIFEST, self._store(data), len(data)))

    def _layer(self, name):
        name = self._layer_name(name)
        if name in self._documents:
            # a tar archive may look like a document: one whose first file is named "[", for example
            data = self._documents[name]
            return Descriptor(OCI_LAYER, self._store(data), len(data))
        found = self._files[name]
        suffix = {"gzip": "+gzip", "zstd": "+zstd"}.get(found.compression, "")
        return Descriptor(OCI_LAYER + suffix, found.digest, found.size)

    def _layer_name(self, name):
        name = posixpath.normpath(name)
        for unused in range(8):
            if name in self._sizes:
                return name
            name = self._links.get(name, name)
        raise Corrupt("archive %s lacks layer %s" % (self.path, name), "make or fetch the archive again")

    def _store(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if not self.blobs.has(digest):
            self.fresh.add(digest)
        return self.blobs.put(data)


def _names_of(item):
    """The canonical references of an index entry. A bare tag names nothing without its repository."""
    annotations = item.get("annotations") or {}
    name = annotations.get(CONTAINERD_NAME)
    if name is None:
        name = annotations.get(REF_NAME)
        if name is None or not any(mark in name for mark in ":/@"):
            return ()
    return (_reference(name),)


def _reference(text):
    try:
        return Reference.parse(text).canonical
    except InvalidValue as error:
        raise Corrupt("an image archive has the malformed name %r" % (text,)) from error


def platform_of_host():
    """The Platform of this host."""
    return platform_of(os.uname().machine)
