# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers between this engine and the tools of the host: GNU tar and Python's tarfile read what we write, and we read what they write."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import tarfile

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import apply, diff, stream

NANO = 10**9
NONE = 0xFFFFFFFF
LONG = b"d" * 200 + b"/" + b"e" * 200 + b"/" + b"f" * 255
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in (
    (1, 7, NONE), (2, 4, 4000000), (4, 5, NONE), (16, 5, NONE), (32, 0, NONE)))
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)


@pytest.fixture
def odd(tmp_path):
    """A tree with one of each oddity."""
    top = os.fsencode(tmp_path / "odd")
    os.makedirs(os.path.join(top, os.path.dirname(LONG)))
    for number, name in enumerate((b"new\nline", b"\xff\xfe not UTF-8", b"-rf", LONG, b"set", b"cap", b"list", b"attr")):
        path = os.path.join(top, name)
        with open(path, "wb") as output:
            output.write(b"%d" % number)
        os.utime(path, ns=(0, 1700000000 * NANO + number * 1001))
    os.chown(os.path.join(top, b"set"), 3000000, 2**31 + 5)
    os.chmod(os.path.join(top, b"set"), 0o6755)
    os.setxattr(os.path.join(top, b"cap"), "security.capability", CAPABILITY)
    os.setxattr(os.path.join(top, b"list"), "system.posix_acl_access", ACL)
    os.setxattr(os.path.join(top, b"attr"), "user.odd", b"\0\xff\n=")
    os.symlink(b"t" * 300, os.path.join(top, b"link"))
    os.link(os.path.join(top, b"set"), os.path.join(top, b"same"))
    os.mknod(os.path.join(top, b"null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(os.path.join(top, b"disk"), stat.S_IFBLK | 0o660, os.makedev(259, 70000))
    os.mkfifo(os.path.join(top, b"pipe"))
    with open(os.path.join(top, b"sparse"), "wb") as output:
        output.seek(3 << 20)
        output.write(b"end")
    for name in (b"link", b"null", b"disk", b"pipe", b"sparse"):
        os.utime(os.path.join(top, name), ns=(0, 5 * NANO), follow_symlinks=False)
    for directory, unused, unused_too in os.walk(top, topdown=False):
        os.utime(directory, ns=(0, 9 * NANO + 1))
    return top


def same(one, two):
    """Whether two trees are the same by the layer that they make, which names every attribute."""
    return b"".join(diff.changeset(two)) == b"".join(diff.changeset(one))


def test_gnu_tar_reads_ours(odd, tmp_path):
    two = tmp_path / "two"
    two.mkdir()
    done = subprocess.run(["tar", "-C", str(two), "-xpf", "-", "--numeric-owner", "--xattrs", "--xattrs-include=*"],
                          input=b"".join(diff.changeset(odd)), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert same(odd, os.fsencode(two))


@pytest.mark.parametrize("compression", ["--gzip", "--zstd", "--xz", "--bzip2", "--no-auto-compress"])
def test_we_read_gnu_tar(odd, tmp_path, compression):
    two = tmp_path / "two"
    two.mkdir()
    done = subprocess.run(["tar", "-C", odd, "-c", "-f", "-", compression, "--format=posix", "--numeric-owner", "--sparse", "--acls",
                           "--xattrs", "--xattrs-include=*", "--sort=name", "."], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    apply.apply(stream.decompress([done.stdout]), str(two))
    assert same(odd, os.fsencode(two))


def test_python_reads_ours(odd):
    with tarfile.open(fileobj=io.BytesIO(b"".join(diff.changeset(odd))), encoding="utf-8", errors="surrogateescape") as archive:
        members = {os.fsencode(member.name): member for member in archive}
        assert members[b"set"].linkname == "same" or members[b"set"].uid == 3000000
        assert LONG in members and b"\xff\xfe not UTF-8" in members and b"new\nline" in members
        assert (members[b"disk"].devmajor, members[b"disk"].devminor) == (259, 70000)
        assert archive.extractfile(members[b"sparse"]).read() == bytes(3 << 20) + b"end"


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_we_read_python(tmp_path, kind):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind, errors="surrogateescape") as archive:
        for name, uid, mtime in (("a" * 250 + "/" + "a" * 49, 2**31, 12.5), ("b\udcff", 2**21, 2**33)):
            info = tarfile.TarInfo(name)
            info.uid, info.mtime, info.size = uid, mtime, 1
            archive.addfile(info, io.BytesIO(b"x"))
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "t" * 400
        archive.addfile(info)
    target = tmp_path / "two"
    target.mkdir()
    apply.apply([buffer.getvalue()], str(target))
    status = os.stat(os.path.join(os.fsencode(target), b"b\xff"))
    assert status.st_uid == 2**21 and status.st_mtime == 2**33
    assert os.readlink(target / "link") == "t" * 400
    assert os.stat(target / ("a" * 250) / ("a" * 49)).st_uid == 2**31
