# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A streaming tar reader: POSIX ustar, PAX (long names, times, attributes, ACLs) and GNU (long names, base-256 numbers), sparse files.

The standard library's tarfile takes twice the time of GNU tar for a layer of many small files; here a header is one struct.unpack and
content goes through as memoryviews of what the decompressor made.
"""

from __future__ import annotations

import os
import struct

from ..errors import Corrupt
from . import sparse, xattrs

BLOCK = 512
REGULAR, HARDLINK, SYMLINK, CHARACTER, BLOCKDEV, DIRECTORY, FIFO = "file", "hardlink", "symlink", "char", "block", "directory", "fifo"
_TYPES = {b"0": REGULAR, b"\0": REGULAR, b"7": REGULAR, b"1": HARDLINK, b"2": SYMLINK, b"3": CHARACTER, b"4": BLOCKDEV,
          b"5": DIRECTORY, b"6": FIFO, b"S": REGULAR, b"D": DIRECTORY}
# PAX records and long names are small; a "header" of gigabytes is an attack on memory
_MAX_HEADER = 8 << 20
_MAX_GLOBALS = 1 << 20
_MAX_DIGITS = 60
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")
_NO_TAR = "give a tar file, which may be compressed; or the file is damaged"
# nanoseconds; ext4 holds 2^34 seconds, XFS 2^33
_MAX_TIME = 10**9 << 40
_ZEROS = bytes(BLOCK)


class Entry:
    """One member. ``name`` and ``link`` are as os.fsdecode makes them, ``mtime`` nanoseconds, ``xattrs`` a dict str -> bytes or None.

    ``sparse`` is None, or the map of a sparse file: the (offset, length) of what :meth:`TarReader.packed` gives; ``size`` is the whole.
    """

    __slots__ = ("device", "gid", "gname", "link", "mode", "mtime", "name", "size", "sparse", "type", "uid", "uname", "xattrs")

    def __repr__(self):
        return "<Entry %s %r>" % (self.type, self.name)


class TarReader:
    """Iterate to get entries; :meth:`body` gives the content of the entry that came last (what is not read is skipped).

    :param chunks: iterator of bytes-like pieces of any size.
    :raises Corrupt: damaged or truncated archive.
    """

    def __init__(self, chunks):
        self._chunks = iter(chunks)
        self._buffer = memoryview(b"")
        self._left = 0
        self._padding = 0
        self._present = None
        self._globals = {}
        self._global_size = 0

    def __iter__(self):
        pax, longname, longlink, held = {}, None, None, 0
        while True:
            self._skip(self._left + self._padding)
            self._left = self._padding = 0
            self._present = None
            header = self._header()
            if header is None:
                self.drain()
                return
            fields = _HEADER.unpack(header)
            kind = fields[7]
            size = _number(fields[4])
            if kind in b"xgLKXN" and kind != b"\0":
                held += size
                data = self._extension(size, held)
                if kind in (b"x", b"X"):
                    pax.update(_records(data))
                elif kind == b"g":
                    self._add_globals(data)
                elif kind == b"L":
                    longname = _text(data)
                elif kind == b"K":
                    longlink = _text(data)
                continue
            entry = self._entry(header, fields, size, pax, longname, longlink)
            pax, longname, longlink, held = {}, None, None, 0
            if entry is None:
                continue
            yield entry

    def body(self):
        """Yield the content of the present entry as bytes-like pieces; the holes of a sparse file are zeros."""
        entry = self._present
        if entry is not None and entry.sparse is not None:
            return sparse.expand(entry.sparse, entry.size, self.packed())
        return self.packed()

    def packed(self):
        """Yield what the archive holds of the present entry: of a sparse file only the parts of its map, joined."""
        while self._left:
            buffer = self._buffer
            if not buffer:
                self._refill()
                continue
            if len(buffer) > self._left:
                piece, self._buffer = buffer[:self._left], buffer[self._left:]
            else:
                piece, self._buffer = buffer, memoryview(b"")
            self._left -= len(piece)
            yield piece

    def drain(self):
        """Read the stream to its end: digests of the whole stream count the blocks after the last entry, too."""
        self._buffer = memoryview(b"")
        for unused in self._chunks:
            pass

    def _header(self):
        block = self._take(BLOCK, at_end=True)
        if block is None:
            return None
        if block == _ZEROS:
            return None
        try:
            stored = _octal(block[148:156])
        except ValueError:
            raise Corrupt("not a tar archive: a header has no checksum", _NO_TAR) from None
        # what is no tar archive at all mostly ends here, too: its first 512 bytes have no checksum
        total = sum(block) - sum(block[148:156]) + 256
        if total != stored and _signed_sum(block) != stored:
            raise Corrupt("not a tar archive: a header has a wrong checksum", _NO_TAR)
        return block

    def _add_globals(self, data):
        self._global_size += len(data)
        if self._global_size > _MAX_GLOBALS:
            raise Corrupt("tar: more than %d bytes of global headers" % _MAX_GLOBALS)
        self._globals.update(_records(data))

    def _entry(self, header, fields, size, pax, longname, longlink):
        name, mode, uid, gid, unused_size, mtime, unused_sum, kind, link, magic, uname, gname, major, minor, prefix = fields
        if self._globals:
            pax = {**self._globals, **pax}
        entry = Entry()
        entry.name = longname if longname is not None else _text(name)
        if longname is None and magic[:6] == b"ustar\0" and prefix[0]:
            entry.name = _text(prefix) + "/" + entry.name
        entry.link = longlink if longlink is not None else _text(link)
        entry.mode = _number(mode) & 0o7777
        entry.uid = _number(uid)
        entry.gid = _number(gid)
        entry.size = size
        entry.mtime = _number(mtime) * 1000000000
        entry.device = (_number(major), _number(minor)) if kind in b"34" else (0, 0)
        entry.uname, entry.gname = uname, gname
        entry.xattrs = entry.sparse = None
        if pax:
            _apply_pax(entry, pax)
        entry.type = _TYPES.get(kind)
        if entry.type == REGULAR and entry.name.endswith("/"):
            entry.type = DIRECTORY
        if entry.size < 0:
            raise Corrupt("tar: %s has a negative size" % entry.name)
        if not -_MAX_TIME < entry.mtime < _MAX_TIME:
            raise Corrupt("tar: %s has an impossible time" % entry.name)
        self._content(entry, kind, header, pax)
        if "\0" in entry.name or "\0" in entry.link:
            raise Corrupt("tar: a name has a NUL byte in it")
        self._present = entry
        return None if entry.type is None else entry

    def _content(self, entry, kind, header, pax):
        """Find out how much content follows, and where it belongs in a sparse file."""
        # POSIX: links, devices, directories and pipes have no content, whatever their size field says
        # (a hard link may have: old archives; those of tar programs of today do not). GNU's D is a directory with a listing as content.
        if entry.type not in (REGULAR, None) and kind != b"D":
            entry.size = 0
        parts, whole = None, 0
        if kind == b"S":
            parts, whole = sparse.old(header, _number, lambda: self._take(BLOCK))
        self._left = entry.size
        self._padding = -entry.size % BLOCK
        if kind == b"D":
            entry.size = 0
        elif parts is None and entry.type == REGULAR and pax and sparse.is_pax(pax):
            if sparse.name(pax):
                entry.name = _text(sparse.name(pax))
            parts, whole = sparse.pax_map(pax, self._map_block)
        if parts is not None:
            entry.sparse, entry.size = sparse.check(parts, whole, self._left, entry.name), whole

    def _map_block(self):
        if self._left < BLOCK:
            raise Corrupt("tar: a sparse file has a malformed map")
        self._left -= BLOCK
        return self._take(BLOCK)

    def _extension(self, size, held):
        if not 0 <= size <= _MAX_HEADER or held > _MAX_HEADER:
            raise Corrupt("tar: an extended header of %d bytes" % held)
        data = self._take(size)
        self._skip(-size % BLOCK)
        return data

    def _take(self, count, at_end=False):
        """``count`` bytes. At the very end of the stream: None where ``at_end``, an error otherwise."""
        if len(self._buffer) >= count:
            data = bytes(self._buffer[:count])
            self._buffer = self._buffer[count:]
            return data
        parts, have = [], 0
        while have < count:
            if not self._buffer and not self._refill(at_end and not have):
                return None
            piece = self._buffer[:count - have]
            self._buffer = self._buffer[len(piece):]
            parts.append(piece)
            have += len(piece)
        return b"".join(parts)

    def _skip(self, count):
        while count:
            if not self._buffer:
                self._refill()
            step = min(count, len(self._buffer))
            self._buffer = self._buffer[step:]
            count -= step

    def _refill(self, may_end=False):
        for chunk in self._chunks:
            if chunk:
                self._buffer = memoryview(chunk)
                return True
        if may_end:
            return False
        raise Corrupt("tar: the archive ends in the middle of an entry", "it was cut off; fetch it again")


def _apply_pax(entry, pax):
    for key, value in pax.items():
        # a record without a value takes back what was said before
        if key == "path" and value:
            entry.name = _text(value)
        elif key == "linkpath" and value:
            entry.link = _text(value)
        elif key in ("size", "uid", "gid", "mtime", "SCHILY.devmajor", "SCHILY.devminor") and value:
            _apply_number(entry, key, value)
    entry.xattrs = xattrs.from_pax(pax, entry.name)


def _apply_number(entry, key, value):
    try:
        if len(value) > _MAX_DIGITS:
            raise ValueError(value)
        if key == "mtime":
            entry.mtime = _nanoseconds(value)
        elif key.startswith("SCHILY."):
            major, minor = entry.device
            entry.device = (int(value), minor) if key.endswith("major") else (major, int(value))
        else:
            setattr(entry, key, int(value))
    except ValueError:
        raise Corrupt("tar: %s has a malformed PAX record %s" % (entry.name, key)) from None


def _nanoseconds(value):
    whole, unused, fraction = value.decode("ascii").partition(".")
    seconds = int(whole or 0)
    rest = int((fraction + "000000000")[:9]) if fraction else 0
    return seconds * 1000000000 + (-rest if whole.startswith("-") else rest)


def _records(data):
    """``LENGTH key=value\\n`` records; the values stay bytes."""
    records, position = {}, 0
    while position < len(data):
        space = data.find(b" ", position, position + 20)
        digits = data[position:space]
        length = int(digits) if space > 0 and digits.isdigit() else 0
        end = position + length
        if length < 5 or end > len(data) or data[end - 1:end] != b"\n":
            if not data[position:].strip(b"\0"):
                break
            raise Corrupt("tar: a malformed PAX header")
        key, equals, value = data[space + 1:end - 1].partition(b"=")
        if not equals:
            raise Corrupt("tar: a malformed PAX header")
        key = key.decode("utf-8", "surrogateescape")
        if key in sparse.REPEATED:
            records.setdefault(sparse.PAIRS, []).append(value)
        else:
            records[key] = value
        position = end
    return records


def _text(field):
    end = field.find(b"\0")
    # fsdecode, so that the same bytes reach the file system whatever the locale
    return os.fsdecode(field if end < 0 else field[:end])


def _octal(field):
    text = field.strip(b" \0")
    return int(text, 8) if text else 0


def _number(field):
    """An octal field, or GNU's base-256 (first bit set; 0xff for negative ones)."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big")
        bits = 8 * len(field)
        return value - (1 << bits) if field[0] & 0x40 else value & ((1 << (bits - 1)) - 1)
    end = field.find(b"\0")
    try:
        return _octal(field if end < 0 else field[:end])
    except ValueError:
        raise Corrupt("tar: a header has a malformed number %r" % bytes(field)) from None


def _signed_sum(block):
    # some old programs summed signed bytes
    return sum(byte - 256 if byte > 127 else byte for byte in block[:148]) + 256 + sum(
        byte - 256 if byte > 127 else byte for byte in block[156:])
