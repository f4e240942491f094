# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume store on a directory of its own."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue, NotFound, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots
from ansible_collections.agentless.containers.plugins.module_utils.engine.volume.store import VolumeStore


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"))


@pytest.fixture
def store(roots):
    return VolumeStore(roots)


def container(roots, identity, **record):
    directory = os.path.join(roots.containers, identity)
    os.makedirs(directory)
    with open(os.path.join(directory, "container.json"), "w", encoding="utf-8") as stream:
        json.dump(record, stream)


def test_made_once_and_kept(store, roots):
    made = store.ensure("data", labels={"a": "b"})
    assert made.mountpoint == os.path.join(roots.volumes, "data", "_data") and os.path.isdir(made.mountpoint)
    with open(os.path.join(made.mountpoint, "file"), "w", encoding="utf-8") as stream:
        stream.write("content")
    assert store.ensure("data", labels={"other": "x"}) == made == store.get("data")
    assert os.listdir(made.mountpoint) == ["file"]
    assert made.inspect() == {
        "CreatedAt": made.created,
        "Driver": "local",
        "Labels": {"a": "b"},
        "Mountpoint": made.mountpoint,
        "Name": "data",
        "Options": None,
        "Scope": "local",
    }


def test_list_and_remove(store, roots):
    for name in ("b", "a"):
        store.ensure(name)
    assert [volume.name for volume in store.list()] == ["a", "b"]
    store.remove("a")
    store.remove("a")
    assert [volume.name for volume in store.list()] == ["b"]
    assert os.listdir(roots.volumes) == ["b"]


def test_nothing_there(store):
    assert store.get("none") is None and store.list() == []
    store.remove("none")
    with pytest.raises(NotFound, match="none"):
        store.set_labels("none", {})


def test_one_in_use_stays(store, roots):
    store.ensure("data")
    container(roots, "1" * 64, name="web", mounts=[{"type": "volume", "source": "data", "target": "/srv"}])
    container(roots, "2" * 64, name="other", mounts=[{"type": "bind", "source": "data", "target": "/srv"}])
    container(roots, "3" * 64, name="db", mounts=[{"type": "volume", "source": "data", "target": "/x"}])
    container(roots, ".removed." + "4" * 64, name="gone", mounts=[{"type": "volume", "source": "data", "target": "/x"}])
    with pytest.raises(Conflict, match="data is used by container db, web"):
        store.remove("data")
    assert store.get("data") is not None


def test_a_kill_while_making_leaves_no_volume_and_the_next_run_makes_it(store, roots):
    os.makedirs(os.path.join(roots.volumes, "data", "_data"))
    assert store.get("data") is None and store.list() == []
    assert store.ensure("data").name == "data"


def test_a_kill_while_removing_is_cleared_away_by_the_next_removal(store, roots):
    store.ensure("data")
    os.rename(os.path.join(roots.volumes, "data"), os.path.join(roots.volumes, ".removed.data.0000"))
    assert store.list() == []
    store.remove("data")
    assert os.listdir(roots.volumes) == []


def test_labels_change_in_place(store):
    before = store.ensure("data", labels={"a": "1"})
    store.set_labels("data", {"b": "2"})
    after = store.get("data")
    assert (after.labels, after.created, after.mountpoint) == ({"b": "2"}, before.created, before.mountpoint)


def test_anonymous_ones_have_a_label_and_a_long_name(store):
    volume = store.create_anonymous()
    assert len(volume.name) == 64 and "com.docker.volume.anonymous" in volume.labels


def test_bind_options(store, tmp_path):
    options = {"type": "none", "o": "bind", "device": str(tmp_path)}
    assert store.ensure("pages", options=options).mountpoint == str(tmp_path)
    store.remove("pages")
    assert tmp_path.is_dir()


@pytest.mark.parametrize(
    ("driver", "options", "kind", "text"),
    [
        ("nfs", {}, Unsupported, "nfs"),
        ("local", {"size": "1g"}, InvalidValue, "size"),
        ("local", {"type": "tmpfs", "device": "tmpfs"}, Unsupported, "tmpfs"),
        ("local", {"type": "none", "o": "bind", "device": "relative"}, InvalidValue, "relative"),
        ("local", {"type": "none", "o": "bind", "device": "/does/not/exist"}, InvalidValue, "/does/not/exist"),
    ],
)
def test_what_no_driver_does(store, roots, driver, options, kind, text):
    with pytest.raises(kind, match=text):
        store.ensure("data", driver, options)
    assert store.list() == []
