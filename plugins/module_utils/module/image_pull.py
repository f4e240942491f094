# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_pull``."""

from __future__ import annotations

from ..engine.errors import InvalidValue
from ..engine.reconcile.image import ALWAYS, MISSING, NEVER, observe_pull, plan_pull
from .argspec import REGISTRY
from .image import inspected, is_id, reference_of, registry_options
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "platform": {"type": "str"},
    "pull": {"type": "str", "default": "always", "choices": ["always", "missing", "never", "not_present"]},
    **REGISTRY,
}

_POLICIES = {"always": ALWAYS, "missing": MISSING, "not_present": MISSING, "never": NEVER}


def handle(params, roots, check_mode):
    """See module/run.py."""
    if is_id(params["name"]):
        raise InvalidValue("name", params["name"], "is an image ID, which no registry can be asked for",
                           "give repository:tag or repository@digest")
    reference = reference_of(params["name"], params["tag"])
    options, policy = registry_options(params), _POLICIES[params["pull"]]
    observed = observe_pull(roots, reference, policy, options, params["platform"])
    plan = plan_pull(reference, observed, policy, options, params["platform"])
    return Outcome(lambda: {"image": inspected(roots, reference) if not (plan and check_mode) else {}}, plan)
