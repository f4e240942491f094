#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: images into an archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_export
short_description: Export images to an archive or an OCI layout
version_added: 0.1.0
description:
  - Writes images to a file or a directory on the host, which M(agentless.containers.image_load), C(docker load), C(podman load), C(skopeo)
    and other tools read.
  - Nothing is changed if the images that are there have the same IDs and names already.
  - The same images give the same bytes on every host. Layers that several images share are there once.
  - What is there is replaced only when all of the new content is written.
options:
  names:
    description: Names or IDs of the images. An image that is named by its ID has no name in the archive.
    type: list
    elements: str
    required: true
    aliases:
      - name
  tag:
    description: Tag of the images. It counts where an element of O(names) has neither a tag nor a digest.
    type: str
    default: latest
  path:
    description:
      - The file to write, or with O(format=oci) the directory.
      - A new file is readable for its owner only, as with C(docker save). A file that is replaced keeps mode and owner.
    type: path
    required: true
  format:
    description:
      - With V(docker-archive), an archive as C(docker save) writes it. Its layers are not compressed.
      - With V(oci-archive), an OCI image layout in a tar file, with layers as they are stored (mostly compressed).
      - With V(oci), an OCI image layout as a directory. A directory that has other images than those of O(names) is replaced only with
        O(force=true), and one that is no OCI layout never.
    type: str
    default: docker-archive
    choices:
      - docker-archive
      - oci-archive
      - oci
  compression:
    description:
      - Compression of the archive as a whole.
      - V(zstd) needs the Python package C(zstandard) on the host.
    type: str
    default: none
    choices:
      - none
      - gzip
      - zstd
  force:
    description: Write the images though they are there already.
    type: bool
    default: false
seealso:
  - module: agentless.containers.image_load
  - module: agentless.containers.image_push
  - module: agentless.containers.container_export
  - name: community.docker.docker_image_export
    description: The module of the same purpose for a Docker daemon, whose options this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_export_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Archive two images in one file
  agentless.containers.image_export:
    names:
      - web:1.2
      - proxy:1.2
    path: /srv/images/release-1.2.tar

- name: An OCI layout for skopeo
  agentless.containers.image_export:
    name: web:1.2
    path: /srv/layouts/web
    format: oci
"""

RETURN = r"""
images:
  description: The images, in the shape of C(docker image inspect).
  returned: success
  type: list
  elements: dict
  sample:
    - Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
      RepoTags:
        - web:1.2
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - export proxy:1.2, web:1.2 to /srv/images/release-1.2.tar (docker-archive)
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_export import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
