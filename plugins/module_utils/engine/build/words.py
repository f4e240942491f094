# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splitting the arguments of an instruction before anything in them is expanded: flags, JSON lists, pairs."""

from __future__ import annotations

import json
import re

from .shell import is_space

_SURROGATE = re.compile("[\ud800-\udfff]")


class NotStrings(ValueError):
    """A JSON list holds something else than strings."""


def json_list(text):
    """The strings of a JSON list, or None where the text is none.

    :raises NotStrings: for a list of other things.
    """
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(each, str) for each in value):
        raise NotStrings("a JSON list may hold strings only")
    return tuple(_SURROGATE.sub("\ufffd", each) for each in value)


def json_strings(text):
    """Whether the text is a JSON list of any kind."""
    try:
        return json_list(text) is not None
    except NotStrings:
        return True


def _no_constant(text):
    raise ValueError(text)


def flags_of(text, escape):
    """(flags, rest): the words in front that begin with ``--``, their quotes and escapes taken off, and the stripped rest.

    A lone ``--`` ends them.
    """
    flags = []
    position = 0
    while True:
        while position < len(text) and is_space(text[position]):
            position += 1
        if not text.startswith("--", position):
            return tuple(flags), text[position:].strip()
        word, position = _flag(text, position, escape)
        if word == "--":
            return tuple(flags), text[position:].strip()
        flags.append(word)


def _flag(text, position, escape):
    word, mark = [], ""
    while position < len(text):
        char = text[position]
        position += 1
        if char == escape:
            word.append(text[position:position + 1])
            position += 1
        elif mark:
            if char == mark:
                mark = ""
            else:
                word.append(char)
        elif char in ("'", '"'):
            mark = char
        elif is_space(char):
            break
        else:
            word.append(char)
    return "".join(word), min(position, len(text))


def raw_words(text, escape):
    """Words with their quotes and escapes, for pairs such as ``a="x y"`` that are expanded later."""
    words, word, mark = [], [], ""
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if not mark and is_space(char):
            if word:
                words.append("".join(word))
                word = []
            continue
        if char == escape and mark != "'":
            if position == len(text):
                break
            word.append(char)
            char = text[position]
            position += 1
        elif mark:
            mark = "" if char == mark else mark
        elif char in ("'", '"'):
            mark = char
        word.append(char)
    if word:
        words.append("".join(word))
    return words


def pairs_of(text, escape):
    """A tuple of (name, value) from ``NAME=VALUE NAME=VALUE`` or from the old ``NAME VALUE``, nothing expanded.

    :raises ValueError: (reason, word).
    """
    words = raw_words(text, escape)
    if not words:
        return ()
    if "=" not in words[0]:
        parts = re.split(r"[\t\v\f\r ]+", text, maxsplit=1)
        if len(parts) < 2:
            raise ValueError("%r has no value" % words[0], words[0])
        return ((parts[0], parts[1]),)
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError("%r is not NAME=VALUE" % word, word)
        if not name:
            raise ValueError("%r has no name" % word, word)
        found.append((name, value))
    return tuple(found)
