# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something stands in a Dockerfile, and errors that show it the way compilers do."""

from __future__ import annotations

from ..errors import EngineError


class DockerfileError(EngineError):
    """Something is wrong in a Dockerfile: the message is ``FILE:LINE:COLUMN: reason``, then the line and a caret below it.

    :param column: counted from 1.
    :param width: how many characters the caret underlines.
    :param text: the source line; None where there is none (an empty file).
    """

    def __init__(self, reason, file, line, column=1, width=1, text=None, hint=None):
        self.reason = reason
        self.file = file
        self.line = line
        self.column = column
        message = "%s:%d:%d: %s" % (file, line, column, reason)
        if text is not None:
            margin = " " * len(str(line))
            # a tab before the caret stays a tab, so that both lines are indented alike on any terminal
            indent = "".join("\t" if char == "\t" else " " for char in text[:column - 1])
            message += "\n %d | %s\n %s | %s%s" % (line, text, margin, indent, "^" * max(width, 1))
        super().__init__(message, hint)


def locate(lines, token):
    """(index of the line, column from 1, width) of the first occurrence of ``token``, or of the first word of the first line."""
    if token:
        # the part before a line break or continuation is enough to find it
        wanted = token.split("\n", 1)[0].strip()
        for number, line in enumerate(lines):
            position = line.find(wanted) if wanted else -1
            if position >= 0:
                return number, position + 1, len(wanted)
    first = lines[0] if lines else ""
    indent = len(first) - len(first.lstrip())
    words = first.split(None, 1)
    return 0, indent + 1, len(words[0]) if words else 1


def nearest(word, names):
    """The name that ``word`` probably was meant to be, or None: at most two changes away, and fewer than the word has letters."""
    best, found = 3, None
    for name in names:
        away = _distance(word.lower(), name.lower())
        if away < min(best, len(word)):
            best, found = away, name
    return found


def _distance(one, other):
    """Levenshtein's distance; a length far off is not looked at, and letters in another order are one change."""
    if one != other and sorted(one) == sorted(other):
        return 1
    if abs(len(one) - len(other)) > 2:
        return 3
    row = list(range(len(other) + 1))
    for number, char in enumerate(one, 1):
        before, row[0] = row[0], number
        for column, each in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (char != each))
    return row[-1]
