#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: images from an archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Load images from archives
version_added: 0.1.0
description:
  - Brings the images of an archive to the host. The archive is one of C(docker save) or C(podman save), or an OCI image layout in a tar
    file, compressed or not; or a directory, which is an OCI image layout or what C(skopeo) and C(podman) call C(dir).
  - Nothing is changed if all images of the archive are here under the names that the archive gives them.
  - A damaged or hostile archive is refused, and nothing of it stays.
options:
  path:
    description: The archive, or the directory, on the host.
    type: path
    required: true
notes:
  - An archive with images for several platforms gives the one for this host.
  - An OCI image layout may give an image no more than a tag, and C(dir) gives none. Such an image comes without a name; give it one with
    M(agentless.containers.image_tag), by its ID.
seealso:
  - module: agentless.containers.image_export
  - module: agentless.containers.image_import
  - module: agentless.containers.image_pull
  - name: community.docker.docker_image_load
    description: The module of the same purpose for a Docker daemon, whose options this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_load_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Load an archive that was copied to the host
  agentless.containers.image_load:
    path: /srv/images/web-1.2.tar
"""

RETURN = r"""
image_names:
  description: Names of the archive's images. An image without a name is given by its ID.
  returned: success
  type: list
  elements: str
  sample:
    - web:1.2
images:
  description: The images, in the shape of C(docker image inspect). In check mode only those that are here already.
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
    - load web:1.2 from /srv/images/web-1.2.tar
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_load import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
