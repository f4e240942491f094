# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write tar entries: ustar headers, with a PAX header where something does not fit. The same entries give the same bytes, always."""

from __future__ import annotations

import os
import struct

from . import tar
from . import xattrs as attributes

_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")
_KINDS = {tar.REGULAR: b"0", tar.HARDLINK: b"1", tar.SYMLINK: b"2", tar.CHARACTER: b"3", tar.BLOCKDEV: b"4",
          tar.DIRECTORY: b"5", tar.FIFO: b"6"}
_NANO = 1000000000
END = bytes(2 * tar.BLOCK)


def make_entry(name, kind=tar.REGULAR, mode=0o644, uid=0, gid=0, size=0, mtime=0, link="", device=(0, 0), xattrs=None):
    """An :class:`tar.Entry`; ``mtime`` is in nanoseconds."""
    entry = tar.Entry()
    entry.name, entry.type, entry.mode, entry.uid, entry.gid = name, kind, mode, uid, gid
    entry.size, entry.mtime, entry.link, entry.device, entry.xattrs = size, mtime, link, device, xattrs
    entry.uname = entry.gname = b""
    entry.sparse = None
    return entry


def header(entry):
    """The header blocks (bytes) of an entry; :func:`padding` of its size follows the content."""
    name, link = os.fsencode(entry.name), os.fsencode(entry.link)
    if entry.type == tar.DIRECTORY and not name.endswith(b"/"):
        name += b"/"
    records = []
    seconds, rest = divmod(entry.mtime, _NANO)
    if rest or seconds < 0 or seconds >= 1 << 33:
        records.append((b"mtime", _decimal(entry.mtime)))
        seconds = max(0, min(seconds, (1 << 33) - 1))
    name = _fit(records, b"path", name)
    link = _fit(records, b"linkpath", link)
    uid = _limit(records, b"uid", entry.uid, 1 << 21)
    gid = _limit(records, b"gid", entry.gid, 1 << 21)
    size = _limit(records, b"size", entry.size, 1 << 33)
    if entry.xattrs:
        records += attributes.to_pax(entry.xattrs)
    block = _block(name, entry.mode, uid, gid, size, seconds, _KINDS[entry.type], link, entry.device)
    if not records:
        return block
    records.sort()
    if not _is_utf8(entry.name + entry.link):
        # POSIX: values are UTF-8 unless the header says that they are bytes
        records.insert(0, (b"hdrcharset", b"BINARY"))
    body = b"".join(_record(key, value) for key, value in records)
    return _block(b"PaxHeaders/" + name[:88].rstrip(b"/"), 0o644, 0, 0, len(body), 0, b"x", b"", (0, 0)) + body + padding(len(body)) + block


def padding(size):
    """The zeros that fill content up to a whole block."""
    return bytes(-size % tar.BLOCK)


def _block(name, mode, uid, gid, size, mtime, kind, link, device):
    block = bytearray(_HEADER.pack(
        name, b"%07o\0" % mode, b"%07o\0" % uid, b"%07o\0" % gid, b"%011o\0" % size, b"%011o\0" % mtime, b"        ", kind, link,
        b"ustar\00000", b"", b"", b"%07o\0" % device[0], b"%07o\0" % device[1], b""))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _fit(records, key, value):
    if len(value) <= 100 and value.isascii():
        return value
    records.append((key, value))
    return value[:100]


def _is_utf8(text):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _limit(records, key, value, limit):
    if value < limit:
        return value
    records.append((key, b"%d" % value))
    return 0


def _decimal(nanoseconds):
    sign = "-" if nanoseconds < 0 else ""
    whole, rest = divmod(abs(nanoseconds), _NANO)
    text = "%s%d" % (sign, whole)
    return (text + (".%09d" % rest).rstrip("0") if rest else text).encode()


def _record(key, value):
    """``LENGTH key=value\\n``, where LENGTH counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest
