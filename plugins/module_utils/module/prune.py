# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``prune``."""

from __future__ import annotations

from ..engine.errors import InvalidValue
from ..engine.image import garbage
from ..engine.reconcile.prune import Desired, plan_prune, summary
from ..engine.reconcile.prune_filters import parse
from ..engine.reconcile.prune_inventory import observe
from .run import Outcome

ARGUMENTS = {
    "containers": {"type": "bool", "default": False},
    "containers_filters": {"type": "dict"},
    "images": {"type": "bool", "default": False},
    "images_filters": {"type": "dict"},
    "networks": {"type": "bool", "default": False},
    "networks_filters": {"type": "dict"},
    "volumes": {"type": "bool", "default": False},
    "volumes_filters": {"type": "dict"},
    "builder_cache": {"type": "bool", "default": False},
    "builder_cache_all": {"type": "bool", "default": False},
    "builder_cache_filters": {"type": "dict"},
    "builder_cache_keep_storage": {"type": "str"},
}
_FILTERS = {
    "containers": ("label", "label!", "until"),
    "images": ("dangling", "label", "label!", "until"),
    "networks": ("label", "label!", "until"),
    "volumes": ("all", "label", "label!"),
    "builder_cache": ("id", "until"),
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    desired = Desired(
        **{kind: params[kind] for kind in _FILTERS},
        **{kind + "_filters": parse(kind + "_filters", params[kind + "_filters"], allowed) for kind, allowed in _FILTERS.items()},
        cache_keep=_bytes(params["builder_cache_keep_storage"]))
    plan = plan_prune(desired, observe(roots, desired))
    warnings = []
    if (desired.images or desired.builder_cache) and garbage.builds_running(roots):
        warnings.append("an image is being built: images and what they are made of stay until the next prune")
    return Outcome(lambda: summary(plan, not check_mode), plan, lambda: any(step.done for step in plan.actions), warnings)


def _bytes(text):
    if text is None:
        return 0
    from ansible.module_utils.common.text.formatters import human_to_bytes

    try:
        return human_to_bytes(text)
    except ValueError:
        raise InvalidValue("builder_cache_keep_storage", text, "is not a size", "write it as 500M or 10G") from None
