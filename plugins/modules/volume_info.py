#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: facts about one volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: Get facts about a volume
version_added: 0.1.0
description:
  - Returns one volume in the shape of C(docker volume inspect), and the containers that mount it.
options:
  name:
    description: Name of the volume.
    type: str
    required: true
    aliases:
      - volume_name
seealso:
  - module: agentless.containers.volume
  - module: agentless.containers.host_info
    description: Lists all volumes.
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.info
"""

EXAMPLES = r"""
- name: Look at a volume
  agentless.containers.volume_info:
    name: database
  register: result

- name: Say where its content lies
  ansible.builtin.debug:
    msg: "{{ result.volume.Mountpoint }}"
  when: result.exists
"""

RETURN = r"""
exists:
  description: Whether the volume exists.
  returned: success
  type: bool
  sample: true
volume:
  description: The volume, in the shape of C(docker volume inspect). None if it does not exist.
  returned: success
  type: dict
  sample:
    CreatedAt: "2026-01-31T12:00:00Z"
    Driver: local
    Labels:
      backup: nightly
    Mountpoint: /var/lib/agentless/volumes/database/_data
    Name: database
    Options:
    Scope: local
containers:
  description: Names of the containers that mount it, running or not.
  returned: success
  type: list
  elements: str
  sample:
    - shop-db
actions:
  description: Always empty, an info module changes nothing.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.run import run
from ansible_collections.agentless.containers.plugins.module_utils.module.volume_info import ARGUMENTS, handle


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
