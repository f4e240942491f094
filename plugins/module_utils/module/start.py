# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first half of a module: its options read and checked, and nothing of the engine imported yet."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from . import warm
from .argspec import COMMON


def start(argument_spec, **module_options):
    """The AnsibleModule of these options and those of every module. What is imported after it comes from byte code, if it is installed."""
    module = AnsibleModule(argument_spec={**COMMON, **argument_spec}, supports_check_mode=True, **module_options)
    warm.use_installed(module.params["state_root"])
    return module
