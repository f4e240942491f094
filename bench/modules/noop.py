# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a module of the collection can be: it reads its options and answers. Only bench/noop_task.py uses it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: noop
short_description: does nothing
description: Does nothing, to measure what a task costs at least.
author: The agentless.containers authors (@agentless)
options: {}
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json(changed=False)


if __name__ == "__main__":
    main()
