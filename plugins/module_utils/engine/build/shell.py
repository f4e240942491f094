# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a Dockerfile: quotes, escapes and ``$variables``, by the rules of BuildKit's lexer.

``Lexer.word`` expands one word and keeps its spaces; ``Lexer.words`` also splits, after the expansion, as a shell does.
"""

from __future__ import annotations

import dataclasses
from typing import FrozenSet, Tuple

from .substitution import Glob, WordError

_SPECIAL = frozenset("@*#?-$!0")
_SEPARATORS = frozenset("\x1c\x1d\x1e\x1f")
DEEPEST = 50
"""How deep substitutions may stand in each other."""


@dataclasses.dataclass(frozen=True)
class Expansion:
    """:param text: the expanded word; :param words: the same, split; :param used: variables that are set.
    :param missing: that are not set, where nothing says what is to be done then.
    """

    text: str
    words: Tuple[str, ...]
    used: FrozenSet[str] = frozenset()
    missing: FrozenSet[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Lexer:
    """How words are read.

    :param escape: the escape character of the file.
    :param keep_quotes: quotes stay in the result; what they hold is still taken as one.
    :param keep_escapes: escape characters stay.
    :param ignore_quotes: quotes are characters like others (contents of here-documents).
    :param keep_unset: a variable that is not set stays as it was written.
    """

    escape: str = "\\"
    keep_quotes: bool = False
    keep_escapes: bool = False
    ignore_quotes: bool = False
    keep_unset: bool = False

    def expand(self, text, variables):
        """:raises WordError: with the text and the reason."""
        run = _Run(self, text, variables)
        try:
            found, words = run.until(None, self.keep_escapes)
        except WordError as error:
            raise WordError("cannot expand %s: %s" % (_quoted(text), error)) from None
        return Expansion(found, tuple(words), frozenset(run.used), frozenset(run.missing))

    def word(self, text, variables):
        """One word."""
        return self.expand(text, variables).text

    def words(self, text, variables):
        """A tuple of words."""
        return self.expand(text, variables).words


def is_space(char):
    """White space by Unicode; Python alone also counts the four information separators."""
    return char.isspace() and char not in _SEPARATORS


def quote(text, escape="\\"):
    """A word that any :class:`Lexer` with this escape character reads as ``text``."""
    return '"%s"' % "".join(escape + char if char in ('"', "$", escape) else char for char in text)


def _quoted(text):
    return '"%s"' % (text if len(text) <= 80 else text[:77] + "...")


class _Words:
    """Collects words: a space ends one, except where it was quoted."""

    def __init__(self):
        self.done = []
        self.word = []
        self.inside = False

    def add(self, text):
        for char in text:
            if not is_space(char):
                self.add_raw(char)
            elif self.inside and self.word:
                self.done.append("".join(self.word))
                self.word = []
                self.inside = False

    def add_raw(self, text):
        if text:
            self.word.append(text)
        self.inside = True

    def finish(self):
        if self.word:
            self.done.append("".join(self.word))
            self.word = []
        return self.done


class _Run:
    def __init__(self, lexer, text, variables):
        self.lexer = lexer
        self.text = text
        self.variables = variables
        self.position = 0
        self.depth = 0
        self.raw = lexer.keep_escapes
        self.used = set()
        self.missing = set()

    def peek(self):
        return self.text[self.position:self.position + 1]

    def next(self):
        char = self.text[self.position:self.position + 1]
        self.position += 1 if char else 0
        return char

    def until(self, stop, raw):
        """(text, words) up to the character ``stop``, which is taken, or to the end."""
        result, words = [], _Words()
        before, self.raw = self.raw, raw
        self.depth += 1
        if self.depth > DEEPEST:
            raise WordError("substitutions stand more than %d deep in each other" % DEEPEST)
        while True:
            char = self.peek()
            if not char or char == stop:
                break
            if char == "$":
                found = self.dollar()
                words.add(found)
            elif char in ("'", '"') and not self.lexer.ignore_quotes:
                found = self.single() if char == "'" else self.double()
                words.add_raw(found)
            elif self.next() == self.lexer.escape:
                escaped = self.next()
                found = (char if raw else "") + escaped
                if found:
                    words.add_raw(found)
            else:
                found = char
                words.add(char)
            result.append(found)
        if stop and not self.next():
            raise WordError("missing %r" % stop)
        self.raw = before
        self.depth -= 1
        return "".join(result), words.finish()

    def single(self):
        start = self.position
        end = self.text.find("'", start + 1)
        if end < 0:
            raise WordError("the single quote is not closed")
        self.position = end + 1
        return self.text[start:end + 1] if self.lexer.keep_quotes else self.text[start + 1:end]

    def double(self):
        mark = self.next() if self.lexer.keep_quotes else self.next() and ""
        result = [mark]
        while True:
            char = self.peek()
            if not char:
                raise WordError("the double quote is not closed")
            if char == '"':
                self.next()
                return "".join(result) + mark
            if char == "$":
                result.append(self.dollar())
                continue
            self.next()
            if char == self.lexer.escape:
                if self.raw:
                    result.append(char)
                if not self.peek():
                    continue
                # others keep the escape character before them
                if self.peek() in ('"', "$", self.lexer.escape):
                    char = self.next()
            result.append(char)

    def lookup(self, name, optional=False):
        """(value, set) of a variable; :param optional: what stands around it says what happens without it."""
        if name in self.variables:
            self.used.add(name)
            return self.variables[name], True
        if not optional:
            self.missing.add(name)
        return "", False

    def name(self):
        start = self.position
        char = self.peek()
        if char.isdecimal():
            while self.peek().isdecimal():
                self.position += 1
        elif char and char in _SPECIAL:
            self.position += 1
        else:
            while self.peek() and (self.peek().isalpha() or self.peek().isdecimal() or self.peek() == "_"):
                self.position += 1
        return self.text[start:self.position]

    def dollar(self):
        self.next()
        if self.peek() == "{":
            self.next()
            return self.braces()
        name = self.name()
        if not name:
            return "$"
        value, is_set = self.lookup(name)
        return "$" + name if not is_set and self.lexer.keep_unset else value

    def braces(self):
        if not self.peek():
            raise WordError("missing '}'")
        if self.peek() in "{}:":
            raise WordError("bad substitution")
        name = self.name()
        operator = self.next()
        if operator == "}":
            value, is_set = self.lookup(name)
            return "${%s}" % name if not is_set and self.lexer.keep_unset else value
        if operator == "/":
            return self.replaced(name)
        written = operator
        if operator == ":":
            operator = self.next()
            written += operator
        if not operator:
            raise WordError("missing '}'")
        if operator not in "+-?#%":
            raise WordError("%r is no modifier of a substitution" % written)
        word = self.until("}", operator in "#%")[0]
        value, is_set = self.lookup(name, operator in "+-?")
        if not is_set and self.lexer.keep_unset:
            return "${%s%s%s}" % (name, written, word)
        return self.modified(name, written, word, value if is_set else None)

    @staticmethod
    def modified(name, written, word, value):
        """:param value: None where the variable is not set."""
        operator = written[-1]
        absent = value is None or (written[0] == ":" and not value)
        if operator == "-":
            return word if absent else value
        if operator == "+":
            return "" if absent else word
        if operator == "?":
            if absent:
                raise WordError("%s: %s" % (name, word or "is not allowed to be %s" % ("unset" if value is None else "empty")))
            return value
        longest = word.startswith(operator)
        glob = Glob(word[1:] if longest else word)
        return (glob.without_prefix if operator == "#" else glob.without_suffix)(value or "", longest)

    def replaced(self, name):
        everywhere = self.peek() == "/"
        if everywhere:
            self.next()
        pattern = self.until("/", True)[0]
        replacement = self.until("}", True)[0]
        value, is_set = self.lookup(name)
        if not is_set and self.lexer.keep_unset:
            return "${%s/%s%s/%s}" % (name, "/" if everywhere else "", pattern, replacement)
        return Glob(pattern).replace(value, replacement, everywhere)
