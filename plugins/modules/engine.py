#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine
short_description: Install the engine and its command on the host
version_added: 0.1.0
author:
  - The agentless.containers authors (@agentless)
description:
  - Copies the engine below O(state_root), by the hash of its content, and writes the command C(agentless).
  - No other module needs it. It gives operators the host command, and gives the boot script something to run.
options:
  state:
    description:
      - V(present) installs this version of the engine and makes it the current one.
      - V(absent) removes the command and every installed engine, and where no container and no network is left also the engine's control
        group and its volatile directory below C(/run); refused while containers run.
    type: str
    choices: [absent, present]
    default: present
  host_command:
    description:
      - Path of the command. A file there that is not the command of this O(state_root) is never replaced or removed.
    type: path
    default: /usr/local/bin/agentless
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
seealso:
  - module: agentless.containers.container
"""

EXAMPLES = r"""
- name: Install the host command
  agentless.containers.engine:
"""

RETURN = r"""
engine:
  description: Where the current engine lies.
  returned: success
  type: dict
  contains:
    path:
      description: Its directory, or null.
      returned: always
      type: str
    hash:
      description: Hash of its content.
      returned: always
      type: str
actions:
  description: What was done or, in check mode, would be done.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.agentless.containers.plugins.module_utils.module import payload  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.agentless.containers.plugins.module_utils.module.engine import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
