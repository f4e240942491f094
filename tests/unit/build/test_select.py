# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What COPY takes: wildcards, links, the ignore file, --exclude and --parents; and random trees against a plain reading of the rules."""

from __future__ import annotations

import os
import pickle
import posixpath
import shutil
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.ignorefile import Ignore, parse
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.select import checkout, inline, select
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.view import MAX_DEPTH, SourceError
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue


def make(root, *paths):
    """Files, directories (with a slash at the end) and links (``name -> target``)."""
    for path in paths:
        name, arrow, target = path.partition(" -> ")
        full = os.path.join(root, name)
        os.makedirs(os.path.dirname(full.rstrip("/")), exist_ok=True)
        if arrow:
            os.symlink(target, full)
        elif path.endswith("/"):
            os.makedirs(full, exist_ok=True)
        else:
            with open(full, "w", encoding="utf-8") as stream:
                stream.write(name)
    return str(root)


def paths_of(node, path=""):
    """Sorted paths of all that a node holds; directories end with a slash."""
    found = []
    for name, child in node.children.items():
        below = posixpath.join(path, name)
        found.append(below + "/" * (child.children is not None))
        if child.children is not None:
            found += paths_of(child, below)
    return sorted(found)


def taken(root, *sources, ignore=None, **options):
    """dict: name of each picked source -> paths in it, or True for a file."""
    selection = select(root, sources, Ignore(parse(ignore)) if ignore else None, **options)
    return {picked.name: paths_of(picked.node) if picked.is_directory else True for picked in selection.picked}


def test_files_and_directories(tmp_path):
    root = make(tmp_path, "a", "d/b", "d/e/c", "empty/")
    assert taken(root, "a") == {"a": True}
    assert taken(root, "/d/") == {"d": ["b", "e/", "e/c"]}
    assert taken(root, "d/e/../b", "./a") == {"b": True, "a": True}
    assert taken(root, "empty") == {"empty": []}
    assert taken(root, ".") == {"": ["a", "d/", "d/b", "d/e/", "d/e/c", "empty/"]}


def test_dots_do_not_leave_the_root(tmp_path):
    root = make(tmp_path / "root", "a")
    make(tmp_path, "secret")
    assert taken(root, "../../a") == {"a": True}
    with pytest.raises(SourceError):
        taken(root, "../secret")


@pytest.mark.parametrize("source", ["nope", "a/b", "d/nope", "loop", "dangling", "x" * 300, "a/" * 3000 + "b"])
def test_missing_sources_are_named(tmp_path, source):
    root = make(tmp_path, "a", "d/b", "loop -> loop", "dangling -> /nowhere")
    with pytest.raises(SourceError) as caught:
        taken(root, "a", source)
    assert caught.value.source == source
    assert str(caught.value).startswith(source + ": ")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.source, again.hint, str(again)) == (source, caught.value.hint, str(caught.value))


def test_a_nul_byte_is_no_part_of_a_name(tmp_path):
    with pytest.raises(SourceError):
        taken(str(tmp_path), "a\0b")


def test_wildcards(tmp_path):
    root = make(tmp_path, "a1", "a2", "b", "d1/x.c", "d1/y.h", "d2/x.c", "d2/sub/x.c", "s*r")
    assert taken(root, "a*") == {"a1": True, "a2": True}
    assert taken(root, "a?") == {"a1": True, "a2": True}
    assert [picked.parts for picked in select(root, ["*/*.c"]).picked] == [("d1", "x.c"), ("d2", "x.c")]
    assert taken(root, "d[2-9]") == {"d2": ["sub/", "sub/x.c", "x.c"]}
    assert taken(root, "nothing*") == {}
    with pytest.raises(SourceError) as caught:
        taken(root, "a[")
    assert caught.value.source == "a["


def test_backslashes_take_the_meaning_of_wildcards(tmp_path):
    root = make(tmp_path, "a*b", "acb", "d*/x", "c\\d")
    assert taken(root, "a\\*b") == {"a*b": True}
    assert taken(root, "a[*]b") == {"a*b": True}
    assert taken(root, "d\\*/*") == {"x": True}
    assert taken(root, "c\\d") == {"c\\d": True}


def test_what_lies_in_a_match_is_not_matched_again(tmp_path):
    root = make(tmp_path, "a/a/a")
    assert [picked.parts for picked in select(root, ["[a/]*"]).picked] == [("a",)]


