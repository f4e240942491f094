# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of selections: what counts and what does not."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.checksum import Memo
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.select import downloaded, inline, select
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.view import SourceError


def fill(root):
    os.makedirs(os.path.join(root, "d", "e"))
    for name, text in (("a", "one"), ("d/b", "two"), ("d/e/c", "x" * 600000)):
        with open(os.path.join(root, name), "w", encoding="utf-8") as stream:
            stream.write(text)
    os.symlink("b", os.path.join(root, "d", "link"))
    return str(root)


@pytest.fixture(name="root")
def _root(tmp_path):
    return fill(tmp_path / "one")


def digest(root, *sources, **options):
    return select(root, sources or ["."], **options).digest()


def test_the_same_tree_elsewhere_and_at_another_time_has_the_same_digest(root, tmp_path):
    other = fill(tmp_path / "another")
    os.utime(os.path.join(other, "a"), (1, 1))
    os.utime(os.path.join(other, "d"), (1, 1))
    assert digest(root) == digest(other)
    assert digest(root, "a", "d") == digest(other, "a", "d")
    assert digest(root).startswith("sha256:")
    assert len(digest(root)) == 71


@pytest.mark.parametrize("change", [
    lambda root: os.rename(root + "/a", root + "/z"), lambda root: os.chmod(root + "/a", 0o600), lambda root: os.mkdir(root + "/new"),
    lambda root: os.chmod(root + "/d", 0o700), lambda root: (os.unlink(root + "/d/link"), os.symlink("e", root + "/d/link")),
    lambda root: os.truncate(root + "/a", 1), lambda root: os.truncate(root + "/d/e/c", 599999),
    lambda root: (os.unlink(root + "/d/link"), shutil.copy(root + "/a", root + "/d/link")),
    lambda root: os.link(root + "/a", root + "/d/f"),
    lambda root: (os.unlink(root + "/a"), os.mkfifo(root + "/a")), lambda root: os.rename(root + "/d/b", root + "/b"),
])
def test_every_change_is_seen(root, change):
    before = digest(root)
    change(root)
    assert digest(root) != before


def test_a_hard_link_is_not_a_copy(root):
    os.link(root + "/a", root + "/f")
    linked = digest(root)
    os.unlink(root + "/f")
    shutil.copy(root + "/a", root + "/f")
    assert digest(root) != linked


def test_the_attributes_of_a_directory_that_is_a_source_do_not_count(root):
    before = digest(root, "d")
    os.chmod(root + "/d", 0o700)
    assert digest(root, "d") == before
    os.rename(root + "/d", root + "/other")
    assert digest(root, "other") == before


def test_what_is_left_out_does_not_count(root):
    before = digest(root, exclude=["d/e"])
    os.truncate(root + "/d/e/c", 5)
    assert digest(root, exclude=["d/e"]) == before


def test_the_order_of_sources_and_where_one_ends_count(root):
    assert digest(root, "a", "d") != digest(root, "d", "a")
    assert (inline("a", b"b") + inline("c", b"d")).digest() != (inline("a", b"bc") + inline("", b"d")).digest()
    assert inline("EOF", b"x").digest() != inline("EOF", b"y").digest()


def test_what_was_downloaded(root):
    path = os.path.join(root, "a")
    assert downloaded("http://host/x", path, "x").digest() == downloaded("http://other/x", path, "x").digest()
    assert downloaded("http://host/x", path, "x").digest() != downloaded("http://host/x", path, "y").digest()


def test_a_memo_spares_the_reading(root, monkeypatch):
    memo = Memo()
    before = select(root, ["."]).digest(memo)
    opened = []
    really = os.open

    def spy(path, flags, *more, **where):
        if not flags & os.O_DIRECTORY:
            opened.append(path)
        return really(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", spy)
    assert select(root, ["."]).digest(memo) == before
    assert opened == []
    os.truncate(root + "/a", 1)
    assert select(root, ["."]).digest(memo) != before
    assert opened == ["a"]


def test_a_memo_survives_but_not_what_may_have_changed_unseen(root):
    memo = Memo()
    before = select(root, ["."]).digest(memo)
    assert memo.to_json() == {}
    time.sleep(0.1)
    again = Memo.from_json(json.loads(json.dumps(memo.to_json())))
    assert len(again.to_json()) == 0
    assert select(root, ["."]).digest(again) == before
    assert len(again.to_json()) == 5
    for broken in (None, [], {"x": 1}, {"1:2:3": ["a", "b"]}, {"1:2:3:4:5": "ab"}, {"1:2:3:4:5": [1, 2]}):
        assert Memo.from_json(broken).to_json() == {}


def test_a_source_that_goes_away_is_named(root):
    selection = select(root, ["d"])
    os.unlink(root + "/d/b")
    with pytest.raises(SourceError) as caught:
        selection.digest()
    assert caught.value.source == "d"
