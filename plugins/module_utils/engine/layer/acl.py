# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access control lists in the text of star, GNU tar and libarchive (SCHILY.acl.*) as the kernel's attributes (linux/posix_acl_xattr.h)."""

from __future__ import annotations

import struct

from ..errors import Corrupt, Unsupported

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
PAX = {"SCHILY.acl.access": ACCESS, "SCHILY.acl.default": DEFAULT}
_VERSION = 2
_NOBODY = 0xFFFFFFFF
_USER, _GROUP = 0x02, 0x08
# qualifier-less and qualified forms: tags in the order that the kernel demands
_TAGS = {"user": (0x01, _USER), "group": (0x04, _GROUP), "mask": (0x10, None), "other": (0x20, None)}
_SHORT = {"u": "user", "g": "group", "m": "mask", "o": "other"}
_BITS = {"r": 4, "w": 2, "x": 1}
_MOST = 4096


def parse(text, name):
    """The attribute's value (bytes) of a text like ``user::rw-,user:1000:r--,group::r--,mask::r--,other::---``.

    star adds the number of a named entry as a fourth field; a name alone means nothing outside the image.

    :param name: of the archive's member, for messages.
    :raises Corrupt: malformed. :raises Unsupported: a user or group by name only.
    """
    entries = []
    for item in text.decode("utf-8", "surrogateescape").replace("\n", ",").split(","):
        item = item.partition("#")[0].strip()
        if item:
            entries.append(_entry(item, name))
    if len(entries) > _MOST:
        raise Corrupt("tar: %s has an access control list of %d entries" % (name, len(entries)))
    return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))


def _entry(item, name):
    fields = [field.strip() for field in item.split(":")]
    kind = _TAGS.get(_SHORT.get(fields[0], fields[0]))
    if kind is None or not 2 <= len(fields) <= 4:
        raise Corrupt("tar: %s has the malformed access control entry %r" % (name, item))
    if len(fields) == 2:
        fields.insert(1, "")
    qualifier, permissions = fields[1], fields[2]
    if len(permissions) > 3 or any(letter not in "rwx-" for letter in permissions):
        raise Corrupt("tar: %s has the malformed access control entry %r" % (name, item))
    bits = sum(_BITS.get(letter, 0) for letter in set(permissions))
    if not qualifier:
        return kind[0], bits, _NOBODY
    if kind[1] is None:
        raise Corrupt("tar: %s has the malformed access control entry %r" % (name, item))
    return kind[1], bits, _number(fields, item, name)


def _number(fields, item, name):
    for text in (fields[3] if len(fields) == 4 else "", fields[1]):
        if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < _NOBODY:
            return int(text)
    if fields[1] == "root":
        return 0
    raise Unsupported("tar: %s has the access control entry %r, whose number is not told" % (name, item),
                      "make the archive with --numeric-owner")
