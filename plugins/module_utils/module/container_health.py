# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option ``healthcheck`` of module container, and times as Docker writes them."""

from __future__ import annotations

import re

from ..engine.errors import InvalidValue
from ..engine.spec.container import Healthcheck

_DURATION = re.compile(r"".join(r"(?:(\d+(?:\.\d+)?)%s)?" % unit for unit in ("h", "m(?!s)", "s", "ms", "us")) + r"\Z")
_FACTORS = (3600, 60, 1, 1e-3, 1e-6)
_LONGEST = 1 << 32
_TEST_HINT = 'write ["CMD", "program", "argument"], ["CMD-SHELL", "line"] or ["NONE"]'


def healthcheck(value):
    """The Healthcheck of a task, None where it gives none.

    :raises InvalidValue: naming the suboption.
    """
    if value is None:
        return None
    names = [name for name in ("interval", "timeout", "start_period", "start_interval") if value[name] is not None]
    times = {name: duration(value[name], "healthcheck." + name) for name in names}
    for name in ("interval", "timeout", "start_interval"):
        if times.get(name) == 0:
            # as for Docker, 0 means the default
            del times[name]
    retries = value["retries"]
    if retries is not None and retries < 1:
        raise InvalidValue("healthcheck.retries", retries, "is less than 1")
    return Healthcheck(test=_test(value["test"]), retries=3 if retries is None else retries, **times)


def _test(value):
    option = "healthcheck.test"
    if value is None:
        raise InvalidValue(option, None, "is needed", 'write ["CMD", "program", "argument"], a shell line, or ["NONE"]')
    if isinstance(value, str):
        return ("NONE",) if value == "NONE" else ("CMD-SHELL", value)
    if not isinstance(value, (list, tuple)):
        raise InvalidValue(option, value, "is neither a string nor a list of strings", _TEST_HINT)
    words = tuple(str(each) for each in value)
    complete = {"NONE": len(words) == 1, "CMD": len(words) > 1, "CMD-SHELL": len(words) == 2}
    if not words or not complete.get(words[0]):
        raise InvalidValue(option, list(words), "is not a test", _TEST_HINT)
    return words


def duration(text, option):
    """``1m30s``, ``500ms``, ``10`` (seconds) -> seconds as float."""
    value = str(text).strip()
    match = _DURATION.match(value)
    if re.match(r"\d+(\.\d+)?\Z", value):
        seconds = float(value)
    elif not value or match is None:
        raise InvalidValue(option, text, "is not a time", "write it as 30s, 1m30s or 500ms")
    else:
        seconds = sum(float(part) * factor for part, factor in zip(match.groups(), _FACTORS) if part)
    if seconds > _LONGEST:
        raise InvalidValue(option, text, "is too long a time", "write it as 30s, 1m30s or 500ms")
    return seconds
