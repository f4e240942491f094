# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts: which Dockerfile and which ignore file."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.context import open_context
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue, NotFound


@pytest.fixture(name="root")
def _root(tmp_path):
    root = tmp_path / "context"
    (root / "sub").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM one\n")
    (root / "sub" / "other.Dockerfile").write_text("FROM two\n")
    return root


def patterns(context):
    return context.ignore.patterns and [each.text for each in context.ignore.patterns]


def test_the_dockerfile_by_name(root, tmp_path):
    context = open_context(str(root), str(tmp_path))
    assert context.dockerfile() == ("FROM one\n", "Dockerfile")
    assert context.dockerfile("sub/other.Dockerfile") == ("FROM two\n", "sub/other.Dockerfile")
    assert context.dockerfile(str(root / "sub" / "other.Dockerfile")) == ("FROM two\n", "sub/other.Dockerfile")
    assert open_context(str(root), str(tmp_path), "sub/other.Dockerfile").dockerfile()[0] == "FROM two\n"
    os.symlink(root, tmp_path / "other")
    assert context.dockerfile(str(tmp_path / "other" / "sub" / "other.Dockerfile"))[0] == "FROM two\n"
    outside = tmp_path / "outside"
    outside.write_text("FROM three\n")
    assert context.dockerfile(str(outside)) == ("FROM three\n", str(outside))
    with pytest.raises(NotFound) as caught:
        context.dockerfile("nope")
    assert "nope" in str(caught.value)


def test_a_dockerfile_in_small_letters_is_the_last_resort(root, tmp_path):
    os.rename(root / "Dockerfile", root / "dockerfile")
    context = open_context(str(root), str(tmp_path))
    assert context.dockerfile() == ("FROM one\n", "dockerfile")
    with pytest.raises(NotFound):
        context.dockerfile("Dockerfile")


def test_the_ignore_file_of_the_dockerfile_wins(root, tmp_path):
    context = open_context(str(root), str(tmp_path))
    assert context.ignore is None
    (root / ".dockerignore").write_text("a\n")
    (root / "sub" / "other.Dockerfile.dockerignore").write_text("b\n")
    context = open_context(str(root), str(tmp_path))
    assert patterns(context) == ["a"]
    context.dockerfile("sub/other.Dockerfile")
    assert patterns(context) == ["b"]
    context.dockerfile()
    assert patterns(context) == ["a"]
    (root / "Dockerfile.dockerignore").write_text("")
    context.dockerfile()
    assert context.ignore is None


def test_the_ignore_file_beside_a_dockerfile_of_the_host(root, tmp_path):
    (tmp_path / "outside").write_text("FROM three\n")
    (tmp_path / "outside.dockerignore").write_text("c\n")
    context = open_context(str(root), str(tmp_path))
    context.dockerfile(str(tmp_path / "outside"))
    assert patterns(context) == ["c"]


def test_links_inside_the_context_are_followed(root, tmp_path):
    os.symlink("sub/other.Dockerfile", root / "link")
    assert open_context(str(root), str(tmp_path), "link").dockerfile() == ("FROM two\n", "link")


def test_what_is_no_context_or_no_text(root, tmp_path):
    with pytest.raises(InvalidValue) as caught:
        open_context(str(tmp_path / "nope"), str(tmp_path), option="build.path")
    assert "build.path" in str(caught.value)
    (root / "Dockerfile").write_bytes(b"FROM \xff\n")
    with pytest.raises(InvalidValue) as caught:
        open_context(str(root), str(tmp_path)).dockerfile()
    assert "UTF-8" in str(caught.value)
    with pytest.raises(InvalidValue):
        open_context(b"\0\1\2", str(tmp_path))
