# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``--chown``: names by the image's own /etc/passwd and /etc/group; numbers as they are."""

from __future__ import annotations

import errno
import os
import stat

from ..errors import EngineError, InvalidValue
from ..rootfs.path import fd_path, open_in_root
from ..runtime.identity import resolve

_MOST = 10 << 20
_LIMIT = (1 << 32) - 1


def resolve_owner(text, root, option="--chown"):
    """(uid, gid) of ``user[:group]``.

    A number without a group is the group's number, too; a name without a group has the one of /etc/passwd. ``root`` needs no file.

    :param root: path of the image's root directory.
    :raises InvalidValue: a name that the image does not have, or no number of a user.
    """
    user, colon, group = text.partition(":")
    if not user or (colon and not group):
        raise InvalidValue(option, text, "lacks a name", "write it as USER, USER:GROUP or numbers")
    numbers = [_number(user, option, text), _number(group or user, option, text)]
    if None not in numbers:
        return numbers[0], numbers[1]
    wanted = ("0" if user == "root" and numbers[0] is not None else user) + (":" + group if group else "")
    found = resolve(wanted, lambda path: _read(root, path), option=option).user
    return found.uid if numbers[0] is None else numbers[0], found.gid


def _number(text, option, value):
    if text == "root":
        return 0
    if not (text.isascii() and text.isdigit()):
        return None
    if int(text) >= _LIMIT:
        raise InvalidValue(option, value, "has a number that no user or group can have")
    return int(text)


def _read(root, path):
    """The content of a file of the image, or None where it has none."""
    try:
        fd = open_in_root(root, path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise EngineError("%s of the image is not a regular file" % path)
        with open(fd_path(fd), "rb") as stream:
            data = stream.read(_MOST + 1)
    finally:
        os.close(fd)
    if len(data) > _MOST:
        raise EngineError("%s of the image is larger than 10 MiB" % path)
    return data
