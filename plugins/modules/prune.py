#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what nothing uses goes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove what is in nobody's use
version_added: 0.1.0
description:
  - Removes stopped containers, unused images, networks and volumes, and the build cache. Each kind only where it is asked for.
  - Check mode names exactly what would be removed, and how many bytes that gives back.
  - It may run at any time. Who pulls, loads, commits or makes a container keeps what it is about to use. While an image is being built,
    images and what they are made of stay.
options:
  containers:
    description: Remove containers that do not run. Their anonymous volumes stay, unless O(volumes) is set, too.
    type: bool
    default: false
  containers_filters:
    description:
      - Which containers, as a dictionary of V(until), V(label) and V(label!).
      - V(until) takes what was made before a moment, which is a time before now (V(24h), V(1h30m)), a date and time
        (V(2026-01-31T12:00:00Z)) or a number of seconds since 1970.
      - V(label) and V(label!) are a label or a list of labels (V(KEY) or V(KEY=VALUE)) which all have to be there, or of which none may be.
    type: dict
  images:
    description:
      - Remove images that no container is made from.
      - With them go the layers and blobs that nothing refers to any more, and what broken pulls and killed tasks have left.
    type: bool
    default: false
  images_filters:
    description:
      - Which images, as a dictionary of V(dangling), V(until), V(label) and V(label!); see O(containers_filters).
      - V(dangling) is V(true) unless it is given, which takes only images without a tag. With V(false) all unused images go.
      - An image made by M(agentless.containers.image_import) or M(agentless.containers.image_layer) counts as made in 1970 for V(until).
    type: dict
  networks:
    description: Remove networks that no container has a place in, running or stopped. The default network stays.
    type: bool
    default: false
  networks_filters:
    description: Which networks, as a dictionary of V(until), V(label) and V(label!); see O(containers_filters).
    type: dict
  volumes:
    description: Remove volumes that no container mounts, with their content.
    type: bool
    default: false
  volumes_filters:
    description:
      - Which volumes, as a dictionary of V(all), V(label) and V(label!); see O(containers_filters).
      - Only anonymous volumes go unless V(all) is V(true).
    type: dict
  builder_cache:
    description: Remove the records of the build cache, the cache mounts that no build has in use, and what only they need.
    type: bool
    default: false
  builder_cache_all:
    description: For playbooks written for Docker. The whole build cache is pruned with and without it.
    type: bool
    default: false
  builder_cache_filters:
    description:
      - Which of them, as a dictionary of V(until) and V(id).
      - V(until) takes what was last used before a moment; see O(containers_filters). V(id) is the beginning of a record's name, or a list.
    type: dict
  builder_cache_keep_storage:
    description: Keep this much of the build cache, as V(500M) or V(10G). What was used last is kept first.
    type: str
seealso:
  - module: agentless.containers.image_remove
  - module: agentless.containers.volume
  - name: community.docker.docker_prune
    description: The module of the same purpose for a Docker daemon, whose options and return values this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_prune_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Remove images without a tag, and what broken pulls left
  agentless.containers.prune:
    images: true

- name: See what a clean-up of everything older than a day would take
  agentless.containers.prune:
    containers: true
    containers_filters:
      until: 24h
    images: true
    images_filters:
      dangling: false
      until: 24h
    networks: true
    volumes: true
    builder_cache: true
    builder_cache_keep_storage: 5G
  check_mode: true
  register: would_go
"""

RETURN = r"""
containers:
  description: IDs of the containers.
  returned: success
  type: list
  elements: str
  sample: []
containers_space_reclaimed:
  description: Bytes that their files had.
  returned: success
  type: int
  sample: 0
images:
  description:
    - What went of images, in the order in which it went. C(Untagged) is a name, C(Deleted) the ID of an image or the chain ID of a layer.
  returned: success
  type: list
  elements: dict
  sample:
    - Untagged: web:1.1
    - Deleted: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
images_space_reclaimed:
  description: Bytes that layers, blobs and the remains of broken pulls had.
  returned: success
  type: int
  sample: 191670156
networks:
  description: Names of the networks.
  returned: success
  type: list
  elements: str
  sample: []
volumes:
  description: Names of the volumes.
  returned: success
  type: list
  elements: str
  sample: []
volumes_space_reclaimed:
  description: Bytes that their files had.
  returned: success
  type: int
  sample: 0
builder_cache_caches_deleted:
  description: Names of the records and cache mounts.
  returned: success
  type: list
  elements: str
  sample: []
builder_cache_space_reclaimed:
  description: Bytes that cache mounts, and layers and blobs that only the build cache needed, had.
  returned: success
  type: int
  sample: 0
actions:
  description: What was done, or in check mode would be done. What came into use meanwhile is named here and stays.
  returned: success
  type: list
  elements: str
  sample:
    - remove image web:1.1
    - collect layer 5a1e6b8c9d0e; blobs 1ad1b4e1bb4b, 58f77c0d3f5a, c6b2a58f77c0
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.prune import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
