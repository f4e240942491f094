# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a prune, in Docker's words: until, label, label!, dangling, all, id."""

from __future__ import annotations

import calendar
import dataclasses
import re
import time
from typing import Dict, Optional, Tuple

from ..errors import InvalidValue
from ..image.changes import duration

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?")


@dataclasses.dataclass(frozen=True)
class Filters:
    """``until``: seconds since 1970, what is younger stays. ``labels`` and ``not_labels``: pairs of a key and a value, or None for any."""

    until: Optional[float] = None
    labels: Tuple[Tuple[str, Optional[str]], ...] = ()
    not_labels: Tuple[Tuple[str, Optional[str]], ...] = ()
    dangling: bool = True
    all: bool = False
    ids: Tuple[str, ...] = ()

    def takes(self, created, labels):
        """Whether something of that age (seconds since 1970) and with those labels (dict) is meant."""
        if self.until is not None and created >= self.until:
            return False
        return all(_has(labels, pair) for pair in self.labels) and not any(_has(labels, pair) for pair in self.not_labels)


ANY = Filters()


def _has(labels: Dict[str, str], pair):
    key, value = pair
    return key in labels and (value is None or labels[key] == value)


def parse(option, value, allowed, now=None):
    """The :class:`Filters` of an option's dict.

    :param allowed: names of the filters that it may have. :param now: seconds since 1970.
    :raises InvalidValue: names option and filter.
    """
    found = {}
    for name, each in (value or {}).items():
        if name not in allowed:
            raise InvalidValue(option, name, "is not a filter here", "use %s" % ", ".join(allowed))
        where = "%s.%s" % (option, name)
        values = each if isinstance(each, list) else [each]
        if name == "until":
            found["until"] = min(moment(where, item, now) for item in values) if values else None
        elif name in ("label", "label!"):
            found["labels" if name == "label" else "not_labels"] = tuple(_pair(where, item) for item in values)
        elif name in ("dangling", "all"):
            found[name] = _truth(where, values)
        else:
            found["ids"] = tuple(str(item) for item in values)
    return Filters(**found)


def _pair(where, text):
    key, equals, value = str(text).partition("=")
    if not key or isinstance(text, (dict, list)):
        raise InvalidValue(where, text, "is not a label", "write it as KEY or KEY=VALUE")
    return key, value if equals else None


def _truth(where, values):
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = {words.get(str(item).lower()) for item in values}
    if len(found) != 1 or None in found:
        raise InvalidValue(where, values[0] if len(values) == 1 else values, "is neither true nor false")
    return found.pop()


def moment(where, value, now=None):
    """Seconds since 1970 of a moment: a duration before now (``24h``, ``1h30m``), a number of seconds since 1970, or a date and time.

    A date or time without a zone is UTC.
    """
    text = str(value)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    seconds = timestamp(text)
    if seconds is not None:
        return seconds
    try:
        return (time.time() if now is None else now) - duration(text, where) / 10 ** 9
    except InvalidValue:
        raise InvalidValue(where, value, "is no moment",
                           "write it as 24h or 1h30m (before now), 2026-01-31T12:00:00Z, or seconds since 1970") from None


def timestamp(text):
    """Seconds since 1970 of an RFC 3339 time, of a date, or of a time without a zone (UTC); None where the text is none."""
    match = _TIME.fullmatch(text or "")
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    clock = clock or "00:00:00"
    try:
        seconds = calendar.timegm(time.strptime("%s %s" % (day, clock if len(clock) == 8 else clock + ":00"), "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return None
    if zone not in (None, "Z"):
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds += offset if zone[0] == "-" else -offset
    return seconds + (float("0." + fraction) if fraction else 0.0)
