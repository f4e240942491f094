# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a process in a container is: the ``user`` of an image or task looked up in the container's own /etc/passwd and /etc/group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ..errors import InvalidValue
from ..spec.runtime import User


@dataclass(frozen=True)
class Identity:
    """``home`` is None where no passwd entry tells."""

    user: User
    home: Optional[str]


def resolve(text, read_file, groups=(), option="user"):
    """Numbers for ``user[:group]``, as Docker takes it: names or numbers.

    :param read_file: function of a path in the container that returns bytes or None.
    :param groups: additional groups, names or numbers.
    :raises InvalidValue: a name that the container's files do not have.
    """
    name, unused_sep, group = (text or "0").partition(":")
    passwd = _entries(read_file("/etc/passwd"), 6)
    group_file = _entries(read_file("/etc/group"), 3)
    entry = next((each for each in passwd if each[0] == name), None)
    if entry is None and _is_number(name):
        entry = next((each for each in passwd if each[2] == name), None)
    if entry is None and not _is_number(name):
        raise InvalidValue(option, text, "names a user that /etc/passwd of the image does not have",
                           "use a user of the image, or numbers such as 1000:1000")
    uid = int(entry[2]) if entry else int(name)
    if group:
        gid = _gid(group, group_file, option, text)
        additional = ()
    else:
        gid = int(entry[3]) if entry and _is_number(entry[3]) else 0
        additional = _memberships(entry[0] if entry else None, group_file)
    extra = tuple(_gid(str(each), group_file, "groups", each) for each in groups)
    every = tuple(dict.fromkeys(tuple(each for each in additional if each != gid) + extra))
    return Identity(User(uid=uid, gid=gid, additional_gids=every), entry[5] if entry and entry[5] else None)


def _entries(data, least):
    lines = (data or b"").decode("utf-8", "replace").splitlines()
    fields = (line.split(":") for line in lines if line and not line.startswith("#"))
    return [entry for entry in fields if len(entry) >= least and _is_number(entry[2])]


def _is_number(text):
    """Whether it is one that setuid(2) takes: (uid_t) -1 means "leave it"."""
    return text.isascii() and text.isdigit() and int(text) < (1 << 32) - 1


def _gid(name, group_file, option, value):
    if _is_number(name):
        return int(name)
    for entry in group_file:
        if entry[0] == name:
            return int(entry[2])
    raise InvalidValue(option, value, "names the group %r that /etc/group of the image does not have" % name,
                       "use a group of the image, or a number")


def _memberships(name, group_file) -> Tuple[int, ...]:
    if name is None:
        return ()
    return tuple(int(entry[2]) for entry in group_file if len(entry) > 3 and name in entry[3].split(","))
