# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of files with every oddity, as they lie on disk: made, read, laid over each other, compared. Knows nothing of the engine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import struct
import subprocess

# of the host's policy, or overlayfs' own
_NOT_CONTENT = ("security.selinux", "security.apparmor", "trusted.overlay.", "user.overlay.")
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
LONG = "a-very-long-name-" + "x" * 180
STAMP = 1234567890 * 10 ** 9 + 123456789


def make_base(root):
    """A tree with hard links, links, devices, attributes, large numbers and long names, below the directory ``root``."""
    for path, mode in (("etc", 0o755), ("bin", 0o755), ("dir/deep/er", 0o750), ("tmp", 0o1777), ("opaque/in", 0o755),
                       ("gone/with/all", 0o755), ("empty", 0o2755), (LONG + "/" + LONG, 0o700), ("umlaut-\u00e4\u00f6", 0o755),
                       ("dev", 0o755), ("swap", 0o755)):
        os.makedirs(os.path.join(root, path), exist_ok=True)
        os.chmod(os.path.join(root, path), mode)
    files = {"etc/passwd": b"root:x:0:0::/:/bin/sh\n", "bin/tool": b"#!/bin/sh\nexit 0\n" * 500, "dir/deep/er/file": os.urandom(70000),
             "bin/capable": b"1", "gone/file": b"1", "gone/with/all/file": b"2", "opaque/old": b"3", "opaque/in/old": b"4",
             "swap/file": b"5", "becomes-a-directory": b"6", LONG + "/" + LONG + "/" + LONG: b"long",
             "umlaut-\u00e4\u00f6/\u20ac": b"euro", "big-uid": b"7", "empty-file": b"", "with space\tand tab": b"8", "[": b"bracket",
             "user-xattr": b"9", "exact-block": b"b" * 512, "changed": b"before"}
    for path, data in files.items():
        with open(os.path.join(root, path), "wb") as stream:
            stream.write(data)
    with open(os.path.join(root, "sparse"), "wb") as stream:
        stream.truncate(3 << 20)
        stream.seek(1 << 20)
        stream.write(b"in the middle")
    os.link(os.path.join(root, "bin/tool"), os.path.join(root, "bin/same"))
    os.link(os.path.join(root, "bin/tool"), os.path.join(root, "same-elsewhere"))
    for target, path in (("tool", "bin/link"), ("/nowhere/" + "y" * 150, "dangling"), ("../../etc", "dir/deep/up")):
        os.symlink(target, os.path.join(root, path))
    os.mknod(os.path.join(root, "dev/null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.chmod(os.path.join(root, "dev/null"), 0o666)
    os.mknod(os.path.join(root, "dev/loop"), stat.S_IFBLK | 0o660, os.makedev(7, 300))
    os.mkfifo(os.path.join(root, "dev/fifo"), 0o640)
    _attributes(root)
    _times(root)


def _attributes(root):
    os.chown(os.path.join(root, "big-uid"), 3000000, 4000000000)
    os.chown(os.path.join(root, "dangling"), 12, 34, follow_symlinks=False)
    os.chown(os.path.join(root, "dir/deep"), 1000, 100)
    os.chmod(os.path.join(root, "bin/tool"), 0o4755)
    os.chmod(os.path.join(root, "etc/passwd"), 0o2640)
    # not of a file with several names: docker loses it when it makes the second one of an archive by GNU tar
    os.setxattr(os.path.join(root, "bin/capable"), "security.capability", CAPABILITY)
    os.setxattr(os.path.join(root, "user-xattr"), "user.comment", b"binary \0\n\xff value")
    os.setxattr(os.path.join(root, "user-xattr"), "user.other", b"=")
    os.setxattr(os.path.join(root, "empty"), "user.of.directory", b"1")


def _times(root):
    """Times to the nanosecond, one before 1970, one after 2038; directories last."""
    paths = sorted(os.path.join(top, name) for top, directories, names in os.walk(root) for name in directories + names)
    for index, path in enumerate(sorted(paths, key=lambda each: -each.count("/"))):
        when = STAMP + index * 1000000007
        if path.endswith("/changed"):
            when = 5 * 10 ** 18 + 1
        os.utime(path, ns=(when, when), follow_symlinks=False)


def change(root):
    """Change a tree made by :func:`make_base`; :func:`make_change` gives the layer that says the same."""
    import shutil

    shutil.rmtree(os.path.join(root, "gone"))
    shutil.rmtree(os.path.join(root, "opaque"))
    os.unlink(os.path.join(root, "becomes-a-directory"))
    shutil.rmtree(os.path.join(root, "swap"))
    os.unlink(os.path.join(root, "changed"))
    _second(root)


def make_change(root):
    """The files of the second layer, with whiteouts as archives have them."""
    _second(root)
    for path in (".wh.gone", "opaque/.wh..wh..opq"):
        open(os.path.join(root, path), "wb").close()
    os.utime(os.path.join(root, "opaque"), ns=(STAMP, STAMP))


def _second(root):
    for path in ("opaque", "becomes-a-directory", "added"):
        os.makedirs(os.path.join(root, path))
    files = {"opaque/new": b"new", "becomes-a-directory/file": b"now", "swap": b"a file", "changed": b"after", "added/file": b"1"}
    for path, data in files.items():
        with open(os.path.join(root, path), "wb") as stream:
            stream.write(data)
    os.link(os.path.join(root, "added/file"), os.path.join(root, "added/same"))
    os.chmod(os.path.join(root, "added"), 0o751)
    for path in ("opaque/new", "opaque", "becomes-a-directory/file", "becomes-a-directory", "swap", "changed", "added/file", "added"):
        os.utime(os.path.join(root, path), ns=(STAMP, STAMP))


def archive(directory, path):
    """GNU tar's archive of a directory, in the POSIX format with extended attributes."""
    subprocess.run(["tar", "--create", "--file", path, "--directory", directory, "--format=posix", "--xattrs", "--xattrs-include=*",
                    "--numeric-owner", "--sort=name", "--pax-option=delete=atime,delete=ctime", *sorted(os.listdir(directory))], check=True)


def read(root, directory_times=True):
    """{path: attributes} of all below ``root``: type, mode, owner, content, link target, device, attributes, time, and hard links."""
    found, links = {}, {}
    for top, directories, names in os.walk(root):
        for name in directories + names:
            path = os.path.join(top, name)
            status = os.lstat(path)
            inner = os.path.relpath(path, root)
            links.setdefault((status.st_dev, status.st_ino), []).append(inner)
            found[inner] = _entry(path, status, directory_times)
    for paths in links.values():
        for inner in paths:
            if len(paths) > 1 and found[inner]["type"] != stat.S_IFDIR:
                found[inner]["links"] = tuple(sorted(paths))
    return found


def _entry(path, status, directory_times):
    kind = stat.S_IFMT(status.st_mode)
    entry = {"type": kind, "owner": (status.st_uid, status.st_gid)}
    if kind != stat.S_IFLNK:
        entry["mode"] = oct(stat.S_IMODE(status.st_mode))
    if kind != stat.S_IFDIR or directory_times:
        entry["mtime"] = status.st_mtime_ns
    if kind == stat.S_IFREG:
        with open(path, "rb") as stream:
            entry["content"] = hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else (
                hashlib.sha256(stream.read()).hexdigest())
    elif kind == stat.S_IFLNK:
        entry["target"] = os.readlink(path)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        entry["device"] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    names = [name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith(_NOT_CONTENT)]
    if names:
        entry["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    return entry


def differences(ours, theirs, leave=()):
    """Lines that say in what two trees differ; ``leave``: paths that are not looked at."""
    lines = []
    for path in sorted(set(ours) | set(theirs)):
        if path in leave or ours.get(path) == theirs.get(path):
            continue
        one, other = ours.get(path), theirs.get(path)
        if one and other:
            one = {key: value for key, value in one.items() if other.get(key) != value}
            other = {key: value for key, value in other.items() if ours[path].get(key) != value}
        lines.append("%s: expected %s, found %s" % (path, one, other))
    return lines


@contextlib.contextmanager
def union(layers, directory):
    """Directories (lowest first) laid over each other by the kernel, read-only."""
    if len(layers) == 1:
        yield os.path.realpath(layers[0])
        return
    links = directory + ".links"
    os.makedirs(directory)
    os.makedirs(links)
    for index, layer in enumerate(reversed(layers)):
        os.symlink(os.path.realpath(layer), os.path.join(links, str(index)))
    lower = ":".join(str(index) for index in range(len(layers)))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "ro,lowerdir=" + lower, directory], cwd=links, check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)
