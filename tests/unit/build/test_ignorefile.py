# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of .dockerignore, by a table and against a translation written another way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.ignorefile import Ignore, parse
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue


@pytest.mark.parametrize("text, patterns", [
    ("a\n\n  b  \n", ("a", "b")), ("# no\n #yes\n", ("#yes",)), ("\ufeffa", ("a",)), ("/a/\n./b\nc//d/../e", ("a", "b", "c/e")),
    ("! a/\n!/b", ("!a", "!b")), ("/\n.", ("/", ".")), ("a\r\nb\r\n", ("a", "b")), ("!", ("!",)), ("//a", ("a",)), ("../a", ("../a",)),
])
def test_lines(text, patterns):
    assert parse(text) == patterns


@pytest.mark.parametrize("patterns, out, kept", [
    (["a"], ["a", "a/b", "a/b/c"], ["b/a", "ab"]), (["*.md"], ["x.md", ".md", "x.md/y"], ["d/x.md", "xmd"]),
    (["*/x"], ["a/x", "a/x/y"], ["x", "a/b/x"]), (["**/x"], ["x", "a/x", "a/b/x", "x/y"], ["ax", "a/bx", "xa"]),
    (["**"], ["a", "a/b"], ["."]), (["a/**"], ["a/b", "a/b/c"], ["a", "ab"]), (["a**"], ["a", "ab", "a/b"], ["b"]),
    (["a/**/b"], ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]), (["**/*.go"], ["a.go", "b/a.go"], ["a.go2"]),
    (["x?"], ["xy"], ["x", "x/", "xyz"]),
    (["[a-c]"], ["a", "c"], ["d"]), (["[^a]x"], ["bx"], ["ax"]), (["\\*"], ["*"], ["a"]), (["*", "!a"], ["b", "b/a"], ["a", "a/b"]),
    (["a", "!a/b"], ["a", "a/c"], ["a/b", "a/b/c"]), (["!a", "a"], ["a"], ["b"]),
    (["*.md", "!README*.md", "README-secret.md"], ["a.md", "README-secret.md"], ["README.md"]),
    (["a.b"], ["a.b"], ["axb"]), (["a+(b)|{c}$"], ["a+(b)|{c}$"], ["aab"]), (["a^b*"], [], ["a^b"]),
    (["  a  "], ["a"], []), (["a/"], ["a", "a/b"], ["b"]), (["**/a/**"], ["a/b", "x/a/b"], ["a", "b"]), (["[[]x"], ["[x"], ["x"]),
    (["a]"], ["a]"], ["a"]), (["é?"], ["éü"], ["é"]),
])
def test_paths(patterns, out, kept):
    ignore = Ignore(patterns)
    assert [path for path in out + kept if ignore.matches(path)] == out


@pytest.mark.parametrize("pattern", ["!", "[", "[]", "[a", "a\\", "[a-]", "[-a]", "[]a]", "\\y", "[z-a]"])
def test_bad_patterns_are_named(pattern):
    with pytest.raises(InvalidValue) as caught:
        Ignore([pattern])
    assert repr(pattern) in str(caught.value)


def test_a_directory_is_skipped_whole_only_without_exceptions():
    assert Ignore(["a"]).whole_directory("a")
    assert not Ignore(["a", "!a/b"]).whole_directory("a")


def reference(pattern, path):
    """Whole-path match by trying every split; ``**`` with a slash takes any number of directories, also none."""
    if not pattern:
        return not path
    if pattern == "**":
        return True
    if pattern.startswith("**"):
        rest = pattern[2:].lstrip("/") if pattern[2:3] == "/" else pattern[2:]
        return any(reference(rest, path[at:]) for at in range(len(path) + 1) if at == 0 or path[at - 1] == "/")
    if pattern[0] == "*":
        return any(reference(pattern[1:], path[at:]) for at in range(len(path) + 1) if "/" not in path[:at])
    return bool(path) and (path[0] == pattern[0] or (pattern[0] == "?" and path[0] != "/")) and reference(pattern[1:], path[1:])


NAMES = st.text(alphabet="ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PARTS = st.one_of(NAMES, st.sampled_from(["*", "?", "a*", "*b", "?a", "**"]))


@given(st.lists(st.tuples(st.booleans(), st.lists(PARTS, min_size=1, max_size=4)), max_size=4), st.lists(NAMES, min_size=1, max_size=4))
def test_against_the_reference(rules, names):
    matched = False
    paths = ["/".join(names[:number]) for number in range(1, len(names) + 1)]
    for exception, parts in rules:
        pattern = "/".join(parts)
        if any(reference(pattern, path) for path in paths):
            matched = not exception
    patterns = ["%s%s" % ("!" if exception else "", "/".join(parts)) for exception, parts in rules]
    assert Ignore(patterns).matches(paths[-1]) is matched


@given(st.text(alphabet="ab*?[]^-\\!/. {}\n", max_size=20), st.text(alphabet="ab/.", min_size=1, max_size=8))
def test_nothing_but_a_named_error(text, path):
    try:
        assert Ignore(parse(text)).matches(path) in (True, False)
    except InvalidValue as error:
        assert error.option == ".dockerignore"
