# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``ansible_collections.agentless.containers`` importable from wherever this checkout lies, and steers hypothesis."""

from __future__ import annotations

import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLLECTIONS = os.path.join(CHECKOUT, ".cache", "collections")


def _link_checkout():
    """``.cache/collections/ansible_collections/agentless/containers`` -> the checkout. Safe when several test runs start at once."""
    parent = os.path.join(COLLECTIONS, "ansible_collections", "agentless")
    link = os.path.join(parent, "containers")
    if os.path.realpath(link) == os.path.realpath(CHECKOUT):
        return
    os.makedirs(parent, exist_ok=True)
    temporary = "%s.%d" % (link, os.getpid())
    os.symlink(CHECKOUT, temporary)
    os.rename(temporary, link)


# Under ansible-test the checkout lies in a collections tree already, and its loader finds it.
if os.path.basename(os.path.dirname(os.path.dirname(CHECKOUT))) != "ansible_collections":
    _link_checkout()
    sys.path.insert(0, COLLECTIONS)

try:
    from hypothesis import HealthCheck, settings
    from hypothesis.configuration import set_hypothesis_home_dir
except ImportError:
    pass
else:
    set_hypothesis_home_dir(os.path.join(CHECKOUT, ".cache", "hypothesis"))
    settings.register_profile("house", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("house")
