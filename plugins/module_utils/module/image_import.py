# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_import``."""

from __future__ import annotations

from ..engine.reconcile.image_create import ImportRequest, reconcile
from .image import inspected, named_reference
from .image_options import CONFIG, parsed_changes, platform
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "src": {"type": "path", "required": True, "aliases": ["path"]},
    "comment": {"type": "str", "default": ""},
    **CONFIG,
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    reference = named_reference(params["name"], params["tag"])
    request = ImportRequest(params["src"], platform(params), parsed_changes(params), params["comment"])
    plan, image_id = reconcile(roots, reference, request, "import", check_mode)
    return Outcome(lambda: {"image": inspected(roots, reference) if not (plan and check_mode) else {}, "id": image_id}, plan)
