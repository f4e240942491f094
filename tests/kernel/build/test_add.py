# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ADD of local archives, and contexts that are archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.context import open_context
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.copy import place
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.select import downloaded, select
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.view import SourceError
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue

WHEN = 1234567890


def archive():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as stream:
        for name, mode, kind in (("d", 0o750, tarfile.DIRTYPE), ("d/run", 0o4711, tarfile.REGTYPE), ("d/link", 0o777, tarfile.SYMTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.mtime, entry.uid, entry.gid, entry.linkname = kind, mode, WHEN, 5, 6, "run"
            entry.size = 3 if kind == tarfile.REGTYPE else 0
            stream.addfile(entry, io.BytesIO(b"run"))
    return data.getvalue()


@pytest.fixture(name="image")
def _image(tmp_path):
    (tmp_path / "context").mkdir()
    (tmp_path / "image").mkdir()
    return tmp_path / "image"


def add(image, name, data, destination="/x", **options):
    (image.parent / "context" / name).write_bytes(data)
    return place(select(str(image.parent / "context"), [name]), str(image), destination, keyword="ADD", **options)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["tar", "gzip", "bzip2", "xz"])
def test_archives_are_unpacked_by_their_content(image, compress):
    add(image, "whatever.dat", compress(archive()))
    status = os.stat(image / "x" / "d" / "run")
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime) == (0o4711, 5, 6, WHEN)
    assert stat.S_IMODE(os.stat(image / "x" / "d").st_mode) == 0o750
    assert os.stat(image / "x" / "d").st_mtime == WHEN
    assert os.readlink(image / "x" / "d" / "link") == "run"
    assert os.listdir(image / "x") == ["d"]


def test_owner_and_time_of_all_that_is_unpacked(image):
    add(image, "a.tar", archive(), owner=(7, 8), mtime=5000000000)
    for name in ("x", "x/d", "x/d/run", "x/d/link"):
        status = os.lstat(image / name)
        assert (status.st_uid, status.st_gid, status.st_mtime_ns) == (7, 8, 5000000000)


def test_what_is_no_archive_is_copied(image):
    add(image, "a.gz", gzip.compress(b"no tar at all"))
    assert gzip.decompress((image / "x").read_bytes()) == b"no tar at all"
    for name, data in (("empty", b""), ("cut.gz", gzip.compress(archive())[:20]), ("text", b"x" * 2000), ("zeros", bytes(10240))):
        add(image, name, data, "/y/")
        assert (image / "y" / name).read_bytes() == data


def test_a_damaged_archive_is_named(image):
    with pytest.raises(SourceError) as caught:
        add(image, "cut.tar.gz", gzip.compress(archive())[:-30])
    assert caught.value.source == "cut.tar.gz"


def test_unpack_as_the_flag_says(image):
    add(image, "a.tar", archive(), unpack=False)
    assert (image / "x").read_bytes() == archive()
    path = image.parent / "download"
    path.write_bytes(archive())
    place(downloaded("http://host/a.tar", str(path), "a.tar"), str(image), "/y/", keyword="ADD")
    assert (image / "y" / "a.tar").read_bytes() == archive()
    place(downloaded("http://host/a.tar", str(path), "a.tar"), str(image), "/z", keyword="ADD", unpack=True)
    assert os.listdir(image / "z") == ["d"]


def test_copy_unpacks_nothing_and_archives_in_directories_stay(image):
    context = image.parent / "context"
    (context / "d").mkdir()
    (context / "d" / "a.tar").write_bytes(archive())
    place(select(str(context), ["d/a.tar"]), str(image), "/x/")
    place(select(str(context), ["d"]), str(image), "/y/", keyword="ADD")
    assert (image / "x" / "a.tar").read_bytes() == (image / "y" / "a.tar").read_bytes() == archive()


def test_unpacking_goes_over_what_is_there(image):
    (image / "x" / "d" / "run").mkdir(parents=True)
    (image / "x" / "d" / "other").touch()
    add(image, "a.tar", archive())
    assert sorted(os.listdir(image / "x" / "d")) == ["link", "other", "run"]
    assert (image / "x" / "d" / "run").read_bytes() == b"run"


# --- contexts

@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["tar", "gzip"])
def test_context_of_an_archive_keeps_owners(tmp_path, compress):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as stream:
        for name, text in (("Dockerfile", "FROM scratch\n"), ("a", "a"), (".dockerignore", "b\n"), ("b", "b")):
            entry = tarfile.TarInfo(name)
            entry.uid, entry.size = 5, len(text)
            stream.addfile(entry, io.BytesIO(text.encode()))
    (tmp_path / "context.tgz").write_bytes(compress(data.getvalue()))
    for number, source in enumerate((str(tmp_path / "context.tgz"), compress(data.getvalue()))):
        work = tmp_path / str(number)
        work.mkdir()
        context = open_context(source, str(work))
        assert context.dockerfile() == ("FROM scratch\n", "Dockerfile")
        selection = select(context.root, ["."], context.ignore, keep_owners=context.keep_owners)
        (work / "image").mkdir()
        place(selection, str(work / "image"), "/")
        assert sorted(os.listdir(work / "image")) == [".dockerignore", "Dockerfile", "a"]
        assert os.stat(work / "image" / "a").st_uid == 5


def test_bytes_that_are_no_archive_are_the_dockerfile(tmp_path):
    context = open_context(b"FROM scratch\n", str(tmp_path))
    assert context.root is None
    assert context.ignore is None
    assert context.dockerfile() == ("FROM scratch\n", "Dockerfile")


def test_a_file_that_is_no_archive_is_no_context(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text("FROM scratch\n")
    with pytest.raises(InvalidValue) as caught:
        open_context(str(path), str(tmp_path))
    assert "path" in str(caught.value)
