# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``--chmod``: octal modes and the symbolic ones of chmod(1), without a umask."""

from __future__ import annotations

import re

from ..errors import InvalidValue

_OCTAL = re.compile("[0-7]+")
_CLAUSE = re.compile("([ugoa]*)((?:[-+=][rwxXst]*[ugo]?)+)")
_ACTION = re.compile("([-+=])([rwxXst]*)([ugo]?)")
_SHIFT = {"u": 6, "g": 3, "o": 0}


class Chmod:
    """A change of modes.

    :ivar octal: the mode, where it is the same for everything, or None.
    :raises InvalidValue: neither octal (to 7777) nor symbolic.
    """

    def __init__(self, text):
        self.octal = None
        self._actions = []
        if _OCTAL.fullmatch(text):
            self.octal = int(text, 8)
            if self.octal > 0o7777:
                raise InvalidValue("--chmod", text, "is more than 7777")
            return
        for clause in text.split(","):
            match = _CLAUSE.fullmatch(clause)
            if match is None:
                raise InvalidValue("--chmod", text, "is no mode", "write it as 0755, u=rwX,go=rX or +x")
            for action in _ACTION.finditer(match.group(2)):
                self._actions.append((match.group(1),) + action.groups())

    def apply(self, mode, is_directory):
        """The permission bits after the change of those in ``mode``."""
        if self.octal is not None:
            return self.octal
        mode &= 0o7777
        executable = is_directory or mode & 0o111
        for who, action, letters, source in self._actions:
            mode = _change(mode, who, action, letters, source, executable)
        return mode


def _change(mode, who, action, letters, source, executable):
    classes = "ugo" if not who or "a" in who else who
    bits = 0
    permissions = sum(bit for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if letter in letters)
    if "X" in letters and (executable or action == "-"):
        permissions |= 1
    if source:
        permissions |= mode >> _SHIFT[source] & 7
    mask = 0
    for each in classes:
        bits |= permissions << _SHIFT[each]
        mask |= 7 << _SHIFT[each]
    for each, bit in (("u", 0o4000), ("g", 0o2000)):
        if each in classes:
            mask |= bit
            if "s" in letters:
                bits |= bit
    if "t" in letters and (not who or set(who) - {"o"}):
        bits |= 0o1000
        mask |= 0o1000
    if action == "+":
        return mode | bits
    if action == "-":
        return mode & ~bits
    return mode & ~mask | bits
