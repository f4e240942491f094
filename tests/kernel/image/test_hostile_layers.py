# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile layers, each test named after its attack: refused, or harmless; nothing outside the layer is ever touched."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import apply, tar, write


def entry(name, content=b"", kind=tar.REGULAR, **values):
    return write.make_entry(name, kind, size=len(content), **values), content


def link(name, target):
    return entry(name, kind=tar.SYMLINK, link=target)


def hardlink(name, target):
    return entry(name, kind=tar.HARDLINK, link=target)


def directory(name):
    return entry(name, kind=tar.DIRECTORY, mode=0o755)


def archive(*entries):
    return b"".join(write.header(head) + content + write.padding(len(content)) for head, content in entries) + write.END


@pytest.fixture
def box(tmp_path):
    """An outside that must not change, and a layer directory inside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    layer = tmp_path / "layer"
    layer.mkdir()

    class Box:
        path = layer

        def unpack(self, *entries):
            return apply.apply([archive(*entries)], str(layer))

        def refuse(self, *entries, match="leads out of|lies below|does not hold|cannot be made"):
            with pytest.raises(Corrupt, match=match):
                self.unpack(*entries)

    made = Box()
    made.outside = outside
    yield made
    assert sorted(os.listdir(outside)) == ["secret"]
    assert (outside / "secret").read_text() == "secret"
    assert stat.S_IMODE((outside / "secret").stat().st_mode) == 0o644
    assert (outside / "secret").stat().st_nlink == 1
    assert sorted(os.listdir(tmp_path)) == ["layer", "outside"]


def test_dot_dot_in_a_name(box):
    box.refuse(entry("../outside/x", b"x"))
    box.refuse(entry("a/../../outside/x", b"x"))
    box.refuse(directory("../outside/d"))


def test_absolute_name_lands_in_the_layer(box):
    box.unpack(entry("%s/x" % box.outside, b"x"))
    assert (box.path / str(box.outside)[1:] / "x").read_bytes() == b"x"


def test_absolute_link_as_parent(box):
    box.refuse(link("door", str(box.outside)), entry("door/x", b"x"))


def test_relative_link_as_parent(box):
    box.refuse(link("door", "../outside"), entry("door/x", b"x"))
    box.refuse(directory("a"), link("a/up", "../.."), entry("a/up/outside/x", b"x"))


def test_chain_of_links_as_parent(box):
    box.refuse(link("a", "b"), link("b", ".."), entry("a/outside/x", b"x"))
    box.refuse(link("c", "d"), link("d", str(box.outside)), entry("c/x", b"x"))


def test_link_to_itself_as_parent(box):
    box.refuse(link("a", "a"), entry("a/x", b"x"), match="too many|leads out")
    box.refuse(link("b", "c"), link("c", "b"), entry("b/x", b"x"), match="too many|leads out")


def test_directory_swapped_for_a_link(box):
    box.refuse(directory("d"), entry("d/first", b"1"), link("d", str(box.outside)), entry("d/x", b"x"))


def test_directory_entry_over_a_link_does_not_follow_it(box):
    box.unpack(link("d", str(box.outside)), directory("d"), entry("d/x", b"x"))
    assert (box.path / "d" / "x").read_bytes() == b"x" and not (box.path / "d").is_symlink()


def test_link_to_nothing(box):
    box.refuse(link("l", ""), match="a symbolic link to nothing")


def test_file_over_a_link_replaces_it(box):
    box.unpack(link("f", str(box.outside / "secret")), entry("f", b"other"))
    assert (box.path / "f").read_bytes() == b"other" and not (box.path / "f").is_symlink()


def test_hard_link_to_the_outside(box):
    box.refuse(hardlink("h", "../outside/secret"))
    box.refuse(hardlink("h", str(box.outside / "secret")))
    box.refuse(link("door", str(box.outside)), hardlink("h", "door/secret"))


def test_hard_link_to_a_link_then_written_through(box):
    # the name is a link to the outside; writing to it must replace the name
    box.unpack(link("s", str(box.outside / "secret")), hardlink("h", "s"), entry("h", b"other"))
    assert (box.path / "h").read_bytes() == b"other"


def test_attributes_through_a_link(box):
    target = str(box.outside / "secret")
    box.unpack(link("s", target), entry("s", kind=tar.SYMLINK, link=target, mode=0o777, uid=7, gid=7))
    assert os.stat(box.outside / "secret").st_uid == 0 and os.lstat(box.path / "s").st_uid == 7


def test_whiteout_to_the_outside(box):
    box.refuse(entry("../outside/.wh.secret"))
    box.refuse(link("door", str(box.outside)), entry("door/.wh.secret"))
    box.refuse(entry(".wh..."), match="from inside")
    box.refuse(entry("a/.wh."), match="from inside")
    box.refuse(link("gate", str(box.outside)), entry("gate/.wh..wh..opq"))


def test_opaque_mark_of_an_attacker_is_dropped(box):
    box.unpack(entry("d", kind=tar.DIRECTORY, mode=0o755, xattrs={"trusted.overlay.redirect": b"/etc", "user.kept": b"1"}))
    assert os.listxattr(box.path / "d") == ["user.kept"]


def test_device_that_overlayfs_takes_for_a_deletion(box):
    box.refuse(entry("etc", kind=tar.CHARACTER), match="device 0/0")


def test_parent_that_is_a_file(box):
    box.refuse(entry("f", b"1"), entry("f/x", b"x"))
    box.refuse(entry("pipe", kind=tar.FIFO), entry("pipe/x", b"x"))


def test_nesting_without_end(box):
    box.refuse(entry("d/" * 3000 + "x", b"x"), match="nested too deeply")


def test_name_that_is_too_long(box):
    box.refuse(entry("n" * 300, b"x"))


def test_owner_that_cannot_be(box):
    box.refuse(entry("x", b"x", uid=2**32 - 1), match="owner")
    box.refuse(entry("x", b"x", uid=2**40), match="owner")


def test_hard_link_to_a_directory(box):
    box.refuse(directory("d"), hardlink("h", "d"))


def test_name_of_the_root_as_a_file(box):
    # no member can replace the layer's own root
    box.unpack(entry("./", b""), entry("x", b"x"))
    box.unpack(link("/", str(box.outside)))
    assert box.path.is_dir() and not box.path.is_symlink()


def test_many_directories_need_few_descriptors(box):
    entries = [entry("%d/%d/f" % (number % 7, number), b"x") for number in range(3000)]
    before = len(os.listdir("/proc/self/fd"))
    box.unpack(*entries)
    assert len(os.listdir("/proc/self/fd")) == before


TRAPS = ["a", "b", "a/b", "a/secret", "b/secret", "a/b/secret", "../outside/x", "a/../../outside/x", "/outside/x", ".", "a/..", ".wh.a",
         "a/.wh.secret", "b/.wh..wh..opq", ".wh..wh..opq", "a/.wh...", ".wh.", "secret"]
TARGETS = ["..", "../outside", "../outside/secret", "OUTSIDE", "OUTSIDE/secret", "a", "b", "a/b", "a/secret", "/", ".", "/proc/self/cwd",
           "b/../..", ".wh.a", ""]
ATTEMPTS = st.lists(st.one_of(
    st.tuples(st.just(tar.REGULAR), st.sampled_from(TRAPS), st.just("")),
    st.tuples(st.just(tar.DIRECTORY), st.sampled_from(TRAPS), st.just("")),
    st.tuples(st.sampled_from([tar.SYMLINK, tar.HARDLINK]), st.sampled_from(TRAPS), st.sampled_from(TARGETS)),
    st.tuples(st.sampled_from([tar.FIFO, tar.BLOCKDEV]), st.sampled_from(TRAPS), st.just(""))), min_size=1, max_size=8)


@settings(max_examples=400, deadline=None)
@given(ATTEMPTS)
def test_any_sequence_of_traps(attempts):
    """Each example is a random archive of members that try to get out, in any order; what is refused ends the archive."""
    top = tempfile.mkdtemp(prefix="layer-")
    try:
        outside, layer = os.path.join(top, "outside"), os.path.join(top, "layer")
        for path in (outside, layer):
            os.mkdir(path, 0o755)
        secret = os.path.join(outside, "secret")
        with open(secret, "w", encoding="ascii") as stream:
            stream.write("secret")

        def look():
            facts = [os.lstat(path) for path in (outside, secret)]
            return [(each.st_mode, each.st_uid, each.st_nlink, each.st_mtime_ns, each.st_ctime_ns, each.st_size) for each in facts]

        before = look()
        members = [entry(name, b"x" if kind == tar.REGULAR else b"", kind, mode=0o7777, uid=9, gid=9, device=(7, 7), link=target.replace(
            "OUTSIDE", outside), xattrs={"trusted.mark": b"1"}) for kind, name, target in attempts]
        for number in range(1, len(members) + 1):
            shutil.rmtree(layer)
            os.mkdir(layer, 0o755)
            try:
                apply.apply([archive(*members[:number])], layer)
            except Corrupt:
                break
        assert look() == before and sorted(os.listdir(top)) == ["layer", "outside"] and os.listdir(outside) == ["secret"]
    finally:
        shutil.rmtree(top)
