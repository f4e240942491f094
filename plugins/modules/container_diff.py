#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what a container has changed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_diff
short_description: Tell what a container has changed in its file system
version_added: 0.1.0
description:
  - Compares the file system of a container, running or stopped, with that of its image, as C(docker diff) does.
  - A directory counts as changed where its own attributes differ, or something in it does.
  - Mount points that are made for volumes and for the engine's own files do not count.
options:
  container:
    description: Name or ID of the container.
    type: str
    required: true
    aliases:
      - name
seealso:
  - module: agentless.containers.container_commit
  - module: agentless.containers.container_export
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.info
"""

EXAMPLES = r"""
- name: See what was changed by hand
  agentless.containers.container_diff:
    container: web
  register: difference

- name: Nobody may touch the configuration
  ansible.builtin.assert:
    that: "'/etc/nginx/nginx.conf' not in difference.changed_paths"
"""

RETURN = r"""
changes:
  description: All changes, in the order of their paths.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(A) for added, V(C) for changed, V(D) for deleted.
      type: str
    path:
      description: The path in the container.
      type: str
  sample:
    - kind: C
      path: /etc
    - kind: A
      path: /etc/new.conf
added:
  description: Paths that the image does not have.
  returned: success
  type: list
  elements: str
  sample:
    - /etc/new.conf
changed_paths:
  description: Paths that differ from those of the image.
  returned: success
  type: list
  elements: str
  sample:
    - /etc
deleted:
  description: Paths of the image that the container does not have any more.
  returned: success
  type: list
  elements: str
  sample: []
actions:
  description: Always empty.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.container_diff import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
