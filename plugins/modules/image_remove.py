#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: an image, or a name of one, goes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove images
version_added: 0.1.0
description:
  - Takes a name from an image. With its last name the image goes, and with it the layers that no other image and no container needs.
  - Nothing is changed if there is no such image.
options:
  name:
    description: Name or ID of the image.
    type: str
    required: true
  tag:
    description: Tag of the image. It counts where O(name) has neither a tag nor a digest. It may be a digest, as V(sha256:...).
    type: str
    default: latest
  force:
    description:
      - Remove an image by its ID though it has names of several repositories.
      - Of an image that a container is made from, running or not, take all names away. Its content stays as long as the container does.
    type: bool
    default: false
seealso:
  - module: agentless.containers.image_info
  - module: agentless.containers.image_pull
  - name: community.docker.docker_image_remove
    description: The module of the same purpose for a Docker daemon. Its option C(prune) has no meaning here, as images have no parents.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_remove_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Remove an image
  agentless.containers.image_remove:
    name: web:1.1
"""

RETURN = r"""
image:
  description: The image, in the shape of C(docker image inspect). As it was before. Empty if there was none.
  returned: success
  type: dict
  sample:
    Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
    RepoTags:
      - nginx:latest
    Architecture: amd64
    Os: linux
    Size: 191670156
untagged:
  description: The names that were taken away.
  returned: success
  type: list
  elements: str
  sample:
    - web:1.1
deleted:
  description: The ID of the image, if it was removed as a whole.
  returned: success
  type: list
  elements: str
  sample:
    - sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - remove image 1ad1b4e1bb4b
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_remove import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