def test_links_named_as_sources_are_followed_inside_the_root(tmp_path):
    root = make(tmp_path / "root", "etc/passwd", "file -> etc/passwd", "absolute -> /etc/passwd", "up -> ../../../etc",
                "chain -> up/passwd", "d/inner -> /etc/passwd", "here -> .")
    assert taken(root, "file", "absolute", "chain") == {"file": True, "absolute": True, "chain": True}
    assert {picked.parts for picked in select(root, ["file", "absolute", "chain", "up/passwd"]).picked} == {("etc", "passwd")}
    assert taken(root, "up") == {"up": ["passwd"]}
    assert select(root, ["ch*"]).picked[0].parts == ("etc", "passwd")
    assert "d/" in taken(root, "here")["here"]
    inner = select(root, ["d"]).picked[0].node.children["inner"]
    assert stat.S_ISLNK(inner.status.st_mode)


def test_what_the_ignore_file_leaves_out_is_not_there(tmp_path):
    root = make(tmp_path, "a", "b", "d/x", "d/y", "link -> d/x", "hidden -> b", "e/f/g", "e/f/h")
    assert taken(root, ".", ignore="b\nd/x\n") == {"": ["a", "d/", "d/y", "e/", "e/f/", "e/f/g", "e/f/h", "hidden", "link"]}
    for source in ("b", "link", "hidden", "d/x"):
        with pytest.raises(SourceError) as caught:
            taken(root, source, ignore="b\nd/x\nhidden\n")
        assert "left out" in str(caught.value)
    assert taken(root, "*", ignore="[a-d]\nlink\nhidden") == {"e": ["f/", "f/g", "f/h"]}


def test_exceptions_below_directories_that_are_left_out(tmp_path):
    root = make(tmp_path, "a", "d/x", "d/y", "d/e/z", "d/e/w", "gone/x")
    assert taken(root, ".", ignore="*\n!d/x\n!d/e/z") == {"": ["d/", "d/e/", "d/e/z", "d/x"]}
    assert taken(root, "d", ignore="**\n!**/z") == {"d": ["e/", "e/z"]}
    assert taken(root, "*", ignore="*\n!d/x") == {"d": ["x"]}
    assert taken(root, "d/x", ignore="d\n!d/x") == {"x": True}
    with pytest.raises(SourceError):
        taken(root, "gone", ignore="*\n!d/x")


def test_an_exception_counts_as_buildkit_counts_it(tmp_path):
    """What a pattern said of a directory is kept for what lies in it; one that had no say is asked by the longer path only."""
    root = make(tmp_path, "a/b", "a/c")
    assert taken(root, ".", ignore="a/b\n!a") == {"": ["a/", "a/c"]}
    assert taken(root, ".", ignore="a\n!a/b\na") == {"": ["a/", "a/b"]}


def test_exclude_is_about_paths_below_the_source(tmp_path):
    root = make(tmp_path, "d/a.txt", "d/b.md", "d/e/c.txt", "x.txt", "x.md")
    assert taken(root, "d", exclude=["*.txt"]) == {"d": ["b.md", "e/", "e/c.txt"]}
    assert taken(root, "d", exclude=["**/*.txt"]) == {"d": ["b.md", "e/"]}
    assert taken(root, "d", exclude=["e", "!e/c.txt"]) == {"d": ["a.txt", "b.md", "e/", "e/c.txt"]}
    assert taken(root, "d", exclude=["*"]) == {"d": []}
    assert taken(root, "x*", exclude=["*.txt"]) == {"x.md": True}
    assert taken(root, "x.txt", exclude=["*.txt"]) == {"x.txt": True}
    implied = select(root, ["d"], exclude=["e", "!e/c.txt"]).picked[0].node.children["e"]
    assert implied.implied


def test_parents(tmp_path):
    root = make(tmp_path, "a/b/c", "a/b/d", "a/x/c", "z", "w/empty/")
    assert taken(root, "a/b/c", "z", parents=True) == {"": ["z"]}
    assert [paths_of(picked.node) for picked in select(root, ["a/b/c", "z"], parents=True).picked] == [["a/", "a/b/", "a/b/c"], ["z"]]
    assert taken(root, "a/./b/c", parents=True) == {"": ["b/", "b/c"]}
    assert taken(root, "a/*/c", parents=True) == {"": ["a/", "a/b/", "a/b/c", "a/x/", "a/x/c"]}
    assert taken(root, "**/d", parents=True) == {"": ["a/", "a/b/", "a/b/d"]}
    assert taken(root, "a/b", parents=True) == {"": ["a/", "a/b/", "a/b/c", "a/b/d"]}
    assert taken(root, "w/empty", parents=True) == {"": ["w/", "w/empty/"]}
    assert taken(root, "w/./.", parents=True) == {"": ["empty/"]}
    assert taken(root, "nothing/*", parents=True) == {}
    assert [paths_of(picked.node) for picked in select(root, ["a/*/./c"], parents=True).picked] == [["c"], ["c"]]
    with pytest.raises(SourceError):
        taken(root, "a/nope", parents=True)


