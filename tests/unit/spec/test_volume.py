# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts as people write them."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec import volume
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.volume import Mount


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data:/srv", Mount("volume", "data", "/srv")),
        ("data:/srv/:ro", Mount("volume", "data", "/srv", read_only=True)),
        ("data:/srv:nocopy", Mount("volume", "data", "/srv", no_copy=True)),
        ("/srv", Mount("volume", "", "/srv")),
        ("/a/b/:/c", Mount("bind", "/a/b", "/c", create_source=True)),
        ("/a:/c:rw,Z", Mount("bind", "/a", "/c", selinux="Z", create_source=True)),
        ("/a:/c:ro,rslave,cached", Mount("bind", "/a", "/c", read_only=True, propagation="rslave", create_source=True)),
        ("//a:/c//d", Mount("bind", "/a", "/c/d", create_source=True)),
    ],
)
def test_volumes(text, expected):
    parsed = volume.parse_volume(text)
    # normpath leaves two leading slashes alone
    assert parsed.to_json() == {**expected.to_json(), "source": expected.source if not text.startswith("//") else "//a"}


def test_relative_and_home_paths_are_host_paths():
    assert volume.parse_volume("./x:/y").source == os.path.join(os.getcwd(), "x")
    assert volume.parse_volume("~/x:/y").source == os.path.expanduser("~/x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "a:b",
        "a:/",
        "/",
        "a::ro",
        "a:/b:",
        "a:/b:ro:x",
        "a:/b:zz",
        "a:/b:ro,rw",
        "a:/b:shared",
        "a/b:/c",
        "-a:/b",
        "/a:/b:nocopy",
        "/a:/b:z,Z",
    ],
)
def test_volumes_that_are_none(text):
    with pytest.raises(InvalidValue) as caught:
        volume.parse_volume(text)
    assert caught.value.option == "volumes"


@given(st.text(alphabet="abZ09/:.,~-_ ro", max_size=24))
def test_volumes_take_anything_and_answer_or_name_the_option(text):
    try:
        mount = volume.parse_volume(text)
    except InvalidValue as error:
        assert error.option == "volumes"
    else:
        assert mount.target.startswith("/") and mount.target != "/" and ".." not in mount.target.split("/")
        assert Mount.from_json(json.loads(json.dumps(mount.to_json()))) == mount


def test_mounts_of_each_type():
    assert volume.parse_mount({"target": "/a", "type": "bind", "source": "/s", "read_only": True, "propagation": None}) == Mount(
        "bind", "/s", "/a", read_only=True
    )
    assert volume.parse_mount({"target": "/a", "source": "v", "labels": {"x": "y"}, "no_copy": True}) == Mount(
        "volume", "v", "/a", no_copy=True, labels={"x": "y"}
    )
    assert volume.parse_mount({"target": "/a", "type": "tmpfs", "tmpfs_size": "64m", "tmpfs_mode": "1777"}) == Mount(
        "tmpfs", "", "/a", options="size=67108864,mode=1777"
    )


@pytest.mark.parametrize(
    "data",
    [
        {"target": "a", "source": "v"},
        {"target": "/a", "type": "npipe"},
        {"target": "/a", "type": "bind", "source": "v"},
        {"target": "/a", "type": "bind"},
        {"target": "/a", "type": "tmpfs", "source": "v"},
        {"target": "/a", "type": "tmpfs", "no_copy": True},
        {"target": "/a", "source": "v", "tmpfs_size": "1m"},
        {"target": "/a", "type": "bind", "source": "/s", "propagation": "both"},
        {"target": "/a", "source": "v", "subpath": "../x"},
        {"target": "/a", "type": "tmpfs", "tmpfs_mode": "rwx"},
        {"type": "volume", "source": "v"},
    ],
)
def test_mounts_that_are_none(data):
    with pytest.raises(InvalidValue) as caught:
        volume.parse_mount(data)
    assert caught.value.option.startswith("mounts")


def test_tmpfs():
    assert volume.parse_tmpfs("/run") == Mount("tmpfs", "", "/run")
    assert volume.parse_tmpfs("/run:ro,size=64k,mode=755,noexec") == Mount(
        "tmpfs", "", "/run", read_only=True, options="size=65536,mode=755,noexec"
    )
    assert volume.parse_tmpfs("/run:size=10%").options == "size=10%"
    for text in ("run", "/run:size", "/run:what=1", "/run:,"):
        with pytest.raises(InvalidValue, match="tmpfs"):
            volume.parse_tmpfs(text)


def test_all_together_are_sorted_and_a_target_counts_once():
    mounts = volume.parse_mounts(["b:/b", "/c:/a"], [{"target": "/d", "source": "x"}], ["/c"])
    assert [mount.target for mount in mounts] == ["/a", "/b", "/c", "/d"]
    with pytest.raises(InvalidValue, match="mounted twice"):
        volume.parse_mounts(["a:/x", "b:/x/"])


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "0" * 255])
def test_names(name):
    assert volume.check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", ".a", "a/b", "a b", "ä", "a\n", "0" * 256, None])
def test_names_that_are_none(name):
    with pytest.raises(InvalidValue):
        volume.check_name(name)
