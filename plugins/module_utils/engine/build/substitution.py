# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patterns of ``${x#p}``, ``${x%p}`` and ``${x/p/r}``: ``*`` any text of one line, ``?`` one character, a backslash before them.

Matching keeps the set of places that can be reached, so that no pattern takes more than length times length.
"""

from __future__ import annotations

from ..errors import EngineError

_STAR = object()
_ONE = object()


class WordError(EngineError):
    """A word cannot be expanded."""


class Glob:
    """:raises WordError: for an escape of a character that has no meaning."""

    def __init__(self, pattern):
        self.parts = tuple(_parts(pattern))

    def without_prefix(self, value, longest):
        """``value`` without the shortest or longest start that matches."""
        ends = _ends(self.parts, value, 0)
        return value[(max(ends) if longest else min(ends)):] if ends else value

    def without_suffix(self, value, longest):
        """``value`` without the shortest or longest end that matches."""
        ends = _ends(self.parts[::-1], value[::-1], 0)
        return value[:len(value) - (max(ends) if longest else min(ends))] if ends else value

    def replace(self, value, replacement, everywhere):
        """``value`` with the first match, or every one, replaced by the text ``replacement``."""
        result = []
        position, last = 0, -1
        while position <= len(value):
            ends = _ends(self.parts, value, position)
            end = max(ends) if ends else None
            if end is None or (end == position == last):
                result.append(value[position:position + 1])
                position += 1
                continue
            result.append(replacement)
            if not everywhere:
                result.append(value[end:])
                break
            if end == position:
                result.append(value[position:position + 1])
                position += 1
            else:
                position = last = end
        return "".join(result)


def _parts(pattern):
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            yield _STAR
        elif char == "?":
            yield _ONE
        elif char == "\\":
            following = pattern[position:position + 1]
            if following and following in "}/":
                continue
            if not following or following not in "*?\\":
                raise WordError("invalid escape %r in pattern %r" % (char + following, pattern))
            yield following
            position += 1
        else:
            yield char


def _ends(parts, value, start):
    """The set of places where a match that begins at ``start`` can end."""
    places = {start}
    for part in parts:
        if part is _STAR:
            reached = set()
            for place in sorted(places):
                # what an earlier place reached, this one reaches too
                while place not in reached:
                    reached.add(place)
                    if place < len(value) and value[place] != "\n":
                        place += 1
            places = reached
        elif part is _ONE:
            places = {place + 1 for place in places if place < len(value) and value[place] != "\n"}
        else:
            places = {place + 1 for place in places if value[place:place + 1] == part}
        if not places:
            break
    return places
