#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: an image out of a root file system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_import
short_description: Make images out of root file systems
version_added: 0.1.0
description:
  - Makes an image of one layer out of an archive of a root file system, as C(debootstrap), C(tar) or C(docker export) give one.
  - The ID of the image depends on the content of the archive and on the options only, so it is the same on all hosts, and a second run
    changes nothing.
options:
  name:
    description: Name that the image gets. Another image that has it loses it.
    type: str
    required: true
  tag:
    description: Tag of the image. It counts where O(name) has none.
    type: str
    default: latest
  src:
    description: The archive on the host, a tar file that may be compressed with gzip, xz, bzip2 or zstd.
    type: path
    required: true
    aliases:
      - path
  comment:
    description: Comment in the history of the image.
    type: str
    default: ""
notes:
  - gzip and zstd archives become the layer as they are. Others are compressed with gzip.
  - The image says that it was made in 1970, because an image that says when it was made is another image each time.
seealso:
  - module: agentless.containers.image_layer
  - module: agentless.containers.image_load
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
  - agentless.containers.image
"""

EXAMPLES = r"""
- name: A base image out of a root file system
  agentless.containers.image_import:
    name: debian:bookworm
    src: /srv/images/bookworm.tar.gz
    cmd: [bash]
    env:
      PATH: /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

- name: The same in the words of a Dockerfile
  agentless.containers.image_import:
    name: web
    src: /srv/images/web.tar
    changes:
      - EXPOSE 80
      - CMD ["nginx", "-g", "daemon off;"]
"""

RETURN = r"""
image:
  description: The image, in the shape of C(docker image inspect). Empty in check mode if the image would be made.
  returned: success
  type: dict
  sample:
    Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
    RepoTags:
      - nginx:latest
    Architecture: amd64
    Os: linux
    Size: 191670156
id:
  description: ID of the image, also in check mode.
  returned: success
  type: str
  sample: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - import image debian:bookworm
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_import import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
