#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what images are here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Inspect images
version_added: 0.1.0
description:
  - Tells about images on the host, and how each of their layers came to be.
options:
  name:
    description:
      - Names or IDs of images. Those that are not on the host are left out.
      - Without this option, all images.
    type: list
    elements: str
seealso:
  - module: agentless.containers.image_pull
  - module: agentless.containers.image_remove
  - name: community.docker.docker_image_info
    description: The module of the same purpose for a Docker daemon.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_info_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.info
"""

EXAMPLES = r"""
- name: All images
  agentless.containers.image_info:
  register: all_images

- name: One image
  agentless.containers.image_info:
    name: nginx:1.27
"""

RETURN = r"""
images:
  description:
    - The images, in the shape of C(docker image inspect).
    - C(History) is what C(docker history) shows, newest first. C(Size) in it is that of the unpacked layer.
  returned: success
  type: list
  elements: dict
  sample:
    - Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
      RepoTags:
        - nginx:1.27
      History:
        - Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
          Created: '2026-01-31T12:00:00Z'
          CreatedBy: CMD ["nginx"]
          Comment: ''
          EmptyLayer: true
          Size: 0
          Tags:
            - nginx:1.27
actions:
  description: Always empty.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_info import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
