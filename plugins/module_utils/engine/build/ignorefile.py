# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a context ``.dockerignore`` leaves out; the rules of Docker's pattern matcher, with its oddities.

A pattern is about the whole path from the root of the context, the last one that matches decides, and a directory takes along what is in
it. The same patterns serve ``COPY --exclude``.
"""

from __future__ import annotations

import posixpath
import re

from ..errors import InvalidValue

_LITERAL = frozenset(".+()|{}$")
_CLASSES = frozenset("dDsSwWbBAafnrtv")


class Ignore:
    """Patterns, ready to be asked.

    :param patterns: an iterable of strings such as :func:`parse` returns.
    :raises InvalidValue: names the pattern.
    """

    def __init__(self, patterns, option=".dockerignore"):
        self.patterns = tuple(_Pattern(text, option) for text in (each.strip() for each in patterns) if text)
        self.exceptions = any(pattern.exception for pattern in self.patterns)

    def matches(self, path):
        """Whether ``path`` (relative, with slashes) is left out."""
        path = posixpath.normpath(path)
        if path == ".":
            return False
        parts = path.split("/")
        parents = ["/".join(parts[:number]) for number in range(1, len(parts))]
        matched = False
        for pattern in self.patterns:
            # an exception matters only for what is left out so far, any other pattern only for what is not
            if pattern.exception == matched and (pattern.match(path) or any(pattern.match(parent) for parent in parents)):
                matched = not pattern.exception
        return matched

    def below(self, path, above=()):
        """(whether ``path`` is left out, results to pass on as ``above`` for what lies in it), for walks from the root down.

        This is what BuildKit asks when it reads a tree. It differs from :meth:`matches` where an exception comes before or above what it
        excepts: a pattern that did not count for a directory is asked again for what lies in it, by the longer path only.
        """
        matched, results = False, []
        for number, pattern in enumerate(self.patterns):
            match = bool(above) and above[number]
            if not match and pattern.exception == matched:
                match = pattern.match(path)
            results.append(match)
            if match:
                matched = not pattern.exception
        return matched, results

    def whole_directory(self, path):
        """Whether nothing below the left-out directory ``path`` can come back, so that it need not be read."""
        return self.matches(path) and not self.exceptions


def parse(text):
    """The tuple of patterns of a ``.dockerignore`` file, cleaned."""
    text = text.removeprefix("\ufeff")
    found = []
    for line in text.split("\n"):
        # only in the first column does # begin a comment
        pattern = "" if line.startswith("#") else line.strip()
        exception = pattern.startswith("!")
        if exception:
            pattern = pattern[1:].strip()
        if pattern:
            pattern = clean(pattern)
            if len(pattern) > 1 and pattern.startswith("/"):
                pattern = pattern[1:]
        if pattern or exception:
            found.append("!" + pattern if exception else pattern)
    return tuple(found)


def clean(path):
    """The shortest form of a path, by its text alone; two slashes in front become one."""
    found = posixpath.normpath(path)
    return found[1:] if found.startswith("//") else found


class _Pattern:
    def __init__(self, text, option):
        text = clean(text)
        self.exception = text.startswith("!")
        self.text = text[1:] if self.exception else text
        if not self.text:
            raise InvalidValue(option, text, "excludes nothing", "name a pattern behind the !")
        problem = problem_of(self.text)
        if problem:
            raise InvalidValue(option, text, problem)
        kind, expression = _translate(self.text)
        self.match = getattr(self, "_" + kind)
        self._expression = None
        if kind == "regular":
            try:
                self._expression = re.compile(_python(expression), re.ASCII)
            except (re.error, ValueError, OverflowError, RecursionError) as error:
                raise InvalidValue(option, text, "is not a pattern: %s" % error) from None

    def _exact(self, path):
        return path == self.text

    def _prefix(self, path):
        return path.startswith(self.text[:-2])

    def _suffix(self, path):
        suffix = self.text[2:]
        return path.endswith(suffix) or (suffix[:1] == "/" and path == suffix[1:])

    def _regular(self, path):
        return self._expression.search(path) is not None


def problem_of(text):
    """What is wrong with a pattern by the rules of Go's filepath.Match, or None."""
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "\\":
            if position == len(text):
                return "ends with a backslash"
            position += 1
        elif char == "[":
            position = _end_of_class(text, position)
            if position is None:
                return "has a [ that is not closed or holds nothing"
    return None


def _end_of_class(text, position):
    if text.startswith("^", position):
        position += 1
    count = 0
    while position < len(text):
        if text[position] == "]" and count:
            return position + 1
        position = _end_of_char(text, position)
        if position is not None and text.startswith("-", position):
            position = _end_of_char(text, position + 1)
        if position is None:
            return None
        count += 1
    return None


def _end_of_char(text, position):
    char = text[position:position + 1]
    if char in ("", "-", "]"):
        return None
    if char == "\\":
        position += 1
    # something must follow: the bracket that closes
    return position + 1 if position + 1 < len(text) else None


def _translate(text):
    """(kind, regular expression in Go's words) of a cleaned pattern."""
    parts, kind = ["^"], "exact"
    position, step = 0, 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "*" and text.startswith("*", position):
            position += 1
            if text.startswith("/", position):
                position += 1
            if position < len(text):
                parts.append("(.*/)?")
                kind = "regular"
            elif kind == "exact":
                kind = "prefix"
            else:
                parts.append(".*")
                kind = "regular"
            if step == 0:
                kind = "suffix"
        elif char in "*?":
            parts.append("[^/]*" if char == "*" else "[^/]")
            kind = "regular"
        elif char in _LITERAL:
            parts.append("\\" + char)
        elif char == "\\":
            parts.append(char + text[position:position + 1])
            position += 1
            kind = "regular"
        else:
            parts.append(char)
            kind = "regular" if char in "[]" else kind
        step += 1
    return kind, "".join(parts) + "$"


def _python(expression):
    """Go's expression in Python's words: the end is the end of the text, and sets hold no sets."""
    parts, inside = [], False
    position = 0
    while position < len(expression):
        char = expression[position]
        position += 1
        if char == "\\":
            char = expression[position]
            position += 1
            if char.isalnum() and char.isascii() and char not in _CLASSES:
                raise ValueError("\\%s is no escape" % char)
            parts.append("\\" + char if char in _CLASSES else re.escape(char))
        elif inside:
            inside = char != "]"
            parts.append("\\" + char if char in "[&~|" else char)
        elif char == "[":
            inside = True
            parts.append(char)
            if expression.startswith("^", position):
                parts.append("^")
                position += 1
        else:
            parts.append("\\Z" if char == "$" else "\\]" if char == "]" else char)
    return "".join(parts)
