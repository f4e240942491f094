# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile archives as the layer store gets them, compressed and with a digest: each test is named after its attack.

Whatever the attack, no layer appears, nothing of it stays behind, and nothing outside of the layer's directory changes.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import stat
import subprocess

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import acl, bounds, tar, write
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer.store import LayerStore, chain_ids
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import calls
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

ZEROS = bytes(1 << 20)


def member(name, content=b"", kind=tar.REGULAR, **values):
    return write.header(write.make_entry(name, kind, size=len(content), **values)) + content + write.padding(len(content))


def raw(name, kind=b"0", size=b"00000000000\0", mtime=b"00000000000\0", content=b""):
    """A member whose header says what it likes."""
    block = bytearray(write._block(name, 0o644, 0, 0, 0, 0, kind, b"", (0, 0)))
    block[124:136], block[136:148], block[148:156] = size, mtime, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + write.padding(len(content))


def pax(records, kind=b"x"):
    body = b"".join(write._record(key, value) for key, value in records)
    return write._block(b"x", 0o644, 0, 0, len(body), 0, kind, b"", (0, 0)) + body + write.padding(len(body))


def archive(*members):
    return b"".join(members) + write.END


class Box:
    """A layer store beside an outside that must not change."""

    def __init__(self, path):
        self.path = path
        self.outside = path / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("secret")
        self.before = self._look()
        self.roots = Roots(str(path / "state"))
        self.store = LayerStore(self.roots)

    def _look(self):
        status, directory = os.stat(self.outside / "secret"), os.stat(self.outside)
        return ((self.outside / "secret").read_text(), sorted(os.listdir(self.outside)), directory.st_mtime_ns, directory.st_mode,
                status.st_mode, status.st_uid, status.st_nlink, status.st_mtime_ns, os.listxattr(self.outside / "secret"))

    def unpack(self, plain, blob=None, diff_id=None):
        """Publish a layer; returns its directory."""
        diff_id = diff_id or "sha256:" + hashlib.sha256(plain).hexdigest()
        chain_id = chain_ids([diff_id])[0]
        blob = plain if blob is None else blob
        with self.store.staging(chain_id, diff_id, []) as staging:
            staging.fill(blob[at:at + 50000] for at in range(0, len(blob), 50000))
            staging.publish()
        return self.store.path(chain_id)

    def refuse(self, *arguments, error=Corrupt, match=None):
        with pytest.raises(error, match=match):
            self.unpack(*arguments)
        assert self.store.list() == [] and os.listdir(self.roots.layers) == []

    def check(self):
        assert self._look() == self.before
        assert sorted(os.listdir(self.path)) == ["outside", "state"]


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    yield made
    made.check()


# --- what the stream is

def test_truncated_gzip(box):
    plain = archive(member("a", os.urandom(200000)))
    box.refuse(plain, gzip.compress(plain)[:-9], match="too early|ends in the middle")
    box.refuse(plain, gzip.compress(plain)[:5000])


def test_truncated_archive(box):
    plain = archive(member("a", os.urandom(200000)))
    box.refuse(plain[:100000], match="middle of an entry")


def test_garbage_after_gzip(box):
    plain = archive(member("a", b"1"))
    box.refuse(plain, gzip.compress(plain) + b"more of it", match="damaged gzip")


def test_flipped_bit(box):
    plain = archive(member("a", os.urandom(200000)))
    blob = bytearray(gzip.compress(plain))
    blob[100000] ^= 1
    box.refuse(plain, bytes(blob))


def test_digest_mismatch(box):
    plain = archive(member("a", b"1"))
    box.refuse(plain, None, "sha256:" + "1" * 64, match="has the digest")


def test_digest_mismatch_behind_the_end_of_the_archive(box):
    """The unpacker has all it wants when this comes."""
    plain = archive(member("a", b"1"))
    box.refuse(plain, gzip.compress(plain + b"hidden" * 5000), match="has the digest")


def test_no_archive_at_all(box):
    box.refuse(b"GIF89a" + os.urandom(2000), match="not a tar archive")


# --- what it grows to

@pytest.mark.parametrize("compressor", [gzip.compress, bz2.compress, lzma.compress,
                                        lambda data: subprocess.run(["zstd", "-qc"], input=data, check=True, capture_output=True).stdout])
def test_compression_bomb(box, monkeypatch, compressor):
    monkeypatch.setattr(bounds, "BOMB_SIZE", 2 << 20)
    plain = archive(member("zeros", bytes(10 << 20)))
    box.refuse(plain, compressor(plain), match="compression bomb")


def test_what_compresses_well_is_no_bomb(box):
    plain = archive(member("zeros", bytes(20 << 20)))
    path = box.unpack(plain, gzip.compress(plain))
    assert os.stat(path + "/zeros").st_blocks * 512 < 1 << 20


@contextlib.contextmanager
def small_disk(path, options):
    path.mkdir()
    calls.mount("tmpfs", str(path), "tmpfs", 0, options)
    try:
        yield Box(path)
    finally:
        calls.umount2(str(path))


