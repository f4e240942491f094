# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option ``comparisons`` of module container: which differences count."""

from __future__ import annotations

from ..engine.errors import InvalidValue
from .container_arguments import COMPARABLE


def comparisons(values):
    """(fields to ignore, fields in which more may be there) of docker_container's ``comparisons``."""
    ignore, subset = set(), set()
    everything = values.get("*")
    if everything not in (None, "ignore", "strict"):
        raise InvalidValue("comparisons", {"*": everything}, "is not possible for all options", "use ignore or strict")
    if everything == "ignore":
        ignore.update(COMPARABLE.values())
    for option, how in values.items():
        if option == "*":
            continue
        if option not in COMPARABLE:
            raise InvalidValue("comparisons", option, "is not an option that is compared", "one of %s" % ", ".join(sorted(COMPARABLE)))
        if how not in ("ignore", "strict", "allow_more_present"):
            raise InvalidValue("comparisons", {option: how}, "is not a way to compare", "use strict, ignore or allow_more_present")
        field = COMPARABLE[option]
        ignore.discard(field)
        if how == "ignore":
            ignore.add(field)
        elif how == "allow_more_present":
            subset.add(field)
    return tuple(sorted(ignore)), tuple(sorted(subset))
