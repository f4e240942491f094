# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and mounts as people write them (Docker's syntax) and as the engine keeps them."""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Optional

from ..errors import InvalidValue
from .resources import parse_memory

_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\Z")
PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_IGNORED = ("consistent", "cached", "delegated", "default")
_TMPFS_FLAGS = ("ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "sync", "async", "noatime", "atime", "nodiratime",
                "diratime", "relatime", "norelatime", "strictatime", "nostrictatime")
_TMPFS_VALUES = ("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge")


def check_name(name, option="volume_name"):
    """A volume's name, by Docker's rule.

    :raises InvalidValue: naming ``option``.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise InvalidValue(option, name, "is not a volume name", "use letters, digits, _, . and -, beginning with a letter or digit")
    return name


@dataclasses.dataclass(frozen=True)
class Volume:
    """A named volume. ``options`` are the driver's; ``mountpoint`` is where its content lies on the host."""

    name: str
    driver: str = "local"
    options: dict = dataclasses.field(default_factory=dict)
    labels: dict = dataclasses.field(default_factory=dict)
    created: str = ""
    mountpoint: str = ""

    @classmethod
    def from_json(cls, data, mountpoint=""):
        return cls(data["name"], data.get("driver", "local"), dict(data.get("options") or {}), dict(data.get("labels") or {}),
                   data.get("created", ""), mountpoint)

    def to_json(self):
        """What volume.json holds."""
        return {"name": self.name, "driver": self.driver, "options": self.options, "labels": self.labels, "created": self.created}

    def inspect(self):
        """The shape of ``docker volume inspect``."""
        return {"CreatedAt": self.created, "Driver": self.driver, "Labels": self.labels or None, "Mountpoint": self.mountpoint,
                "Name": self.name, "Options": self.options or None, "Scope": "local"}


@dataclasses.dataclass(frozen=True)
class Mount:
    """Something that a container sees at ``target``.

    :param type: ``bind`` (source: an absolute host path), ``volume`` (source: a volume's name, "" for an anonymous one) or ``tmpfs``.
    :param propagation: of a bind mount, one of PROPAGATIONS.
    :param options: of a tmpfs, the mount options as one string (``size=64m,mode=1777``).
    :param no_copy: do not fill a new volume with what the image has at ``target``.
    :param create_source: make a missing bind source (what the short ``volumes`` form does, and ``mounts`` does not).
    """

    type: str
    source: str
    target: str
    read_only: bool = False
    propagation: str = "rprivate"
    options: str = ""
    no_copy: bool = False
    create_source: bool = False
    recursive: bool = True
    subpath: Optional[str] = None
    selinux: str = ""
    driver: str = "local"
    driver_options: dict = dataclasses.field(default_factory=dict)
    labels: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, data):
        return cls(**data)

    def to_json(self):
        """A dict without what is at its default; type, source and target are always there."""
        data = {"type": self.type, "source": self.source, "target": self.target}
        for field in dataclasses.fields(self)[3:]:
            value = getattr(self, field.name)
            if value != _MOUNT_DEFAULTS[field.name]:
                data[field.name] = value
        return data


_MOUNT_DEFAULTS = {
    field.name: {} if field.default_factory is dict else field.default for field in dataclasses.fields(Mount)[3:]
}


def parse_volume(text, option="volumes"):
    """One entry of ``volumes``: ``name:/path``, ``/host:/path:ro,z``, ``/path`` (an anonymous volume), ``./dir:/path``, ``~/dir:/path``.

    :returns: Mount.
    :raises InvalidValue: naming ``option``.
    """
    parts = str(text).split(":")
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise InvalidValue(option, text, "is not a mount", "write it as name:/path, /host/path:/path or /host/path:/path:ro")
    source, target = ("", parts[0]) if len(parts) == 1 else parts[:2]
    target = _target(target, text, option)
    flags = _flags(parts[2] if len(parts) == 3 else "", text, option)
    if source[:1] in ("/", ".", "~"):
        source = os.path.normpath(os.path.abspath(os.path.expanduser(source)))
        if flags["no_copy"]:
            raise InvalidValue(option, text, "has nocopy, which is for volumes only")
        return Mount("bind", source, target, create_source=True, **flags)
    if source:
        check_name(source, option)
    if flags.pop("propagation", "rprivate") != "rprivate":
        raise InvalidValue(option, text, "has a propagation, which is for host paths only")
    return Mount("volume", source, target, **flags)


def _flags(text, whole, option):
    flags = {"read_only": False, "propagation": "rprivate", "no_copy": False, "selinux": ""}
    seen = set()
    for flag in text.split(",") if text else ():
        kind = "mode" if flag in ("ro", "rw") else "propagation" if flag in PROPAGATIONS else "selinux" if flag in ("z", "Z") else flag
        if kind in seen and kind in ("mode", "propagation", "selinux"):
            raise InvalidValue(option, whole, "says %s twice" % kind)
        seen.add(kind)
        if kind == "mode":
            flags["read_only"] = flag == "ro"
        elif kind == "propagation":
            flags["propagation"] = flag
        elif kind == "selinux":
            flags["selinux"] = flag
        elif flag == "nocopy":
            flags["no_copy"] = True
        elif flag not in _IGNORED:
            raise InvalidValue(option, whole, "has the unknown mode %s" % flag,
                               "use ro, rw, z, Z, nocopy or one of %s" % ", ".join(PROPAGATIONS))
    return flags


