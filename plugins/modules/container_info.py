#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Tell about a container, or all of them
version_added: 0.1.0
author:
  - The agentless.containers authors (@agentless)
description:
  - Returns containers in the shape of C(docker inspect). Changes nothing.
options:
  name:
    description: Name or ID (four digits or more) of a container. All containers where it is not given.
    type: str
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.info
seealso:
  - module: agentless.containers.container
"""

EXAMPLES = r"""
- name: Look at one container
  agentless.containers.container_info:
    name: web
  register: web

- name: It must run
  ansible.builtin.assert:
    that: web.container.State.Running
"""

RETURN = r"""
exists:
  description: Whether the container, or any container, exists.
  returned: success
  type: bool
container:
  description: The container of O(name), or null.
  returned: success
  type: dict
containers:
  description: The container of O(name), or all, oldest first.
  returned: success
  type: list
  elements: dict
actions:
  description: Always empty.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.container_info import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
