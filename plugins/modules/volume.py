#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one named volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Manage volumes
version_added: 0.1.0
description:
  - Makes or removes a named volume of the engine, and keeps its labels.
  - The content of a volume is destroyed only where O(state=absent) or O(recreate) asks for it, and never while a container
    mounts the volume.
options:
  volume_name:
    description: Name of the volume.
    type: str
    required: true
    aliases:
      - name
  state:
    description:
      - V(present) makes the volume if it is missing.
      - V(absent) removes it with its content. It fails if a container, running or not, mounts it.
    type: str
    default: present
    choices:
      - present
      - absent
  driver:
    description: Driver of the volume. The only one is V(local), which keeps the content on the host.
    type: str
    default: local
  driver_options:
    description:
      - Options of the driver. V(local) takes none, or C(type=none), C(o=bind) and C(device=/a/directory), which makes the volume a
        name for that directory of the host. Removing such a volume leaves the directory.
    type: dict
  labels:
    description:
      - Labels of the volume. Where the option is given, the volume has exactly these.
      - They are changed in place, whatever O(recreate) says.
    type: dict
  recreate:
    description:
      - What to do about a volume that exists.
      - V(never) leaves its content alone. Where O(driver) or O(driver_options) differ, a warning says so.
      - V(options-changed) removes it and makes it anew where O(driver) or O(driver_options) differ. The content is lost.
      - V(always) removes it and makes it anew at every run. The content is lost.
    type: str
    default: never
    choices:
      - always
      - never
      - options-changed
notes:
  - The options are those of M(community.docker.docker_volume). Other than there, changed labels do not count as changed options, because
    they need no new volume.
seealso:
  - module: agentless.containers.volume_info
  - module: agentless.containers.container
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: A volume for a database
  agentless.containers.volume:
    name: database
    labels:
      backup: nightly

- name: A name for a directory of the host
  agentless.containers.volume:
    name: pages
    driver_options:
      type: none
      o: bind
      device: /srv/www

- name: Remove a volume with its content
  agentless.containers.volume:
    name: database
    state: absent
"""

RETURN = r"""
volume:
  description: The volume, in the shape of C(docker volume inspect). Empty if there is none.
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
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - create volume database
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.run import run
from ansible_collections.agentless.containers.plugins.module_utils.module.volume import ARGUMENTS, handle


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
