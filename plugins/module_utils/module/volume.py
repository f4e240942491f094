# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume``: from parameters to the volume reconciler."""

from __future__ import annotations

from ..engine.reconcile.volume import NEVER, DesiredVolume, differing_options, observe, plan_volume
from .run import Outcome

ARGUMENTS = {
    "volume_name": {"type": "str", "required": True, "aliases": ["name"]},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "driver": {"type": "str", "default": "local"},
    "driver_options": {"type": "dict"},
    "labels": {"type": "dict"},
    "recreate": {"type": "str", "default": "never", "choices": ["always", "never", "options-changed"]},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    desired = DesiredVolume(
        name=params["volume_name"], driver=params["driver"], options=_strings(params["driver_options"]), labels=_strings(params["labels"]),
        state=params["state"], recreate=params["recreate"])
    observed = observe(roots, desired.name)
    warnings = []
    if desired.state == "present" and desired.recreate == NEVER and observed.volume is not None:
        differing = differing_options(desired, observed.volume)
        if differing:
            warnings.append("volume %s has another %s than the task asks for and is left as it is, because its content would be lost; "
                            "recreate: options-changed makes it anew" % (desired.name, ", ".join(differing)))

    def result():
        volume = observe(roots, desired.name).volume
        return {"volume": volume.inspect() if volume is not None else {}}

    return Outcome(result, plan_volume(desired, observed), warnings=warnings)


def _strings(values):
    """Keys and values of a YAML dict as Docker has them: text."""
    if values is None:
        return None
    words = {True: "true", False: "false", None: ""}
    return {str(key): words[value] if value is None or isinstance(value, bool) else str(value) for key, value in values.items()}
