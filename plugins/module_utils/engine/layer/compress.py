# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gzip on all processors: the same content gives the same bytes, whatever the number of threads and the sizes of the pieces.

The stream is cut into blocks that are compressed beside each other, each with the end of the one before as its dictionary, and joined at
byte boundaries (Z_SYNC_FLUSH): one ordinary gzip member, with no time and no name in its header (RFC 1951, RFC 1952).
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