def test_filling_the_disk(tmp_path):
    with small_disk(tmp_path / "disk", "size=16m") as box:
        plain = archive(member("noise", os.urandom(1 << 20) * 24))
        box.refuse(plain, gzip.compress(plain, 1), error=EngineError, match="only .* bytes are left")
        room = os.statvfs(box.path)
        assert room.f_bfree > room.f_blocks * 9 // 10
        box.check()


def test_taking_all_inodes(tmp_path):
    with small_disk(tmp_path / "disk", "size=64m,nr_inodes=5000") as box:
        plain = archive(*(member("%d" % number) for number in range(9000)))
        box.refuse(plain, gzip.compress(plain), error=EngineError, match="only .* files more fit")
        assert os.statvfs(box.path).f_ffree > 4900
        box.check()


def test_sparse_file_of_exabytes(box):
    content = b"x" * 512
    lie = pax([(b"GNU.sparse.map", b"9223372036854775000,512"), (b"GNU.sparse.size", b"9223372036854775512")])
    box.refuse(archive(lie, raw(b"f", size=b"%011o\0" % 512, content=content)), match="cannot be made")


def test_sparse_map_outside_of_its_file(box):
    lie = pax([(b"GNU.sparse.map", b"100000,512"), (b"GNU.sparse.size", b"10")])
    box.refuse(archive(lie, raw(b"f", size=b"%011o\0" % 512, content=bytes(512))), match="lie outside")


def test_header_of_gigabytes(box):
    box.refuse(raw(b"x", b"x", size=b"\x80" + (1 << 33).to_bytes(11, "big")) + ZEROS, match="extended header of")
    box.refuse(raw(b"x", b"L", size=b"\x80" + (1 << 33).to_bytes(11, "big")) + ZEROS, match="extended header of")


def test_headers_without_end(box):
    box.refuse(archive(*(pax([(b"user.%d" % number, bytes(1 << 20))]) for number in range(9)), member("f")), match="extended header of")


def test_global_headers_without_end(box):
    flood = [part for number in range(20) for part in (pax([(b"k%d" % number, bytes(100000))], b"g"), member("f%d" % number))]
    box.refuse(archive(*flood), match="global headers")


def test_negative_size(box):
    box.refuse(archive(raw(b"f", size=b"\xff" * 12)), match="negative size")
    box.refuse(archive(pax([(b"size", b"-5")]), member("f")), match="negative size")


def test_size_beyond_all_bounds(box):
    box.refuse(archive(raw(b"f", size=b"\x80" + b"\x7f" * 11)), match="middle of an entry")


def test_numbers_of_a_million_digits(box):
    """int() of so long a text takes minutes on Python before 3.11."""
    for key in (b"mtime", b"size", b"uid"):
        box.refuse(archive(pax([(key, b"9" * 1000000)]), member("f")), match="malformed PAX record")


def test_time_that_cannot_be(box):
    box.refuse(archive(pax([(b"mtime", b"9" * 30)]), member("f")), match="impossible time")
    box.refuse(archive(raw(b"f", mtime=b"\x80" + b"\x7f" * 11)), match="impossible time")


def test_header_record_that_lies_about_its_length(box):
    for text in (b"99999999 path=x\n", b"5 a=b\n", b"0 path=x\n", b"-9 path=x\n", b"+9 path=x\n", b"9path=x\n", b"12 path=xyz"):
        head = write._block(b"x", 0o644, 0, 0, len(text), 0, b"x", b"", (0, 0)) + text + write.padding(len(text))
        box.refuse(archive(head, member("f")), match="malformed PAX header")


def test_name_with_a_nul_byte(box):
    path = box.unpack(archive(pax([(b"path", b"good\0/../../outside/x")]), member("f")))
    assert os.listdir(path) == ["good"]


