# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sparse members as GNU tar writes them, in every format; and maps that lie."""

from __future__ import annotations

import os
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import sparse, tar, write

FORMATS = {"old": ["--format=gnu"], **{version: ["--format=pax", "--sparse-version=" + version] for version in ("0.0", "0.1", "1.0")}}
MANY = [(number * 40960, b"%04d" % number * 1024) for number in range(60)]
FILES = {
    "middle": ([(1 << 20, b"x" * 5000)], 3 << 20),
    "ends": ([(0, b"a" * 4096), ((4 << 20) - 4096, b"z" * 4096)], 4 << 20),
    "hole": ([], 1 << 20),
    "many": (MANY, 3 << 20),
    "n" * 150: ([(8192, b"long name")], 65536),
}


def make(path, parts, size):
    with open(path, "wb") as stream:
        for offset, data in parts:
            stream.seek(offset)
            stream.write(data)
        stream.truncate(size)


def expected(parts, size):
    data = bytearray(size)
    for offset, part in parts:
        data[offset:offset + len(part)] = part
    return bytes(data)


def read(data, step=1 << 16):
    reader = tar.TarReader([data[at:at + step] for at in range(0, len(data), step)])
    return [(entry, b"".join(bytes(piece) for piece in reader.body())) for entry in reader]


@pytest.mark.parametrize("version", sorted(FORMATS))
@pytest.mark.parametrize("step", [100, 1 << 20])
def test_what_gnu_tar_writes(tmp_path, version, step):
    for name, (parts, size) in FILES.items():
        make(tmp_path / name, parts, size)
    (tmp_path / "plain").write_bytes(b"after it")
    archive = subprocess.run(["tar", "--sparse", *FORMATS[version], "-C", str(tmp_path), "-cf", "-", *sorted(FILES), "plain"],
                             check=True, capture_output=True).stdout
    assert len(archive) < 1 << 20
    found = read(archive, step)
    assert [entry.name for entry, unused in found] == [*sorted(FILES), "plain"]
    for entry, content in found[:-1]:
        assert entry.sparse is not None and entry.size == len(content)
        assert content == expected(*FILES[entry.name]), entry.name
    assert found[-1][1] == b"after it" and found[-1][0].sparse is None


def pax(records, content, kind=b"0", name="f"):
    """A member with the given PAX records."""
    body = b"".join(write._record(key, value) for key, value in records)
    head = write._block(b"x", 0o644, 0, 0, len(body), 0, b"x", b"", (0, 0)) + body + write.padding(len(body))
    block = write._block(name.encode(), 0o644, 0, 0, len(content), 0, kind, b"", (0, 0))
    return head + block + content + write.padding(len(content)) + write.END


def old(parts, size, content):
    """A member of type S with up to four parts."""
    block = bytearray(write._block(b"f", 0o644, 0, 0, len(content), 0, b"S", b"", (0, 0)))
    for number, (offset, length) in enumerate(parts):
        block[386 + 24 * number:410 + 24 * number] = b"%011o\0%011o\0" % (offset, length)
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + write.padding(len(content)) + write.END


@pytest.mark.parametrize("parts,size,held", [
    ([(0, 4), (2, 4)], 10, 8),
    ([(8, 4)], 10, 4),
    ([(4, 4), (0, 4)], 10, 8),
    ([(0, 4)], 10, 8),
    ([(0, 8)], 10, 4),
])
def test_maps_that_lie_are_refused(parts, size, held):
    text = b",".join(b"%d,%d" % part for part in parts)
    with pytest.raises(Corrupt):
        read(pax([(b"GNU.sparse.map", text), (b"GNU.sparse.size", b"%d" % size)], b"x" * held))
    with pytest.raises(Corrupt):
        read(old(parts, size, b"x" * held))
    lines = (b"%d\n" % len(parts) + b"".join(b"%d\n%d\n" % part for part in parts)).ljust(512, b"\0")
    with pytest.raises(Corrupt):
        read(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"%d" % size)], lines + b"x" * held))


@pytest.mark.parametrize("records,content", [
    ([(b"GNU.sparse.map", b"0,1")], b"x"),
    ([(b"GNU.sparse.map", b"0,1,2"), (b"GNU.sparse.size", b"9")], b"x"),
    ([(b"GNU.sparse.map", b"-1,1"), (b"GNU.sparse.size", b"9")], b"x"),
    ([(b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.size", b"9" * 5000)], b"x"),
    ([(b"GNU.sparse.offset", b"0"), (b"GNU.sparse.size", b"9")], b""),
    ([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"9")], b""),
    ([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"9")], b"\0" * 512),
    ([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"9")], b"999999999\n".ljust(512, b"0")),
    ([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"9")], b"2\n0\n1\n".ljust(512, b"1")),
])
def test_malformed_maps_are_refused(records, content):
    with pytest.raises(Corrupt):
        read(pax(records, content))


def test_a_map_over_several_blocks():
    parts = [(number * 1000, 10) for number in range(100)]
    lines = b"100\n" + b"".join(b"%d\n%d\n" % part for part in parts)
    content = lines + bytes(-len(lines) % 512) + b"0123456789" * 100
    data = pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"100000"),
                (b"GNU.sparse.name", b"real")], content)
    (entry, found), = read(data)
    assert entry.name == "real" and found == expected([(offset, b"0123456789") for offset, unused in parts], 100000)


def test_expand_and_placed():
    parts = ((2, 3), (7, 1))
    assert list(sparse.placed(parts, [b"ab", b"cd"])) == [(2, b"ab"), (4, b"c"), (7, b"d")]
    assert b"".join(bytes(piece) for piece in sparse.expand(parts, 10, [b"abcd"], 2)) == b"\0\0abc\0\0d\0\0"


def test_python_reads_the_same(tmp_path):
    """Our test's own understanding of the format, checked against the standard library."""
    path = tmp_path / "a.tar"
    path.write_bytes(old([(2, 3)], 10, b"abc"))
    with tarfile.open(path) as archive:
        assert archive.extractfile("f").read() == b"\0\0abc\0\0\0\0\0"
    assert read(path.read_bytes())[0][1] == b"\0\0abc\0\0\0\0\0"
    assert os.path.getsize(path) == 2048


WHOLE = {
    "old": old([(2, 3), (600, 500)], 2000, b"abc" + b"d" * 500),
    "pax": pax([(b"GNU.sparse.map", b"2,3,600,500"), (b"GNU.sparse.size", b"2000")], b"abc" + b"d" * 500),
    "lines": pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"2000")],
                 b"2\n2\n3\n600\n500\n".ljust(512, b"\0") + b"abc" + b"d" * 500),
}


@pytest.mark.parametrize("kind", sorted(WHOLE))
@given(changes=st.lists(st.tuples(st.integers(0, 2047), st.sampled_from(b"\0\xff\x80 019,\n")), min_size=1, max_size=4))
def test_damaged_archives_end_in_an_error_or_in_what_they_say(kind, changes):
    data = bytearray(WHOLE[kind])
    for position, value in changes:
        data[position % len(data)] = value
    for start in range(0, len(data), 512):
        if data[start + 257:start + 262] == b"ustar":
            # the checksum is right: only the reader's own looks stand in the way
            data[start + 148:start + 156] = b" " * 8
            data[start + 148:start + 156] = b"%06o\0 " % sum(data[start:start + 512])
    try:
        for entry in tar.TarReader([bytes(data)]):
            if entry.sparse is not None:
                assert all(offset >= 0 and length > 0 and offset + length <= entry.size for offset, length in entry.sparse)
    except (Corrupt, Unsupported):
        pass
