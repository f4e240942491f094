# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory becomes a stored layer; times that are too new are set back."""

from __future__ import annotations

import gzip
import hashlib
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.image.cas import BlobStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import diff, finish, tar

NANO = 10**9


@pytest.fixture
def upper(tmp_path):
    path = tmp_path / "upper"
    (path / "d").mkdir(parents=True)
    (path / "d" / "old").write_bytes(b"old" * 1000)
    (path / "new").write_bytes(b"new")
    os.symlink("new", path / "link")
    os.utime(path / "d" / "old", ns=(100 * NANO + 5, 100 * NANO + 5))
    return path


def times(stream):
    return {entry.name: entry.mtime for entry in tar.TarReader(stream)}


def test_only_newer_times_are_clamped(upper):
    assert times(diff.changeset(str(upper), clamp=200)) == {
        "d/": 200 * NANO, "d/old": 100 * NANO + 5, "link": 200 * NANO, "new": 200 * NANO}
    assert times(diff.changeset(str(upper)))["new"] == os.stat(upper / "new").st_mtime_ns


def test_directory_to_layer(upper, tmp_path):
    blobs = BlobStore(str(tmp_path / "images"))
    layer = finish.finish(blobs, str(upper), clamp=200)
    plain = b"".join(diff.changeset(str(upper), clamp=200))
    assert layer.fresh and layer.diff_id == "sha256:" + hashlib.sha256(plain).hexdigest()
    assert layer.descriptor.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    with open(blobs.path(layer.descriptor.digest), "rb") as stream:
        blob = stream.read()
    assert gzip.decompress(blob) == plain and len(blob) == layer.descriptor.size
    os.utime(upper / "new", ns=(300 * NANO, 300 * NANO))
    again = finish.finish(blobs, str(upper), clamp=200)
    assert again.descriptor == layer.descriptor and again.diff_id == layer.diff_id and not again.fresh


def test_a_failure_leaves_nothing(upper, tmp_path):
    blobs = BlobStore(str(tmp_path / "images"))
    with pytest.raises(FileNotFoundError):
        finish.finish(blobs, str(upper / "nowhere"))
    assert blobs.list() == [] and os.listdir(blobs.partial) == []
