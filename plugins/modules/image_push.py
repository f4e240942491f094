#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: an image to a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_push
short_description: Push images to a registry
version_added: 0.1.0
description:
  - Sends an image of the host to the registry that its name says. What the registry has already is not sent again, and what
    another of its repositories has is mounted from there.
  - Nothing is changed if the registry has this very manifest under the name.
options:
  name:
    description: Name of the image with its registry, as V(registry.example.com:5000/team/web:1.2). No ID, and no digest.
    type: str
    required: true
  tag:
    description: Tag to push. It counts where O(name) has none.
    type: str
    default: latest
notes:
  - Logins are taken from O(username) and O(password), or from what M(agentless.containers.login), C(docker login) or C(podman login) stored
    for the account that runs the module, credential helpers included.
seealso:
  - module: agentless.containers.image_pull
  - module: agentless.containers.image_tag
  - module: agentless.containers.login
  - name: community.docker.docker_image_push
    description: The module of the same purpose for a Docker daemon, whose options this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_push_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.registry
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Push an image to the registry on this machine
  agentless.containers.image_push:
    name: localhost:5000/web:1.2
"""

RETURN = r"""
image:
  description: The image, in the shape of C(docker image inspect).
  returned: success
  type: dict
  sample:
    Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
    RepoTags:
      - nginx:latest
    Architecture: amd64
    Os: linux
    Size: 191670156
digest:
  description: Digest of the manifest, by which the image can be pulled from the registry.
  returned: success
  type: str
  sample: sha256:45b23dee08af5e43a7fea6c4cf9c25ccf269ee113168c19722f87876677c5cb2
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - push image localhost:5000/web:1.2 to registry localhost:5000
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_push import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
