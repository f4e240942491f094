# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of one small image, as docker save (before and from version 25), an OCI layout, and damaged ones."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile

DIRECTORY = sys.argv[1]
NAMES = ["web:1", "localhost:5000/team/web:2"]


def tar(files, mode="w", name=None):
    """The bytes of an archive of {name: bytes, or a str for a symbolic link}; written to a file if ``name`` is given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as out:
        for key, content in files.items():
            info = tarfile.TarInfo(key)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                content = b""
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    if name:
        with open("%s/%s" % (DIRECTORY, name), "wb") as stream:
            stream.write(buffer.getvalue())
    return buffer.getvalue()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def encode(value):
    return json.dumps(value).encode()


def image(*layers, cmd="sh"):
    return encode({"architecture": "amd64", "os": "linux", "config": {"Cmd": [cmd]},
                   "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer) for layer in layers]}})


def descriptor(kind, data, **more):
    return {"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data), **more}


def oci(config, layers, docker=False):
    """The files of a layout with an index; from Docker 25 on, manifest.json stands beside it."""
    manifest = encode({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers]})
    entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    blobs = {"blobs/sha256/" + digest(data): data for data in (config, manifest, *layers)}
    if docker:
        listed = [{"Config": "blobs/sha256/" + digest(config), "RepoTags": NAMES,
                   "Layers": ["blobs/sha256/" + digest(layer) for layer in layers]}]
        entries, extra = [entry], {"manifest.json": encode(listed)}
    else:
        entries = [{**entry, "annotations": {"io.containerd.image.name": name}} for name in NAMES]
        extra = {}
    return {**blobs, "oci-layout": encode({"imageLayoutVersion": "1.0.0"}),
            "index.json": encode({"schemaVersion": 2, "manifests": entries}), **extra}


def docker(config, layers, names):
    """The files of docker save before version 25, whose equal layers are links."""
    return {**{"%d/layer.tar" % number: layer for number, layer in enumerate(layers)}, digest(config) + ".json": config,
            "manifest.json": encode([{"Config": digest(config) + ".json", "RepoTags": names,
                                      "Layers": ["%d/layer.tar" % number for number in range(len(layers))]}])}


first, second = tar({"bin/sh": b"#!" + b"x" * 5000000}), tar({"etc/issue": b"hello"})
config = image(first, second)
tar(docker(config, [first, second], NAMES), name="docker.tar")
legacy = docker(config, [first, second], NAMES)
legacy["real/layer.tar"] = legacy["1/layer.tar"]
legacy["1/layer.tar"] = "../real/layer.tar"
tar(legacy, "w:gz", "legacy.tar.gz")
tar(oci(config, [first, second]), name="oci.tar")
tar(oci(config, [first, second], docker=True), "w:xz", "both.tar.xz")
tar(docker(image(first, cmd="other"), [first], ["web:1"]), name="other.tar")
tar({"etc/issue": b"hello"}, name="plain.tar")
hostile = tar({"../../../../../../../../agentless-escaped": b"x"})
tar(docker(image(hostile), [hostile], ["bad"]), name="hostile.tar")
incomplete = docker(config, [first, second], ["bad"])
del incomplete["1/layer.tar"]
tar(incomplete, name="incomplete.tar")
wrong = oci(config, [first, second])
wrong["blobs/sha256/" + digest(first)] = first[:-1] + b"x"
tar(wrong, name="wrong.tar")
