# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``RUN --mount=type=cache,target=/x,...``."""

from __future__ import annotations

import re
from typing import Optional

from ..spec.document import Document, document

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING = ("shared", "private", "locked")
_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}
_SWITCHES = ("readonly", "readwrite", "required")
_ALLOWED = {
    "bind": ("target", "source", "from", "readonly", "readwrite"),
    "cache": ("target", "source", "from", "readonly", "readwrite", "id", "sharing", "mode", "uid", "gid"),
    "tmpfs": ("target", "size", "readonly", "readwrite"),
    "secret": ("target", "source", "id", "required", "mode", "uid", "gid", "env", "readonly", "readwrite"),
    "ssh": ("target", "source", "id", "required", "mode", "uid", "gid", "readonly", "readwrite"),
}
_KEYS = ("type", "target", "source", "from", "readonly", "readwrite", "required", "id", "sharing", "mode", "uid", "gid", "env", "size")
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)(i?b)?", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


@document
class Mount(Document):
    """A mount of one RUN.

    :param from_name: a stage, an image or a named context; empty for the build context.
    :param size: bytes; :param mode: permissions as a number.
    :param env: the variable that is to hold a secret.
    """

    KEYS = {"from_name": "from"}

    type: str = "bind"
    target: str = ""
    source: str = ""
    from_name: str = ""
    read_only: bool = True
    required: bool = False
    id: str = ""
    sharing: str = ""
    mode: Optional[int] = None
    uid: Optional[int] = None
    gid: Optional[int] = None
    env: str = ""
    size: Optional[int] = None


def parse_mount(text, expand=None):
    """The Mount of a flag's value.

    :param expand: expands the variables of a value; without it, values with a ``$`` are left unread, to be read again by the build.
    :raises ValueError: (reason, the part).
    """
    found = {}
    for field in _fields(text):
        key, equals, value = field.partition("=")
        key = _ALIASES.get(key.strip().lower(), key.strip().lower())
        if key not in _KEYS:
            raise ValueError("unknown key %r of a mount" % key, field)
        if not equals:
            if key not in _SWITCHES:
                raise ValueError("%r of a mount needs a value" % key, field)
            value = "true"
        if "$" in value:
            if key == "from":
                raise ValueError("from cannot hold a variable: define a stage with FROM and name that", field)
            if expand is None:
                found[key] = None
                continue
            value = expand(value)
        found[key] = _value(key, value, field)
    return _mount(found, text)


def _fields(text):
    """Fields between commas; a field in double quotes may hold commas, and a doubled quote for one."""
    fields = []
    rest = text
    while True:
        if rest.startswith('"'):
            match = re.match(r'"((?:[^"]|"")*)"(?=,|\Z)', rest)
            if match is None:
                raise ValueError("a quoted field of a mount is not closed", text)
            fields.append(match.group(1).replace('""', '"'))
            rest = rest[match.end():]
        else:
            field = rest.partition(",")[0]
            if '"' in field:
                raise ValueError("a quote may stand only around a whole field of a mount", field)
            fields.append(field)
            rest = rest[len(field):]
        if not rest:
            return fields
        rest = rest[1:]


def _value(key, value, field):
    if key in _SWITCHES:
        if value not in _TRUE + _FALSE:
            raise ValueError("%r of a mount is true or false, not %r" % (key, value), field)
        return value in _TRUE
    if key == "type" and value.lower() not in TYPES:
        raise ValueError("unknown type %r of a mount: use %s" % (value, ", ".join(TYPES)), field)
    if key == "sharing" and value.lower() not in SHARING:
        raise ValueError("unknown sharing %r of a mount: use %s" % (value, ", ".join(SHARING)), field)
    if key in ("type", "sharing"):
        return value.lower()
    if key in ("uid", "gid", "mode"):
        try:
            number = int(value, 8 if key == "mode" else 10) if value.isascii() and value.isdigit() else -1
        except ValueError:
            number = -1
        if not 0 <= number < 2 ** 32:
            raise ValueError("%s of a mount is not a number: %r" % (key, value), field)
        return number
    if key == "size":
        match = _SIZE.fullmatch(value)
        if match is None:
            raise ValueError("size of a mount is not a number of bytes: %r" % value, field)
        return int(float(match.group(1)[:30]) * 1024 ** _POWERS[match.group(2).lower()])
    return value


def _mount(found, text):
    kind = found.get("type") or "bind"
    for key in found:
        if key != "type" and key not in _ALLOWED[kind] and found.get("type", "") is not None:
            raise ValueError("%r does not go with a mount of type %s" % (key, kind), key)
    target = found.get("target", "")
    if kind in ("bind", "cache", "tmpfs") and target == "":
        raise ValueError("a mount of type %s needs a target" % kind, text)
    source = found.get("source", "")
    if kind == "secret" and not (source or found.get("id") or target) and None not in (source, found.get("id", ""), target):
        raise ValueError("a secret needs an id", text)
    read_only = kind == "bind"
    if "readonly" in found:
        read_only = bool(found["readonly"])
    if "readwrite" in found:
        read_only = not found["readwrite"]
    return Mount(
        kind, target or "", source or "", found.get("from") or "", read_only, bool(found.get("required")), found.get("id") or "",
        (found.get("sharing") or "shared") if kind == "cache" else "", found.get("mode"), found.get("uid"), found.get("gid"),
        found.get("env") or "", found.get("size"))
