# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``cpuacct``: processor time used. It limits nothing."""

from __future__ import annotations

import os

from .. import files

FIELDS = {}
_TICK = 1000000 // os.sysconf("SC_CLK_TCK")


def usage(directory):
    """dict usage_usec, user_usec, system_usec."""
    total = int(files.read(os.path.join(directory, "cpuacct.usage"))) // 1000
    split = files.keyed(files.read(os.path.join(directory, "cpuacct.stat")))
    return {"usage_usec": total, "user_usec": split.get("user", 0) * _TICK, "system_usec": split.get("system", 0) * _TICK}
