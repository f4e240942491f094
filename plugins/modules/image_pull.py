#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: an image from a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull images from a registry
version_added: 0.1.0
description:
  - Brings an image from a registry to the host, its layers unpacked and ready to run.
  - The registry is asked for the digest first (C(HEAD)), and the module reports a change only if the digest under the name is another one
    than before. What a broken pull left is continued by the next one.
  - Several layers come at once, and each is checked against its digest and size before it gets its name.
options:
  name:
    description: Name of the image, as V(nginx), V(registry.example.com:5000/team/web:1.2) or V(web@sha256:...).
    type: str
    required: true
  tag:
    description: Tag of the image. It counts where O(name) has neither a tag nor a digest. It may be a digest, as V(sha256:...).
    type: str
    default: latest
  platform:
    description:
      - Platform to choose from an image for several, as V(linux/amd64), V(linux/arm64/v8) or V(arm64).
      - This host's platform where it is not given.
    type: str
  pull:
    description:
      - When to ask the registry.
      - V(always) brings what the registry has now, if that is another image.
      - V(not_present) and V(missing), which mean the same, ask only if no image of this name (and O(platform)) is on the host.
      - V(never) asks nothing and fails if the image is not on the host.
    type: str
    default: always
    choices:
      - always
      - missing
      - never
      - not_present
notes:
  - Logins are taken from O(username) and O(password), or from what M(agentless.containers.login), C(docker login) or C(podman login) stored
    for the account that runs the module (C($REGISTRY_AUTH_FILE), C(~/.docker/config.json) or C($DOCKER_CONFIG/config.json),
    C(/run/containers/UID/auth.json), C(~/.config/containers/auth.json)), credential helpers included.
  - Check mode asks for the digest only, which Docker Hub does not count as a pull, and so do tasks that change nothing. A document is
    fetched only where the image on the host is of another platform than the one wanted.
  - O(pull=missing) and O(pull=never) are additions to the options of M(community.docker.docker_image_pull).
seealso:
  - module: agentless.containers.image_info
  - module: agentless.containers.image_load
  - module: agentless.containers.image_push
  - module: agentless.containers.image_remove
  - module: agentless.containers.image_search
  - module: agentless.containers.login
  - name: community.docker.docker_image_pull
    description: The module of the same purpose for a Docker daemon, whose options this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_pull_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.registry
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: What the registry has now
  agentless.containers.image_pull:
    name: registry.example.com/team/web
    tag: "1.2"

- name: Only if it is not here
  agentless.containers.image_pull:
    name: nginx:1.27
    pull: not_present

- name: From a registry of our own with its own authority
  agentless.containers.image_pull:
    name: registry.internal:5000/web@sha256:45b23dee08af5e43a7fea6c4cf9c25ccf269ee113168c19722f87876677c5cb2
    ca_path: /etc/ssl/internal.pem
    username: deploy
    password: "{{ registry_password }}"

- name: Through a mirror
  agentless.containers.image_pull:
    name: nginx:1.27
    registry_mirrors:
      docker.io:
        - https://mirror.example.com
        - https://proxy.example.com/hub
"""

RETURN = r"""
image:
  description: The image, in the shape of C(docker image inspect). Empty in check mode if the image would be pulled.
  returned: success
  type: dict
  sample:
    Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
    RepoTags:
      - nginx:latest
    Architecture: amd64
    Os: linux
    Size: 191670156
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - pull image nginx:1.27
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_pull import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
