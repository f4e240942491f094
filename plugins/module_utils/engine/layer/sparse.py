# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sparse members of tar archives: GNU's old format (type S) and its three PAX forms (0.0, 0.1 and 1.0).

A map is a tuple of (offset, length) of the parts that the archive holds; between them are holes. Document: GNU tar's manual, "Storing
Sparse Files".
"""

from __future__ import annotations

from ..errors import Corrupt

BLOCK = 512
_PREFIX = "GNU.sparse."
# repeated records of format 0.0, collected in one list by the reader of PAX headers
PAIRS = _PREFIX + "pairs"
REPEATED = (_PREFIX + "offset", _PREFIX + "numbytes")
_OLD_FIRST, _OLD_MORE, _OLD_STEP = 4, 21, 24
_MOST_PARTS = 1 << 18
_MOST_DIGITS = 20


def is_pax(pax):
    """Whether the records of a member describe a sparse file."""
    return any(key.startswith(_PREFIX) for key in pax)


def old(block, number, more):
    """(map, size) of a member of type S.

    :param block: its header. :param number: parser of a numeric field. :param more: function that gives the next block.
    """
    parts, size = [], number(block[483:495])
    found, extended = _old_parts(block, 386, _OLD_FIRST, number), block[482]
    while True:
        parts += found
        if not extended:
            return tuple(parts), size
        if len(parts) > _MOST_PARTS:
            raise Corrupt("tar: a sparse file of more than %d parts" % _MOST_PARTS)
        block = more()
        found, extended = _old_parts(block, 0, _OLD_MORE, number), block[504]


def _old_parts(block, start, count, number):
    parts = []
    for position in range(start, start + count * _OLD_STEP, _OLD_STEP):
        if not block[position]:
            break
        parts.append((number(block[position:position + 12]), number(block[position + 12:position + 24])))
    return parts


def name(pax):
    """The member's real name (bytes) where the format has replaced it, or None."""
    return pax.get(_PREFIX + "name")


def pax_map(pax, more):
    """(map, size) of a member with PAX records.

    :param more: function that gives the next block of the member's content (the map of format 1.0 lies there).
    """
    size = pax.get(_PREFIX + "realsize", pax.get(_PREFIX + "size"))
    if size is None:
        raise Corrupt("tar: a sparse file without its size")
    if pax.get(_PREFIX + "major", b"0") != b"0":
        return _lines(more), _integer(size)
    values = pax.get(PAIRS)
    if values is None:
        text = pax.get(_PREFIX + "map", b"")
        values = text.split(b",") if text else []
    return _pairs([_integer(value) for value in values]), _integer(size)


def _lines(more):
    """The map of format 1.0: a count, then offset and length of each part, one number a line, padded to a block."""
    block, position, numbers, wanted = more(), 0, [], 1
    while len(numbers) < wanted:
        end = block.find(b"\n", position)
        while end < 0:
            rest = block[position:]
            if len(rest) > _MOST_DIGITS:
                raise Corrupt("tar: a sparse file has a malformed map")
            block, position = rest + more(), 0
            end = block.find(b"\n")
        numbers.append(_integer(block[position:end]))
        position = end + 1
        if len(numbers) == 1:
            wanted = 1 + 2 * numbers[0]
            if numbers[0] > _MOST_PARTS:
                raise Corrupt("tar: a sparse file of more than %d parts" % _MOST_PARTS)
    return _pairs(numbers[1:])


def _pairs(numbers):
    if len(numbers) % 2 or len(numbers) > 2 * _MOST_PARTS:
        raise Corrupt("tar: a sparse file has a malformed map")
    return tuple(zip(numbers[::2], numbers[1::2]))


def _integer(text):
    if not text.isdigit() or len(text) > _MOST_DIGITS:
        raise Corrupt("tar: a sparse file has a malformed map")
    return int(text)


def check(parts, size, packed, member):
    """The map without its empty parts, once it is sure that it describes ``packed`` bytes inside of ``size`` bytes, in order."""
    position = total = 0
    for offset, length in parts:
        if length < 0 or offset < position or offset + length > size:
            raise Corrupt("tar: sparse file %s has parts that overlap or lie outside of it" % member)
        position = offset + length
        total += length
    if total != packed:
        raise Corrupt("tar: sparse file %s has %d bytes where its map names %d" % (member, packed, total))
    return tuple((offset, length) for offset, length in parts if length)


def expand(parts, size, pieces, step=64 << 10):
    """Yield the whole content: ``pieces`` of the parts, and zeros for the holes."""
    zeros, position = memoryview(bytes(step)), 0
    for offset, piece in placed(parts, pieces):
        while position < offset:
            hole = zeros[:min(step, offset - position)]
            position += len(hole)
            yield hole
        yield piece
        position += len(piece)
    while position < size:
        hole = zeros[:min(step, size - position)]
        position += len(hole)
        yield hole


def placed(parts, pieces):
    """Yield (offset, piece) of what the parts hold."""
    pieces = iter(pieces)
    piece = memoryview(b"")
    for offset, length in parts:
        while length:
            if not piece:
                piece = memoryview(next(pieces, b""))
                if not piece:
                    raise Corrupt("tar: a sparse file ends too early")
            now = piece[:length]
            piece = piece[len(now):]
            yield offset, now
            offset += len(now)
            length -= len(now)