def test_bad_patterns_are_named(tmp_path):
    with pytest.raises(InvalidValue) as caught:
        taken(make(tmp_path, "a"), "a", exclude=["["])
    assert "--exclude" in str(caught.value)


def test_a_checkout_is_all_of_a_directory_but_what_is_excluded(tmp_path):
    root = make(tmp_path, "a", "d/b.md", "d/c", ".git/config")
    assert paths_of(checkout("git@host:x", root).picked[0].node) == [".git/", ".git/config", "a", "d/", "d/b.md", "d/c"]
    assert paths_of(checkout("git@host:x", root, ["**/*.md", "a"]).picked[0].node) == [".git/", ".git/config", "d/", "d/c"]


def test_selections_add_up():
    both = inline("EOF", b"x") + inline("OTHER", b"y")
    assert [picked.name for picked in both.picked] == ["EOF", "OTHER"]
    assert both.count == 2


def test_a_context_nested_without_end_is_refused(tmp_path):
    fd = os.open(tmp_path, os.O_RDONLY)
    for unused in range(MAX_DEPTH + 2):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    with pytest.raises(SourceError) as caught:
        taken(str(tmp_path), ".")
    assert "nested" in str(caught.value)


# --- random trees

NAMES = st.sampled_from(["a", "b", "ab", "a.c"])
FILES = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8)
WORDS = st.lists(st.sampled_from(["a", "b", "ab", "*", "a*", "?", "**"]), min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(st.builds("{}{}".format, st.sampled_from(["", "", "!"]), WORDS), max_size=4)


def component_match(pattern, name):
    if not pattern:
        return not name
    if pattern[0] == "*":
        return component_match(pattern[1:], name) or (bool(name) and component_match(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and component_match(pattern[1:], name[1:])


def path_match(pattern, path):
    """Lists of components; ``**`` takes any number of them, and at the end at least one."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(path)
        return any(path_match(pattern[1:], path[number:]) for number in range(len(path) + 1))
    return bool(path) and component_match(pattern[0], path[0]) and path_match(pattern[1:], path[1:])


def left_out(path, patterns):
    """The rule for one path: what each pattern said of the directory above holds, else it is asked if that would change anything."""
    above = left_out(path[:-1], patterns)[1] if path[:-1] else [False] * len(patterns)
    out, said = False, []
    for pattern, inherited in zip(patterns, above):
        exception = pattern.startswith("!")
        applies = inherited or (exception == out and path_match(pattern.lstrip("!").split("/"), path))
        said.append(applies)
        out = not exception if applies else out
    return out, said


def reduced(files):
    """Without files where another one needs a directory."""
    return sorted({path for path in files if not any(other.startswith(path + "/") for other in files)})


@settings(max_examples=150)
@given(FILES, PATTERNS)
def test_random_trees_without_what_random_patterns_leave_out(tmp_path_factory, files, patterns):
    files = reduced(files)
    root = make(tmp_path_factory.mktemp("tree"), *files)
    try:
        ignore = Ignore(patterns)
        found = taken(root, "*", ignore="\n".join(patterns))
        kept = {path for path in files if not left_out(path.split("/"), patterns)[0]}
        seen = {name if paths is True else posixpath.join(name, path) for name, paths in found.items()
                for path in ([""] if paths is True else paths) if paths is True or not path.endswith("/")}
        assert seen == kept
        for path in files:
            try:
                single = bool(taken(root, path, ignore="\n".join(patterns)))
            except SourceError:
                single = False
            assert single is (path in kept)
        if not ignore.exceptions:
            assert kept == {path for path in files if not ignore.matches(path)}
    finally:
        shutil.rmtree(root)


@settings(max_examples=100)
@given(FILES, st.lists(st.sampled_from(["a", "*", "a*", "?", "*b"]), min_size=1, max_size=3))
def test_random_wildcards_take_what_matches_whole_paths(tmp_path_factory, files, pattern):
    files = reduced(files)
    root = make(tmp_path_factory.mktemp("tree"), *files)
    try:
        every = {posixpath.join(*path.split("/")[:number]) for path in files for number in range(1, path.count("/") + 2)}
        wanted = {path for path in every if path_match(pattern, path.split("/"))}
        number = next((number for number, part in enumerate(pattern) if set(part) & set("*?")), None)
        if number is None:
            return
        if number and "/".join(pattern[:number]) not in every:
            with pytest.raises(SourceError):
                select(root, ["/".join(pattern)])
        else:
            assert {"/".join(picked.parts) for picked in select(root, ["/".join(pattern)]).picked} == wanted
    finally:
        shutil.rmtree(root)
