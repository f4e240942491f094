# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tar reader and writer, against each other and against the standard library's."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import tar, write


def read(data, step=None):
    """[(entry, content)] of an archive, fed in pieces of ``step`` bytes."""
    pieces = [data] if step is None else [data[at:at + step] for at in range(0, len(data), step)]
    reader = tar.TarReader(pieces)
    return [(entry, b"".join(bytes(piece) for piece in reader.body())) for entry in reader]


def archive(entries):
    return b"".join(write.header(entry) + content + write.padding(len(content)) for entry, content in entries) + write.END


def python_archive(kind, members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as out:
        for info, content in members:
            out.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name, content=b"", **values):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in values.items():
        setattr(info, key, value)
    return info, content


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_the_standard_library_writes(kind):
    long = "d" * 60 + "/" + "f" * 80
    members = [
        member("a", b"hello", mode=0o4755, uid=12, gid=34, mtime=1700000000),
        member(long, b"x" * 600),
        member("dir", type=tarfile.DIRTYPE, mode=0o1777),
        member("link", type=tarfile.SYMTYPE, linkname="t" * 90),
        member("hard", type=tarfile.LNKTYPE, linkname=long),
        member("char", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("pipe", type=tarfile.FIFOTYPE),
    ]
    if kind == tarfile.USTAR_FORMAT:
        members[4] = member("hard", type=tarfile.LNKTYPE, linkname="a")
    found = read(python_archive(kind, members), 100)
    assert [entry.type for entry, unused in found] == ["file", "file", "directory", "symlink", "hardlink", "char", "fifo"]
    first, content = found[0]
    assert (first.name, first.mode, first.uid, first.gid, first.mtime, content) == ("a", 0o4755, 12, 34, 1700000000 * 10**9, b"hello")
    assert found[1][0].name == long and found[1][1] == b"x" * 600
    assert found[3][0].link == "t" * 90
    assert found[5][0].device == (1, 3)


def test_gnu_and_pax_extremes():
    name, link = "n/" * 200 + "end", "l" * 300
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = python_archive(kind, [member(name, type=tarfile.SYMTYPE, linkname=link), member("big", b"", uid=1 << 30, gid=(1 << 31) + 5)])
        found = read(data, 1000)
        assert (found[0][0].name, found[0][0].link) == (name, link)
        assert (found[1][0].uid, found[1][0].gid) == (1 << 30, (1 << 31) + 5)


def test_pax_time_xattrs_and_globals():
    info, content = member("a", b"1", pax_headers={"mtime": "1.5", "SCHILY.xattr.user.x": "v=\u00e9"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"gid": "77", "comment": "c"}) as out:
        out.addfile(info, io.BytesIO(content))
    entry = read(buffer.getvalue())[0][0]
    assert entry.mtime == 1500000000 and entry.xattrs == {"user.x": "v=\u00e9".encode()} and entry.gid == 77


NAMES = st.text(st.characters(blacklist_characters="\0/", blacklist_categories=("Cs",)), min_size=1, max_size=120)
ENTRIES = st.lists(st.tuples(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join).filter(lambda name: not name.endswith("/")),
    st.binary(max_size=1500), st.integers(0, 0o7777), st.integers(0, 2**32 - 2), st.integers(0, 2**32 - 2),
    st.integers(-(2**40) * 10**6, 2**60),
    st.dictionaries(st.text("abc._", min_size=1, max_size=10), st.binary(max_size=50), max_size=2)), max_size=6)


@given(ENTRIES, st.integers(1, 2000))
def test_writer_and_reader_agree(values, step):
    entries = [(write.make_entry(name, tar.REGULAR, mode, uid, gid, len(content), mtime, xattrs=xattrs), content)
               for name, content, mode, uid, gid, mtime, xattrs in values]
    found = read(archive(entries), step)
    assert [(e.name, c, e.mode, e.uid, e.gid, e.mtime, e.xattrs or {}) for e, c in found] == list(values)


@given(ENTRIES)
def test_the_standard_library_reads_what_we_write(values):
    entries = [(write.make_entry(name, tar.REGULAR, mode, uid, gid, len(content), abs(mtime)), content)
               for name, content, mode, uid, gid, mtime, unused in values]
    with tarfile.open(fileobj=io.BytesIO(archive(entries))) as data:
        found = [(info.name, data.extractfile(info).read(), info.mode, info.uid, info.gid) for info in data]
    assert found == [(e.name, c, e.mode, e.uid, e.gid) for e, c in entries]


@given(st.binary(max_size=3000))
def test_garbage_is_refused_or_empty(data):
    try:
        found = read(data, 700)
    except (Corrupt, Unsupported):
        return
    assert all(entry.name is not None for entry, unused in found)


@given(st.data())
def test_a_damaged_archive_never_reads_beyond_itself(data):
    whole = archive([(write.make_entry("a" * 150, size=700, mtime=5), b"x" * 700), (write.make_entry("b", size=3), b"yyy")])
    position = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:position] + bytes([data.draw(st.integers(0, 255))]) + whole[position + 1:]
    try:
        read(broken, 512)
    except (Corrupt, Unsupported):
        pass


def test_cut_off():
    whole = archive([(write.make_entry("a", size=700), b"x" * 700)])
    for length in (100, 512, 800, 1100):
        with pytest.raises(Corrupt, match="ends in the middle"):
            read(whole[:length])


def test_missing_end_blocks_are_forgiven():
    whole = archive([(write.make_entry("a", size=3), b"abc")])
    assert len(read(whole[:-1024])) == 1


def test_a_header_of_gigabytes_is_refused():
    block = write.header(write.make_entry("x", size=1 << 32))
    block = bytearray(block)
    block[156:157] = b"x"
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(Corrupt, match="extended header of"):
        read(bytes(block))


def test_the_same_entries_give_the_same_bytes():
    entries = [(write.make_entry("a\u00e9", size=1, mtime=10**9 + 1, xattrs={"b": b"2", "a": b"1"}), b"x")]
    assert archive(entries) == archive(entries)
    assert b"21 mtime=1.000000001\n" in archive(entries)
