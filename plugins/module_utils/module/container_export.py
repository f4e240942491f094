# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_export``."""

from __future__ import annotations

import os

from ..engine.image.export import GZIP, NONE, ZSTD
from ..engine.reconcile.container_export import ExportRequest, observe, plan_export
from .run import Outcome

ARGUMENTS = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
    "path": {"type": "path", "required": True},
    "compression": {"type": "str", "default": NONE, "choices": [NONE, GZIP, ZSTD]},
    "force": {"type": "bool", "default": False},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    request = ExportRequest(params["container"].lstrip("/"), params["path"], params["compression"], params["force"])
    plan = plan_export(request, observe(roots, request))
    path = params["path"]
    return Outcome(lambda: {"path": path, "size": os.path.getsize(path) if os.path.exists(path) else 0}, plan)