def test_dot_dot_in_a_pax_name(box):
    box.refuse(archive(pax([(b"path", b"../../outside/x")]), member("f", b"x")), match="leads out of")
    box.refuse(archive(pax([(b"GNU.sparse.name", b"../../outside/x"), (b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.size", b"1")]),
                       member("f", b"x")), match="leads out of")


def test_dot_dot_in_a_gnu_long_name(box):
    name = b"../../../outside/" + b"x" * 200
    box.refuse(archive(raw(b"././@LongLink", b"L", size=b"%011o\0" % len(name), content=name), member("f", b"x")), match="leads out of")


# --- links, devices, attributes

def link(name, target, **values):
    return member(name, kind=tar.SYMLINK, link=str(target), **values)


def test_file_over_a_device_does_not_write_to_it(box):
    """A write to the member's name must not reach the disk or terminal that an earlier member opened the way to."""
    path = box.unpack(archive(member("dev", kind=tar.BLOCKDEV, device=(7, 0), mode=0o666), member("dev", b"content")))
    assert stat.S_ISREG(os.lstat(path + "/dev").st_mode)
    with open(path + "/dev", "rb") as content:
        assert content.read() == b"content"


def test_file_over_a_pipe_does_not_wait_for_a_reader(box):
    path = box.unpack(archive(member("pipe", kind=tar.FIFO), member("pipe", b"content")))
    assert stat.S_ISREG(os.lstat(path + "/pipe").st_mode)


def test_parent_that_is_a_device(box):
    box.refuse(archive(member("null", kind=tar.CHARACTER, device=(1, 3)), member("null/x", b"x")), match="lies below|cannot be made")


def test_device_behind_a_link(box):
    box.refuse(archive(link("door", box.outside), member("door/disk", kind=tar.BLOCKDEV, device=(8, 0))), match="leads out of")


def test_hard_link_through_a_directory_swapped_for_a_link(box):
    box.refuse(archive(member("d", kind=tar.DIRECTORY, mode=0o755), member("d/secret", b"1"), link("d", box.outside),
                       member("h", kind=tar.HARDLINK, link="d/secret")), match="leads out of|does not hold")


def test_hard_link_to_the_host_by_a_long_way(box):
    box.refuse(archive(member("h", kind=tar.HARDLINK, link="a/../../../outside/secret")), match="leads out of")
    box.refuse(archive(member("h", kind=tar.HARDLINK, link="/proc/self/root" + str(box.outside / "secret"))), match="does not hold")


def test_hard_link_to_a_deletion(box):
    """Linking the device 0/0 would make deletions that the archive does not name."""
    box.refuse(archive(member(".wh.a"), member("etc", kind=tar.HARDLINK, link="a")), match="does not hold")


def test_attributes_of_a_link_do_not_reach_its_target(box):
    target = box.outside / "secret"
    lies = {"trusted.mark": b"1", "security.capability": b"x" * 20}
    path = box.unpack(archive(link("s", target, mode=0o777, uid=5, mtime=9, xattrs=lies)))
    assert os.lstat(path + "/s").st_uid == 5


def test_directory_attributes_through_a_link(box):
    """The member replaces the link and takes the attributes; times of directories are set last, when a link may stand there again."""
    path = box.unpack(archive(link("d", box.outside), member("d", kind=tar.DIRECTORY, mode=0o700, uid=7, mtime=5), link("d", box.outside)))
    assert os.readlink(path + "/d") == str(box.outside)


def test_default_list_through_a_link(box):
    entries = acl.parse(b"user::rwx,group::r-x,other::r-x", "d")
    path = box.unpack(archive(member("d", kind=tar.DIRECTORY, mode=0o755, xattrs={acl.DEFAULT: entries}), link("d", box.outside)))
    assert os.path.islink(path + "/d") and os.listxattr(box.outside) == []


def test_lists_without_end(box, monkeypatch):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import apply

    monkeypatch.setattr(apply, "_MAX_LATER", 1000)
    value = acl.parse(b"user::rwx,group::r-x,other::r-x", "d")
    box.refuse(archive(*(member("d%d" % number, kind=tar.DIRECTORY, mode=0o755, xattrs={acl.DEFAULT: value}) for number in range(60))),
               match="access control lists")


def test_malformed_access_control_list(box):
    box.refuse(archive(member("f", mode=0o600, xattrs={acl.ACCESS: b"\x02\0\0\0garbage!"})), match="attribute .* no file can have")


def test_attribute_that_is_too_large(box):
    box.refuse(archive(member("f", xattrs={"user.large": bytes(70000)})), match="attribute .* no file can have")


def test_books_of_overlayfs(box):
    """They would make overlayfs show other directories, or other files' content, in place of the layer's own."""
    lies = {"trusted.overlay.redirect": b"/etc", "trusted.overlay.metacopy": b"", "trusted.overlay.origin": b"x",
            "trusted.overlay.opaque": b"y", "user.overlay.redirect": b"/etc", "trusted.kept": b"1"}
    path = box.unpack(archive(member("d", kind=tar.DIRECTORY, mode=0o755, xattrs=lies), member("f", b"1", xattrs=lies),
                              member("./", kind=tar.DIRECTORY, mode=0o755, xattrs=lies)))
    assert [os.listxattr(each) for each in (path, path + "/d", path + "/f")] == [["trusted.kept"]] * 3


def test_labels_of_the_hosts_policy(box):
    path = box.unpack(archive(member("f", b"1", xattrs={"security.selinux": b"system_u:object_r:shadow_t:s0", "security.ima": b"\x01x"})))
    assert os.listxattr(path + "/f") == []


def test_group_of_a_parent_is_not_inherited(box):
    """A set-group-ID directory would give its group to what the archive only implies."""
    path = box.unpack(archive(member("d", kind=tar.DIRECTORY, mode=0o2755, gid=42), member("d/e/f", b"1"),
                              member("d/g", kind=tar.DIRECTORY)))
    assert [os.stat(path + "/d/" + name).st_gid for name in ("e", "e/f", "g")] == [0, 0, 0]
    assert stat.S_IMODE(os.stat(path + "/d/e").st_mode) == 0o755
