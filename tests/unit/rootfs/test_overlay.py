# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The union's layout, and reading a file of it without mounting anything."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.rootfs import overlay

root = pytest.mark.skipif(os.geteuid() != 0, reason="whiteouts and opaque marks need root")


@pytest.fixture
def layers(tmp_path):
    """Three layers, lowest first; each says its own name."""
    made = []
    for name in ("bottom", "middle", "top"):
        layer = tmp_path / name
        (layer / "etc").mkdir(parents=True)
        (layer / "etc" / name).write_text(name)
        made.append(str(layer))
    return made


@pytest.fixture
def container(tmp_path, layers):
    directory = str(tmp_path / "container")
    overlay.prepare(directory, layers)
    return directory


def write(container, branch, path, text):
    base = os.path.join(container, "upper") if branch is None else os.path.realpath(os.path.join(container, "lower", str(branch)))
    os.makedirs(os.path.dirname(base + path), exist_ok=True)
    with open(base + path, "w", encoding="ascii") as stream:
        stream.write(text)
    return base


def test_layout(container, layers):
    assert [os.path.realpath(link) for link in overlay.layer_links(container)] == layers[::-1]
    assert overlay.options(container) == "lowerdir=lower/0:lower/1:lower/2,upperdir=upper,workdir=work"
    overlay.prepare(container, layers)
    assert sorted(os.listdir(container)) == sorted(overlay.DIRECTORIES)


def test_many_layers_fit_into_a_page(tmp_path):
    directory = str(tmp_path / "many")
    overlay.prepare(directory, ["/layers/%064x/diff" % number for number in range(128)])
    text = overlay.options(directory)
    assert len(text) < 4096 and text.startswith("lowerdir=lower/0:lower/1:lower/2:") and ":lower/127," in text


def test_no_layers(tmp_path):
    directory = str(tmp_path / "none")
    overlay.prepare(directory, [])
    assert overlay.options(directory).startswith("lowerdir=lower,") and os.listdir(os.path.join(directory, "lower")) == []


def test_the_topmost_file_counts(container):
    for branch, text in ((2, "bottom"), (1, "middle"), (0, "top"), (None, "upper")):
        write(container, branch, "/etc/passwd", text)
        assert overlay.read_file(container, "/etc/passwd") == text.encode()
    assert overlay.read_file(container, "/etc/bottom") == b"bottom"
    assert overlay.read_file(container, "/none") is None and overlay.read_file(container, "/none/x") is None


def test_links_stay_inside(container, tmp_path):
    (tmp_path / "secret").write_text("outside")
    base = write(container, None, "/etc/real", "inside")
    os.symlink("../../secret", base + "/etc/passwd")
    assert overlay.read_file(container, "/etc/passwd") is None
    os.symlink("/etc/real", base + "/etc/group")
    assert overlay.read_file(container, "/etc/group") == b"inside"


def test_a_directory_or_file_in_the_way_hides_what_is_below(container):
    write(container, 2, "/etc/passwd", "bottom")
    base = write(container, None, "/x", "")
    os.makedirs(base + "/etc/passwd")
    assert overlay.read_file(container, "/etc/passwd") is None
    write(container, 2, "/srv/file", "bottom")
    write(container, 1, "/srv", "a file where a directory was")
    assert overlay.read_file(container, "/srv/file") is None


@root
def test_whiteouts_hide_what_is_below(container):
    write(container, 2, "/etc/passwd", "bottom")
    write(container, 2, "/srv/a/file", "bottom")
    base = write(container, 1, "/etc/x", "")
    os.mknod(base + "/etc/passwd", 0o20000, 0)
    os.mkdir(base + "/srv")
    os.mknod(base + "/srv/a", 0o20000, 0)
    assert overlay.read_file(container, "/etc/passwd") is None
    assert overlay.read_file(container, "/srv/a/file") is None
    write(container, None, "/etc/passwd", "again")
    assert overlay.read_file(container, "/etc/passwd") == b"again"


@root
def test_opaque_directories_hide_what_is_below(container):
    write(container, 2, "/etc/passwd", "bottom")
    base = write(container, 1, "/etc/own", "own")
    try:
        os.setxattr(base + "/etc", "trusted.overlay.opaque", b"y")
    except OSError as error:
        pytest.skip("no trusted attributes here: %s" % error.strerror)
    assert overlay.read_file(container, "/etc/passwd") is None
    assert overlay.read_file(container, "/etc/own") == b"own"
