# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an image, whoever built it: its file tree put together from the layers, and its configuration. Reads nothing of the engine."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile

CONFIG = ("Env", "Cmd", "Entrypoint", "Labels", "User", "WorkingDir", "ExposedPorts", "Volumes", "Shell", "StopSignal", "Healthcheck",
          "OnBuild")
_TYPES = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK,
          tarfile.FIFOTYPE: stat.S_IFIFO}
_KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFCHR: "character device",
          stat.S_IFBLK: "block device", stat.S_IFIFO: "fifo"}


def read_archive(path):
    """(config, tree) of the only image in an archive of ``docker save``, or of buildah's docker-archive."""
    with tarfile.open(path) as archive:
        entry = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(entry["Config"]))
        return config, tree_of(archive.extractfile(_followed(archive, name)).read() for name in entry["Layers"])


def _followed(archive, name):
    member = archive.getmember(name)
    if not member.issym():
        return name
    return "/".join(part for part in name.split("/")[:-2] + member.linkname.replace("../", "").split("/") if part)


def tree_of(layers):
    """dict path -> dict of attributes; ``layers``: bytes of tar archives (compressed or not), lowest first."""
    tree = {}
    for data in layers:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            _apply(tree, archive)
    return tree


def _apply(tree, archive):
    fresh = set()
    for member in archive:
        path = "/" + member.name.strip("/").removeprefix("./").strip("./" if member.name.strip("/") in (".", "./") else "/")
        directory, unused, name = path.rpartition("/")
        if name == ".wh..wh..opq":
            _forget(tree, directory, fresh, False)
        elif name.startswith(".wh."):
            _forget(tree, "%s/%s" % (directory, name[4:]), fresh, True)
        else:
            if path in tree and tree[path]["kind"] == "directory" and not member.isdir():
                _forget(tree, path, fresh, True)
            fresh.add(path)
            if member.islnk():
                tree[path] = tree["/" + member.linkname.removeprefix("./").strip("/")]
            else:
                tree[path] = _attributes(archive, member)


def _forget(tree, path, fresh, itself):
    for each in [each for each in tree if each not in fresh and (each.startswith(path + "/") or (itself and each == path))]:
        del tree[each]


def _attributes(archive, member):
    found = {"kind": _KINDS[_TYPES.get(member.type, stat.S_IFREG)], "mode": "%04o" % (member.mode & 0o7777),
             "owner": "%d:%d" % (member.uid, member.gid)}
    if member.issym():
        found.update(target=member.linkname, mode="0777")
    elif member.isreg():
        data = archive.extractfile(member).read()
        found["content"] = data.decode() if len(data) < 400 and _is_text(data) else "sha256:" + hashlib.sha256(data).hexdigest()
    elif member.ischr() or member.isblk():
        found["device"] = "%d:%d" % (member.devmajor, member.devminor)
    names = {key[len("SCHILY.xattr."):]: value for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    if names:
        found["xattrs"] = names
    return found


def _is_text(data):
    try:
        return data.decode().isprintable() or b"\n" in data
    except UnicodeDecodeError:
        return False


def settings(config):
    """What is compared of a configuration: absent, null and empty are the same."""
    found = {key: config["config"].get(key) or None for key in CONFIG}
    if found["Env"]:
        found["Env"] = sorted(found["Env"])
    if found["Healthcheck"]:
        found["Healthcheck"] = {key: value for key, value in found["Healthcheck"].items() if value}
    labels = {key: value for key, value in (found["Labels"] or {}).items() if not key.startswith("io.buildah.")}
    found["Labels"] = labels or None
    return {key: value for key, value in found.items() if value is not None}


def differences(ours, theirs, allowed=(), everywhere=()):
    """list of lines, empty if two dicts are equal; the names ``allowed``, and those ``everywhere`` with all below, are not looked at."""
    lines = []
    for name in sorted(set(ours) | set(theirs)):
        if name in allowed or any(name == each or name.startswith(each + "/") for each in everywhere):
            continue
        one, other = ours.get(name), theirs.get(name)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict) and "kind" in one:
            one = {key: value for key, value in one.items() if value != other.get(key)}
            other = {key: value for key, value in other.items() if value != ours[name].get(key)}
        lines.append("%s: ours %s, theirs %s" % (name, one, other))
    return lines
