# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gzip in blocks: readable by everybody, and the same bytes however it was made."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import compress, stream


def content(size):
    """Half of it compresses well, and matches reach over the cuts."""
    words = [random.Random(1).randbytes(40), b"the same again and again "]
    return b"".join(words[(at * 7) % 5 % 2] for at in range(size // 25 + 1))[:size]


def pieces(data, step):
    return [data[at:at + step] for at in range(0, len(data), step)]


@pytest.mark.parametrize("size", [0, 1, compress.BLOCK - 1, compress.BLOCK, compress.BLOCK + 1, 3 * compress.BLOCK + 5])
def test_there_and_back(size):
    data = content(size)
    made = b"".join(compress.gzip([data]))
    assert gzip.decompress(made) == data and b"".join(stream.decompress([made])) == data
    decoder = zlib.decompressobj(31)
    decoder.decompress(made)
    assert decoder.eof and not decoder.unused_data, "one member: some readers stop after the first"


@given(step=st.integers(1000, 2 * compress.BLOCK), threads=st.integers(1, 4))
def test_the_same_bytes_whatever_the_pieces_and_threads(step, threads):
    data = content(2 * compress.BLOCK + 77)
    assert b"".join(compress.gzip(pieces(data, step), threads=threads)) == b"".join(compress.gzip([data], threads=1))


def test_blocks_cost_little():
    data = content(4 * compress.BLOCK)
    assert len(b"".join(compress.gzip([data], level=1))) < 1.02 * len(zlib.compress(data, 1))


def test_an_error_of_the_source_arrives():
    def broken():
        yield b"x" * (compress.BLOCK + 1)
        raise ValueError("cut")

    with pytest.raises(ValueError, match="cut"):
        list(compress.gzip(broken()))
