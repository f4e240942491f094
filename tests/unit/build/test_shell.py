# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Word splitting and expansion, by tables and by laws."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.shell import Lexer, WordError, quote

ENV = {"x": "foo.tar.gz", "empty": "", "p": "/a/b/c", "two": "one  two", "FOO": "xxyyzz", "slash": "a/b/a"}


@pytest.mark.parametrize("text, expected", [
    ("hello", "hello"), ("he'll'o", "hello"), ("'$x'", "$x"), ('"$x"', "foo.tar.gz"), ("\\$x", "$x"), ('"\\$x"', "$x"), ('"a\\b"', "a\\b"),
    ("a\\b", "ab"), ("a\\", "a"), ('"\\""', '"'), ("'\\'", "\\"), ("$x", "foo.tar.gz"), ("${x}", "foo.tar.gz"), ("$xy", ""), ("a$", "a$"),
    ("$1a", "a"), ("$.", "$."), ("$$", ""), ("a  b", "a  b"), ("", ""), ("''", ""),
    ("${no:-d}", "d"), ("${no-d}", "d"), ("${empty:-d}", "d"), ("${empty-d}", ""), ("${x:-d}", "foo.tar.gz"), ("${no:-$x}", "foo.tar.gz"),
    ("${no:-'a}b'}", "a}b"), ("${no:-${empty:-deep}}", "deep"), ("${no:-a\\}b}", "a}b"), ("${no:-}", ""),
    ("${x:+d}", "d"), ("${x+d}", "d"), ("${empty:+d}", ""), ("${empty+d}", "d"), ("${no+d}", ""), ("${no:+d}", ""),
    ("${x:?m}", "foo.tar.gz"), ("${empty?m}", ""),
    ("${x#*.}", "tar.gz"), ("${x##*.}", "gz"), ("${x%.*}", "foo.tar"), ("${x%%.*}", "foo"), ("${x#nothing}", "foo.tar.gz"),
    ("${p##*/}", "c"), ("${p%/*}", "/a/b"), ("${FOO#x?}", "yyzz"), ("${FOO%?}", "xxyyz"), ("${no#x}", ""), ("${x#}", "foo.tar.gz"),
    ("${FOO/x/y}", "yxyyzz"), ("${FOO//x/y}", "yyyyzz"), ("${FOO//x*y/n}", "nzz"), ("${slash//\\//-}", "a-b-a"), ("${FOO/y/}", "xxyzz"),
    ("${FOO//?/a}", "aaaaaa"), ("${no/a/b}", ""), ("${FOO/x/$p}", "/a/b/cxyyzz"),
])
def test_one_word(text, expected):
    assert Lexer().word(text, ENV) == expected


@pytest.mark.parametrize("text, expected", [
    ("a b", ("a", "b")), ("  a \t b  ", ("a", "b")), ("'a b' c", ("a b", "c")), ("$two", ("one", "two")), ('"$two"', ("one  two",)),
    ("a\\ b", ("a b",)), ("a'b c'd", ("ab cd",)), ("", ()), ("$empty a", ("a",)), ("${no:-a b}", ("a", "b")), ("x$two", ("xone", "two")),
])
def test_several_words(text, expected):
    assert Lexer().words(text, ENV) == expected


@pytest.mark.parametrize("text, reason", [
    ("'a", "single quote"), ('"a', "double quote"), ("${x", "missing '}'"), ("${", "missing '}'"), ("${}", "bad substitution"),
    ("${:x}", "bad substitution"), ("${{x}}", "bad substitution"), ("${x:/a}", "modifier"), ("${x^}", "modifier"),
    ("${x:-a", "missing '}'"),
    ("${no:?tell me}", "no: tell me"), ("${no?}", "no: is not allowed to be unset"), ("${empty:?}", "empty: is not allowed to be empty"),
    ("${x/a}", "missing '/'"), ("${x/a/b", "missing '}'"), ("${x#\\y}", "invalid escape"), ("${a:-" * 80 + "}" * 80, "deep"),
])
def test_errors_name_the_word(text, reason):
    with pytest.raises(WordError, match="cannot expand") as caught:
        Lexer().word(text, ENV)
    assert reason in str(caught.value)


@pytest.mark.parametrize("options, text, expected", [
    ({"keep_quotes": True}, "'a b'\"c\"", "'a b'\"c\""), ({"keep_escapes": True}, "a\\$x", "a\\$x"),
    ({"ignore_quotes": True}, "'$p'", "'/a/b/c'"),
    ({"keep_unset": True}, "$no ${no} ${no:-d} $x", "$no ${no} ${no:-d} foo.tar.gz"), ({"escape": "`"}, "C:\\a`$x", "C:\\a$x"),
    ({"keep_unset": True}, "${no//a/b}", "${no//a/b}"),
])
def test_modes(options, text, expected):
    assert Lexer(**options).word(text, ENV) == expected


def test_used_and_missing_variables_are_told():
    found = Lexer().expand("$x ${no:-$p} $gone ${away#a}", ENV)
    assert (found.used, found.missing) == ({"x", "p"}, {"gone", "away"})


@given(st.text(), st.sampled_from("\\`"))
def test_a_quoted_word_comes_back(text, escape):
    lexer = Lexer(escape=escape)
    assert lexer.word(quote(text, escape), {}) == text
    assert lexer.words(quote(text, escape), {}) == ((text,) if text else ())


@given(st.lists(st.text(min_size=1)))
def test_quoted_words_stay_apart(words):
    assert Lexer().words(" ".join(quote(word) for word in words), {}) == tuple(words)


@given(st.text(alphabet="ax${}:-+?#%/'\"\\ *.", max_size=40), st.booleans())
def test_nothing_but_a_word_error(text, keep):
    try:
        found = Lexer(keep_unset=keep).expand(text, {"a": "xa", "x": ""})
    except WordError:
        return
    assert isinstance(found.text, str) and all(found.words)


@given(st.text(alphabet="ab", max_size=8), st.text(alphabet="ab*?", max_size=6))
def test_trimming_against_regular_expressions(value, pattern):
    def trimmed(modifier):
        return Lexer().word("${v%s%s}" % (modifier, pattern), {"v": value})

    plain = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    starts = [end for end in range(len(value) + 1) if re.fullmatch(plain, value[:end])]
    ends = [start for start in range(len(value) + 1) if re.fullmatch(plain, value[start:])]
    assert trimmed("##") == (value[max(starts):] if starts else value)
    assert trimmed("%%") == (value[:min(ends)] if ends else value)
    assert trimmed("#") == (value[min(starts):] if starts else value)
    assert trimmed("%") == (value[:max(ends)] if ends else value)
