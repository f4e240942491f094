# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wildcards of COPY sources: a table, and a matcher that goes letter by letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.wildcard import Wildcard, has_wildcards


@pytest.mark.parametrize("pattern, matching, other", [
    ("*", ["a", ".a", ""], ["a/b"]), ("a?c", ["abc", "a\nc"], ["ac", "a/c"]), ("*/b", ["a/b", "/b"], ["b", "a/c/b"]),
    ("[a-c]x", ["ax", "cx"], ["dx", "x"]), ("[^a]x", ["bx", "/x"], ["ax"]), ("a[.-0]b", ["a/b", "a.b", "a0b"], ["a1b"]),
    ("\\*", ["*"], ["a"]), ("[\\]]", ["]"], ["\\"]), ("a.b", ["a.b"], ["axb"]), ("[z-a]", [], ["z", "a", "m"]),
    ("[^z-a]", ["z", "/"], [""]),
    ("[a/b]c", ["/c", "ac"], ["xc"]), ("**", ["a"], ["a/b"]), ("é?", ["éü"], ["é"]), ("(a|b)+", ["(a|b)+"], ["a"]),
])
def test_matches(pattern, matching, other):
    wildcard = Wildcard(pattern)
    assert [path for path in matching + other if wildcard.matches(path)] == matching


@pytest.mark.parametrize("pattern", ["[", "[]", "a[b", "a\\", "[a-]", "[-a]"])
def test_what_is_no_pattern(pattern):
    with pytest.raises(ValueError):
        Wildcard(pattern)


@pytest.mark.parametrize("text, answer", [
    ("a*", True), ("a\\*", False), ("[", True), ("?", True), ("a\\\\*", True), ("abc", False), ("\\", False)])
def test_has_wildcards(text, answer):
    assert has_wildcards(text) is answer


def test_only_directories_that_may_lead_to_a_match_are_read():
    wildcard = Wildcard("a*/b/*")
    assert wildcard.may_lead(("ab",))
    assert wildcard.may_lead(("ab", "b"))
    assert not wildcard.may_lead(("b",))
    assert not wildcard.may_lead(("ab", "c"))
    assert not wildcard.may_lead(("ab", "b", "c"))
    assert Wildcard("[!-~]*").may_lead(("x", "y", "z"))


def letter_by_letter(pattern, text):
    """The description of Go's filepath.Match, without sets."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return letter_by_letter(pattern[1:], text) or (text[:1] not in ("", "/") and letter_by_letter(pattern, text[1:]))
    if pattern[0] == "?":
        return text[:1] not in ("", "/") and letter_by_letter(pattern[1:], text[1:])
    if pattern[0] == "\\":
        pattern = pattern[1:]
    return text[:1] == pattern[0] and letter_by_letter(pattern[1:], text[1:])


PIECES = st.sampled_from(["a", "b", "/", "*", "?", ".", "\\a", "\\*", "\\?"])


@given(st.lists(PIECES, max_size=7).map("".join), st.text("ab/*?.", max_size=7))
def test_random_patterns_match_as_letter_by_letter(pattern, text):
    assert Wildcard(pattern).matches(text) is letter_by_letter(pattern, text)
