# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gzip on all processors, and zstd: the same content gives the same bytes, whatever the number of threads and the sizes of the pieces.

For gzip the stream is cut into blocks that are compressed beside each other, each with the end of the one before as its dictionary, and
joined at byte boundaries (Z_SYNC_FLUSH): one ordinary member, with no time and no name in its header (RFC 1951, RFC 1952).
"""

from __future__ import annotations

import os
import struct

BLOCK = 512 << 10
_WINDOW = 32 << 10
# a Debian root: level 1 gives 40.4 % of the size at 50 MB/s and processor, level 3 39.3 % at 40, level 6 37.2 % at 21
LEVEL = 1
# deflate, no flags, no time, "fastest", Unix
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03"
_MOST_THREADS = 4
ZSTD_LEVEL = 3
KINDS = ("gzip", "zstd", "none")


def compress(chunks, kind="gzip"):
    """The stream in one of KINDS."""
    if kind == "gzip":
        return gzip(chunks)
    return zstd(chunks) if kind == "zstd" else iter(chunks)


def zstd(chunks, level=ZSTD_LEVEL):
    """Yield the zstd form of a stream: one frame."""
    encoder = _zstd_encoder(level)
    for block, unused in _blocks(chunks):
        yield from encoder.compress(block)
    yield from encoder.flush()


def _zstd_encoder(level):
    from ..errors import Unsupported
    from ..linux.zstd import Compressor

    try:
        return Compressor(level)
    except Unsupported:
        from ..third_party import load

        return _Zstandard(load("zstandard").ZstdCompressor(level=level, write_checksum=True).compressobj())


class _Zstandard:
    """The interface of linux.zstd.Compressor over python3-zstandard."""

    def __init__(self, encoder):
        self._encoder = encoder

    def compress(self, data):
        yield self._encoder.compress(data)

    def flush(self):
        yield self._encoder.flush()


def gzip(chunks, level=LEVEL, threads=None):
    """Yield the gzip form of a stream of bytes-like chunks.

    :param threads: how many compress at the same time; by default as many as there are processors for this process, at most four.
    """
    import zlib
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor

    threads = threads or min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    crc, size, before = 0, 0, b""
    yield _HEAD
    pending = deque()
    with ThreadPoolExecutor(threads, "gzip") as pool:
        for block, last in _blocks(chunks):
            crc, size = zlib.crc32(block, crc), size + len(block)
            pending.append(pool.submit(_deflate, zlib, level, block, before, last))
            before = block[-_WINDOW:]
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    yield struct.pack("<II", crc, size & 0xFFFFFFFF)


def _deflate(zlib, level, block, before, last):
    encoder = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, before)
    return encoder.compress(block) + encoder.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def _blocks(chunks):
    """(block of exactly BLOCK bytes, False) for each, then (the rest, True): the cuts depend on the content only."""
    held, size = [], 0
    for chunk in chunks:
        view = memoryview(chunk)
        while size + len(view) >= BLOCK:
            rest = BLOCK - size
            held.append(view[:rest])
            view = view[rest:]
            yield b"".join(held), False
            held, size = [], 0
        if len(view):
            held.append(view)
            size += len(view)
    yield b"".join(held), True
