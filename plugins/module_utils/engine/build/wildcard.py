# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of COPY sources: the rules of Go's filepath.Match. ``*`` and ``?`` never match a slash, a set may."""

from __future__ import annotations

import re

from .ignorefile import problem_of


class Wildcard:
    """A relative path with wildcards.

    :ivar steps: one expression a component, or None where a set could match a slash, so that only whole paths can be asked.
    :raises ValueError: the pattern cannot be used.
    """

    def __init__(self, text):
        problem = problem_of(text)
        if problem:
            raise ValueError(problem)
        steps, crosses = _translate(text)
        self._whole = re.compile("/".join(steps), re.DOTALL)
        self.steps = None if crosses else [re.compile(step, re.DOTALL) for step in steps]

    def matches(self, path):
        return self._whole.fullmatch(path) is not None

    def may_lead(self, names):
        """Whether something below the directory with these components could match."""
        if self.steps is None:
            return True
        return len(names) < len(self.steps) and self.steps[len(names) - 1].fullmatch(names[-1]) is not None


def has_wildcards(text):
    """Whether a path is a pattern: a backslash takes the meaning of the character behind it."""
    position = 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] in "*?[":
            return True
        position += 1
    return False


def _translate(text):
    """(regular expressions, one a component; whether a set matches a slash) of a pattern that is in order."""
    steps, step, crosses = [], [], False
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "/":
            steps.append("".join(step))
            step = []
        elif char in "*?":
            step.append("[^/]*" if char == "*" else "[^/]")
        elif char == "[":
            expression, has_slash, position = _set(text, position)
            step.append(expression)
            crosses = crosses or has_slash
        else:
            if char == "\\":
                char = text[position]
                position += 1
            step.append(re.escape(char))
    return steps + ["".join(step)], crosses


def _set(text, position):
    """(regular expression, whether it matches a slash, position behind the bracket) of a set; ``position`` is behind its ``[``."""
    negated = text.startswith("^", position)
    position += negated
    parts, has_slash, first = [], False, True
    while first or text[position] != "]":
        first = False
        low, position = _char(text, position)
        high = low
        if text[position] == "-":
            high, position = _char(text, position + 1)
        if low <= high:
            parts.append("%s-%s" % (re.escape(low), re.escape(high)))
            has_slash = has_slash or low <= "/" <= high
    if not parts:
        return (".", True, position + 1) if negated else ("(?!)", False, position + 1)
    return "[%s%s]" % ("^" if negated else "", "".join(parts)), has_slash != negated, position + 1


def _char(text, position):
    if text[position] == "\\":
        position += 1
    return text[position], position + 1
