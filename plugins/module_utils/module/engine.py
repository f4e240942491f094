# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module engine: the engine itself on the host."""

from __future__ import annotations

from ..engine.reconcile import engine as reconcile
from .run import Outcome

ARGUMENTS = {
    "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
    "host_command": {"type": "path", "default": "/usr/local/bin/agentless"},
}


def handle(params, roots, check_mode):
    """See run.run."""
    observed = reconcile.observe(roots, params["host_command"])
    plan = reconcile.plan(params["state"], params["host_command"], observed)
    return Outcome(lambda: {"engine": reconcile.describe(roots)}, plan)
