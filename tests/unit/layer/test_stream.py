# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompression in pieces, and streams that run in threads."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import stream

COMPRESSORS = {"none": bytes, "gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress}


def pieces(data, step):
    return [data[at:at + step] for at in range(0, len(data), step)]


@pytest.mark.parametrize("kind", sorted(COMPRESSORS))
@given(data=st.binary(max_size=5000), step=st.integers(1, 600))
def test_there_and_back(kind, data, step):
    if kind == "none" and stream.compression(data):
        return
    assert b"".join(stream.decompress(pieces(COMPRESSORS[kind](data), step))) == data


def test_members_glued_together():
    data = gzip.compress(b"a" * 100) + gzip.compress(b"") + gzip.compress(b"b") + bytes(700)
    for step in (1, 7, 5000):
        assert b"".join(stream.decompress(pieces(data, step))) == b"a" * 100 + b"b"


@pytest.mark.parametrize("kind", ["gzip", "xz", "bzip2"])
def test_cut_off_and_damaged(kind):
    whole = COMPRESSORS[kind](os.urandom(5000))
    with pytest.raises(Corrupt):
        list(stream.decompress(pieces(whole[:-10], 512)))
    broken = bytearray(whole)
    broken[len(broken) // 2] ^= 0xFF
    with pytest.raises(Corrupt):
        list(stream.decompress(pieces(bytes(broken), 512)))


@pytest.mark.parametrize("kind", ["gzip", "xz", "bzip2"])
def test_a_bomb_comes_in_bounded_pieces(kind):
    bomb = COMPRESSORS[kind](bytes(30 << 20))
    sizes = [len(piece) for piece in stream.decompress([bomb])]
    assert sum(sizes) == 30 << 20 and max(sizes) <= 1 << 20


def test_an_xz_dictionary_of_gigabytes_is_refused():
    data = bytearray(lzma.compress(b"x" * 1000))
    # block header behind the stream's 12 bytes: size, flags, filter 0x21, one byte of properties, padding, CRC-32
    length = (data[12] + 1) * 4
    where = data.index(b"\x21\x01", 12) + 2
    data[where] = 40
    data[12 + length - 4:12 + length] = zlib.crc32(bytes(data[12:12 + length - 4])).to_bytes(4, "little")
    with pytest.raises(Corrupt, match=r"[Mm]emory"):
        list(stream.decompress([bytes(data)]))


def test_hashing():
    hashing = stream.Hashing([b"a", b"bc"])
    assert list(hashing) == [b"a", b"bc"] and hashing.size == 3
    assert hashing.digest() == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_threaded_keeps_order_and_errors():
    def numbers():
        yield from (b"%d" % number for number in range(50))
        raise Corrupt("end of it")

    found = []
    with pytest.raises(Corrupt, match="end of it"):
        found.extend(stream.threaded(numbers(), depth=2))
    before = threading.active_count()
    assert before == threading.active_count()


def test_a_reader_that_stops_stops_the_thread():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    running = stream.threaded(endless(), depth=2)
    assert next(running) == b"x"
    running.close()
    assert closed.wait(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "stream"]
