# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zstd by the host's library, against the zstd command."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import compress, finish, stream
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import zstd

DATA = b"".join(b"line %d of many\n" % number for number in range(200000)) + os.urandom(100000)


def pieces(data, step):
    return [data[at:at + step] for at in range(0, len(data), step)]


def command(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, check=True, capture_output=True).stdout


@pytest.mark.parametrize("step", [1000, 1 << 20, 1 << 24])
def test_there_and_back(step):
    made = b"".join(compress.zstd(pieces(DATA, step)))
    assert command(made, "-d") == DATA and len(made) < len(DATA) / 4
    assert b"".join(stream.decompress(pieces(made, step))) == DATA
    assert made == b"".join(compress.zstd([DATA])), "the cuts must not show"


def test_nothing():
    made = b"".join(compress.zstd([]))
    assert command(made, "-d") == b"" and b"".join(stream.decompress([made])) == b""


def test_frames_glued_together_and_skipped():
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    data = command(b"one") + skippable + command(b"two", "-19") + skippable
    for step in (1, 5, 1000):
        assert b"".join(stream.decompress(pieces(data, step))) == b"onetwo"


@pytest.mark.parametrize("step", [7, 1 << 20])
def test_cut_off_and_damaged(step):
    whole = command(DATA[:50000])
    with pytest.raises(Corrupt, match="too early"):
        list(stream.decompress(pieces(whole[:-3], step)))
    broken = bytearray(whole)
    broken[len(broken) // 2] ^= 0xFF
    with pytest.raises(Corrupt, match="damaged zstd"):
        list(stream.decompress(pieces(bytes(broken), step)))


def test_a_bomb_comes_in_bounded_pieces():
    bomb = command(bytes(50 << 20), "-19")
    assert len(bomb) < 10000
    sizes = [len(piece) for piece in stream.decompress([bomb])]
    assert sum(sizes) == 50 << 20 and max(sizes) <= 1 << 20


def test_a_window_of_gigabytes_is_refused():
    # frame header: magic number, descriptor, window of 2^31 bytes (RFC 8878, 3.1.1.1)
    with pytest.raises(Corrupt, match="damaged zstd data: frame requires too much memory"):
        list(stream.decompress([b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(100)]))


def test_a_host_without_the_library(monkeypatch):
    monkeypatch.setattr(zstd, "_LIBRARY", "libzstd-not-there.so.1")
    monkeypatch.setattr(zstd, "_loaded", None)
    with pytest.raises(Unsupported) as caught:
        list(stream.decompress([command(b"x")]))
    assert "zstandard" in str(caught.value) and caught.value.hint


def test_layers_of_every_kind(tmp_path):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.cas import BlobStore

    blobs = BlobStore(str(tmp_path / "images"))
    ids = set()
    for kind in compress.KINDS:
        layer = finish.store(blobs, [DATA], kind)
        assert layer.descriptor.media_type == "application/vnd.oci.image.layer.v1.tar" + {"none": ""}.get(kind, "+" + kind)
        assert b"".join(stream.decompress(blobs.chunks(layer.descriptor.digest))) == DATA
        ids.add(layer.diff_id)
    assert len(ids) == 1 and len(blobs.list()) == 3
