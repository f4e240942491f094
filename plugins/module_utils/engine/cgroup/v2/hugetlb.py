# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 ``hugetlb``: bytes of huge pages, one file a page size."""

from __future__ import annotations

import os

from ...errors import Unsupported
from ...spec.resources import MAX
from .. import files

FIELDS = {"hugetlb_max": "hugetlb"}
FILE = "hugetlb.%s.max"


def apply(directory, resources):
    for size, limit in resources.hugetlb_max or ():
        path = os.path.join(directory, FILE % size)
        if not os.path.exists(path):
            raise Unsupported("hugetlb_max: this host has no huge pages of size %s" % size)
        files.write(path, "max" if limit == MAX else str(limit))


def read(directory, unused_fields):
    values = []
    for name in sorted(os.listdir(directory)):
        if name.startswith("hugetlb.") and name.endswith(".max") and ".rsvd." not in name:
            text = files.read(os.path.join(directory, name))
            # unlimited reads as "max" or as the greatest multiple of the page size
            if text != "max" and int(text) < 1 << 62:
                values.append((name[len("hugetlb."):-len(".max")], int(text)))
    return {"hugetlb_max": tuple(values)}


def expected(unused_directory, unused_field, value):
    return tuple(sorted((size, limit) for size, limit in value if limit != MAX))