def _target(path, whole, option):
    if not path.startswith("/") or "\0" in path:
        raise InvalidValue(option, whole, "has a path in the container that is not absolute: %s" % path)
    path = os.path.normpath("/" + path.lstrip("/"))
    if path == "/":
        raise InvalidValue(option, whole, "would hide the container's root")
    if path == "/proc" or path.startswith("/proc/"):
        raise InvalidValue(option, whole, "would hide the container's /proc, which its isolation relies on")
    return path


def parse_mount(data, option="mounts"):
    """One entry of ``mounts``, as community.docker.docker_container has it.

    :param data: dict with ``target``, ``type`` (bind, volume, tmpfs), ``source``, ``read_only``, ``propagation``, ``no_copy``, ``labels``,
        ``volume_driver``, ``volume_options``, ``tmpfs_size``, ``tmpfs_mode``, ``create_mountpoint``, ``non_recursive``, ``subpath``.
    :returns: Mount.
    """
    given = {key: value for key, value in data.items() if value is not None}
    kind = given.get("type", "volume")
    if kind not in ("bind", "volume", "tmpfs"):
        raise InvalidValue(option, kind, "is not a type of mount that is supported", "use bind, volume or tmpfs")
    target = _target(str(given.get("target") or ""), given.get("target"), option)
    source = str(given.get("source") or "")
    _only(given, option, kind, "bind", ("propagation", "create_mountpoint", "non_recursive"))
    _only(given, option, kind, "volume", ("no_copy", "labels", "volume_driver", "volume_options", "subpath"))
    _only(given, option, kind, "tmpfs", ("tmpfs_size", "tmpfs_mode"))
    if kind == "bind":
        if source[:1] not in ("/", ".", "~"):
            raise InvalidValue(option, source, "is not a host path, as type bind wants it", "give an absolute path as source")
        propagation = given.get("propagation", "rprivate")
        if propagation not in PROPAGATIONS:
            raise InvalidValue(option, propagation, "is not a propagation", "use one of %s" % ", ".join(PROPAGATIONS))
        source = os.path.normpath(os.path.abspath(os.path.expanduser(source)))
        return Mount("bind", source, target, bool(given.get("read_only")), propagation,
                     create_source=bool(given.get("create_mountpoint")), recursive=not given.get("non_recursive"))
    if kind == "tmpfs":
        if source:
            raise InvalidValue(option, source, "is a source, and type tmpfs has none")
        return Mount("tmpfs", "", target, bool(given.get("read_only")), options=_tmpfs_options(given, option))
    if source:
        check_name(source, option)
    return Mount("volume", source, target, bool(given.get("read_only")), no_copy=bool(given.get("no_copy")),
                 subpath=_subpath(given, option), driver=given.get("volume_driver") or "local",
                 driver_options=dict(given.get("volume_options") or {}), labels=dict(given.get("labels") or {}))


def _only(given, option, kind, owner, keys):
    for key in keys:
        if kind != owner and given.get(key) not in (None, False, {}, ""):
            raise InvalidValue("%s.%s" % (option, key), given[key], "is for type %s only, this mount is of type %s" % (owner, kind))


def _subpath(given, option):
    subpath = given.get("subpath")
    if subpath and (subpath.startswith("/") or ".." in subpath.split("/")):
        raise InvalidValue("%s.subpath" % option, subpath, "leads out of the volume", "give a path relative to the volume's root")
    return subpath or None


def _tmpfs_options(given, option):
    parts = []
    size = parse_memory(given.get("tmpfs_size"), option + ".tmpfs_size")
    if size is not None and size > 0:
        parts.append("size=%d" % size)
    mode = given.get("tmpfs_mode")
    if mode is not None:
        text = str(mode)
        if not re.match(r"^[0-7]{1,5}\Z", text):
            raise InvalidValue(option + ".tmpfs_mode", mode, "is not an octal mode", 'write it as "1777"')
        parts.append("mode=%s" % text)
    return ",".join(parts)


def parse_tmpfs(text, option="tmpfs"):
    """One entry of ``tmpfs``: ``/run`` or ``/run:rw,size=64m,mode=1777``.

    :returns: Mount of type tmpfs; ``options`` holds sizes in bytes.
    """
    target, unused, rest = str(text).partition(":")
    target = _target(target, text, option)
    options, read_only = [], False
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if equals and key in _TMPFS_VALUES and value:
            options.append("size=%d" % parse_memory(value, option) if key == "size" and not value.endswith("%") else part)
        elif not equals and key in _TMPFS_FLAGS:
            read_only = part == "ro" if part in ("ro", "rw") else read_only
            if part not in ("ro", "rw"):
                options.append(part)
        else:
            raise InvalidValue(option, text, "has the unknown option %s" % (part or "''"), "write it as /run:rw,size=64m,mode=1777")
    return Mount("tmpfs", "", target, read_only, options=",".join(options))


def parse_mounts(volumes=(), mounts=(), tmpfs=()):
    """All three options of a container together, sorted by target.

    :raises InvalidValue: two of them have the same target.
    """
    found = {}
    entries = [("mounts", parse_mount(item)) for item in mounts or ()]
    entries += [("volumes", parse_volume(item)) for item in volumes or ()]
    entries += [("tmpfs", parse_tmpfs(item)) for item in tmpfs or ()]
    for option, mount in entries:
        if mount.target in found:
            raise InvalidValue(option, mount.target, "is mounted twice in the container",
                               "a target can be given only once in volumes, mounts and tmpfs")
        found[mount.target] = mount
    return tuple(found[target] for target in sorted(found))
