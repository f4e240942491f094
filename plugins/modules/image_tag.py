#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: more names for an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_tag
short_description: Tag images
version_added: 0.1.0
description:
  - Gives an image of the host more names.
options:
  name:
    description: Name or ID of the image.
    type: str
    required: true
  tag:
    description: Tag of the image. It counts where O(name) has neither a tag nor a digest. It may be a digest, as V(sha256:...).
    type: str
    default: latest
  repository:
    description: Names to give, as V(registry.example.com/team/web:1.2). Without a tag the name gets the tag V(latest).
    type: list
    elements: str
    required: true
  existing_images:
    description:
      - What to do about a name that another image has.
      - V(keep) leaves it there. V(overwrite) takes it over.
    type: str
    default: overwrite
    choices:
      - keep
      - overwrite
seealso:
  - module: agentless.containers.image_push
  - module: agentless.containers.image_remove
  - name: community.docker.docker_image_tag
    description: The module of the same purpose for a Docker daemon, whose options this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_tag_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: A name that says the registry to push to
  agentless.containers.image_tag:
    name: web:1.2
    repository:
      - registry.example.com/team/web:1.2
      - registry.example.com/team/web
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
tagged_images:
  description: The names that the image got.
  returned: success
  type: list
  elements: str
  sample:
    - registry.example.com/team/web:1.2
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - tag image 1ad1b4e1bb4b as registry.example.com/team/web:1.2
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_tag import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
