# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``devices``: a list in the kernel (cgroup-v1/devices.rst), which is either what is allowed or what is denied."""

from __future__ import annotations

import errno
import os

from ...errors import Unsupported
from .. import files

_ALL = "a *:* rwm"


def plan(rules):
    """The writes for ``rules``: tuple of (name of the file, text).

    :raises Unsupported: a rule takes something out of an earlier one, for which the kernel's list has no form.
    """
    # what a rule for everything says, no earlier one changes
    first = max((number for number, rule in enumerate(rules) if rule.covers_everything), default=-1)
    allowed, exceptions = first >= 0 and rules[first].allow, []
    for number, rule in enumerate(rules[first + 1:], first + 1):
        if rule.allow != allowed:
            exceptions.append(rule)
        elif any(rule.overlaps(earlier) for earlier in exceptions):
            raise Unsupported("device rule %d (%s %s): cgroup v1 cannot take it out of an earlier rule" % (
                number + 1, "allow" if rule.allow else "deny", rule.describe()), "give the rules without overlaps")
    writes = [("devices.allow" if allowed else "devices.deny", "a")]
    for rule in exceptions:
        # to the kernel "a" with numbers is "a" without them
        types = ("c", "b") if rule.type == "a" else (rule.type,)
        numbers = rule.describe()[2:]
        writes.extend(("devices.allow" if rule.allow else "devices.deny", "%s %s" % (kind, numbers)) for kind in types)
    return tuple(writes)


def apply(directory, rules):
    """Hold the group to ``rules``; best while it is empty, for they come one after the other.

    :raises Unsupported: more is asked for than the group above has, or what :func:`plan` says.
    """
    for name, text in plan(rules):
        if (name, text) == ("devices.allow", "a") and files.read(os.path.join(directory, "devices.list")) == _ALL:
            continue
        try:
            files.write(os.path.join(directory, name), text)
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
            if (name, text) != ("devices.allow", "a"):
                raise Unsupported("device rule %s: the control group above does not allow it" % text,
                                  "this host is limited itself, a container perhaps: leave the device out") from error
            # the same host without any limit of its own: a new group already has all that the group above has
