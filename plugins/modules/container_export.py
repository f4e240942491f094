#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a container's file system in a tar file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_export
short_description: Export the file system of a container
version_added: 0.1.0
description:
  - Writes the file system of a container, running or stopped, to a tar file on the host, as C(docker export) does. Its layers are merged;
    what is in volumes and other mounts is left out.
  - Nothing is changed if the file holds the same already.
  - The same file system gives the same bytes.
options:
  container:
    description: Name or ID of the container.
    type: str
    required: true
    aliases:
      - name
  path:
    description:
      - The file to write.
      - A new file is readable for its owner only. A file that is replaced keeps mode and owner.
    type: path
    required: true
  compression:
    description:
      - Compression of the file.
      - V(zstd) needs the Python package C(zstandard) on the host.
    type: str
    default: none
    choices:
      - none
      - gzip
      - zstd
  force:
    description: Write the file though it is right already.
    type: bool
    default: false
notes:
  - A running container is not paused. A file that is written meanwhile may be caught in between; pause the container before where that
    matters.
seealso:
  - module: agentless.containers.container_commit
  - module: agentless.containers.image_export
  - module: agentless.containers.image_import
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Export a container
  agentless.containers.container_export:
    container: web
    path: /srv/backup/web.tar.gz
    compression: gzip
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/backup/web.tar.gz
size:
  description: Its size in bytes. 0 in check mode where there is none yet.
  returned: success
  type: int
  sample: 2043904
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - export the file system of container web to /srv/backup/web.tar.gz
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.container_export import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
