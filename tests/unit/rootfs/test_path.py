# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of a container never lead out of it, whatever links its image or its processes made."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.rootfs.path import MAX_LINKS, fd_path, open_in_root


@pytest.fixture
def root(tmp_path):
    """A root with a directory, a file, and beside it what must never be reached."""
    top = tmp_path / "root"
    (top / "etc").mkdir(parents=True)
    (top / "etc" / "passwd").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    (tmp_path / "outside").mkdir()
    return top


def opened(root, path, **options):
    """Where it leads."""
    fd = open_in_root(str(root), path, **options)
    try:
        return os.readlink(fd_path(fd))
    finally:
        os.close(fd)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    "path", ["etc/passwd", "/etc/passwd", "//etc/./passwd", "/../../etc/passwd", "/etc/../etc/passwd", "etc/../../etc/passwd"])
def test_plain_paths(root, path):
    assert opened(root, path) == str(root / "etc" / "passwd")


@pytest.mark.parametrize("path", ["", "/", ".", "..", "../..", "/etc/../.."])
def test_the_top_is_the_root(root, path):
    assert opened(root, path) == str(root)


@pytest.mark.parametrize("target", ["../../../../secret", "/secret", "etc/../../secret", "../secret"])
def test_links_stay_inside(root, target):
    (root / "link").symlink_to(target)
    with pytest.raises(FileNotFoundError) as caught:
        open_in_root(str(root), "/link")
    assert caught.value.filename == "/link"
    (root / "secret").write_text("inside")
    assert opened(root, "/link") == str(root / "secret")


def test_links_in_the_middle(root):
    (root / "a").symlink_to("/etc")
    (root / "b").symlink_to("a")
    (root / "out").symlink_to("../outside")
    assert opened(root, "/b/passwd") == str(root / "etc" / "passwd")
    with pytest.raises(FileNotFoundError):
        open_in_root(str(root), "/out/x")


@pytest.mark.parametrize("target", ["/../../outside/new", "../../outside/new", "/outside/new"])
def test_what_is_made_is_made_inside(root, tmp_path, target):
    (root / "link").symlink_to(target)
    assert opened(root, "/link", create="file") == str(root / "outside" / "new")
    assert os.listdir(tmp_path / "outside") == []


def test_directories_and_files_are_made(root):
    assert opened(root, "/a/b/c", create="directory", mode=0o700) == str(root / "a" / "b" / "c")
    assert opened(root, "/d/e/file", create="file") == str(root / "d" / "e" / "file")
    assert (root / "d" / "e" / "file").is_file() and (root / "a" / "b" / "c").is_dir()
    # what is there stays what it is
    assert opened(root, "/etc/passwd", create="file") == str(root / "etc" / "passwd")
    assert (root / "etc" / "passwd").read_text() == "inside"
    with pytest.raises(FileNotFoundError):
        open_in_root(str(root), "/none")


def test_loops_and_files_in_the_way(root):
    (root / "loop").symlink_to("loop")
    (root / "chain0").write_text("end")
    for number in range(MAX_LINKS + 1):
        (root / ("chain%d" % (number + 1))).symlink_to("chain%d" % number)
    before = descriptors()
    for path, code in (("/loop", errno.ELOOP), ("/chain%d" % (MAX_LINKS + 1), errno.ELOOP), ("/etc/passwd/x", errno.ENOTDIR)):
        with pytest.raises(OSError) as caught:
            open_in_root(str(root), path)
        assert caught.value.errno == code and caught.value.filename == path
    assert opened(root, "/chain%d" % MAX_LINKS) == str(root / "chain0")
    assert descriptors() == before


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "a/c", "b/c"]), st.lists(st.sampled_from(["..", "a", "b", "c", ".", ""]), max_size=6),
                          st.booleans()), max_size=5),
       st.lists(st.sampled_from(["..", "a", "b", "c", "."]), max_size=8), st.sampled_from([None, "file", "directory"]))
def test_no_tree_of_links_leads_out(tmp_path_factory, links, parts, create):
    top = tmp_path_factory.mktemp("tree")
    root = top / "root"
    root.mkdir()
    for name, target, absolute in links:
        path = root / name
        if path.parent.is_symlink() or not path.parent.exists() or os.path.lexists(path):
            continue
        path.symlink_to(("/" if absolute else "") + "/".join(target) or ".")
    try:
        found = opened(root, "/".join(parts), create=create)
    except OSError as error:
        assert error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)
    else:
        assert (found + "/").startswith("%s/" % root)
    assert os.listdir(top) == ["root"]
