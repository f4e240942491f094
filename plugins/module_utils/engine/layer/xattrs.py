# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extended attributes: which of them belong to a layer, and how PAX headers spell them.

SCHILY.xattr.NAME has the value as it is; its name cannot have a ``=``, so such a one is written as libarchive writes all of them:
LIBARCHIVE.xattr.NAME with the name percent-encoded and the value in base64.
"""

from __future__ import annotations

import errno
import os

from ..errors import Corrupt
from . import acl, whiteout

_SCHILY, _LIBARCHIVE = "SCHILY.xattr.", "LIBARCHIVE.xattr."
# labels of a host's own policy, not of the image
_OF_HOST = frozenset(("security.selinux", "security.ima", "security.evm", "security.apparmor", "security.SMACK64"))
_HARMLESS = (errno.ENOTSUP, errno.EPERM, errno.EINVAL)
_ACLS = (acl.ACCESS, acl.DEFAULT)


def belongs(name):
    """Whether an attribute is part of a layer."""
    return not whiteout.is_private(name) and name not in _OF_HOST


def from_pax(pax, member):
    """The attributes (dict str -> bytes, or None) that PAX records give a member."""
    found, second = {}, {}
    for key, value in pax.items():
        if key.startswith(_SCHILY):
            found[key[len(_SCHILY):]] = value
        elif key.startswith(_LIBARCHIVE):
            second[_unquote(key[len(_LIBARCHIVE):])] = _unbase64(value, member)
        elif key in acl.PAX and value:
            second[acl.PAX[key]] = acl.parse(value, member)
    return {**second, **found} or None


def to_pax(attributes):
    """PAX records (list of (bytes, bytes)) of attributes."""
    records = []
    for name in sorted(attributes):
        if "=" in name:
            import binascii

            records.append((_LIBARCHIVE.encode() + _quote(name), binascii.b2a_base64(attributes[name], newline=False).rstrip(b"=")))
        else:
            records.append((_SCHILY.encode() + os.fsencode(name), attributes[name]))
    return records


def _quote(name):
    import urllib.parse

    return urllib.parse.quote_from_bytes(os.fsencode(name), safe="").encode()


def _unquote(name):
    import urllib.parse

    return os.fsdecode(urllib.parse.unquote_to_bytes(os.fsencode(name)))


def _unbase64(value, member):
    import binascii

    try:
        return binascii.a2b_base64(value + b"=" * (-len(value) % 4))
    except ValueError:
        raise Corrupt("tar: %s has a malformed extended attribute" % member) from None


def read(target, **where):
    """All attributes (dict, or None) of a file by path or descriptor, those of overlayfs and of the host included."""
    try:
        names = os.listxattr(target, **where)
    except OSError:
        return None
    found = {}
    for name in names:
        try:
            found[name] = os.getxattr(target, name, **where)
        except OSError:
            continue
    return found or None


def write(target, attributes, **where):
    """Set attributes. A file system without a namespace (or a symbolic link, which takes no user.*) keeps the rest.

    :raises Corrupt: a value that no file can have.
    """
    for name, value in attributes.items():
        if not belongs(name):
            continue
        try:
            os.setxattr(target, name, value, **where)
        except OSError as error:
            if error.errno in (errno.E2BIG, errno.ERANGE) or (error.errno == errno.EINVAL and name in _ACLS):
                raise Corrupt("archive has an extended attribute %s that no file can have: %s" % (name, error.strerror.lower())) from error
            if error.errno not in _HARMLESS:
                raise
