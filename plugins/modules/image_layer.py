#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one layer on a base."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_layer
short_description: Make images out of files on top of a base
version_added: 0.1.0
description:
  - Makes an image that is another image with one more layer, and with other defaults for its containers.
  - The layer is made of archives, then files, then removals. Its digest depends on their content, modes and owners only, never on when or
    where it was made, so the image is the same on all hosts, and a second run changes nothing.
options:
  name:
    description: Name that the image gets. Another image that has it loses it.
    type: str
    required: true
  tag:
    description: Tag of the image. It counts where O(name) has none.
    type: str
    default: latest
  base:
    description:
      - Name or ID of the image below. It must be on the host, and cannot be the image itself. Without it the image has this one layer.
    type: str
  files:
    description: Files, directories, links and removals, in order.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - Absolute path inside the image.
          - Directories above it that nothing describes are as the base has them, or V(0755) of root.
        type: str
        required: true
      content:
        description: Content of the file.
        type: str
      src:
        description:
          - File of the host whose content the file gets.
          - For O(files[].state=directory), a directory of the host that is taken with all that is in it, and with the modes it has there.
          - For O(files[].state=link), the target of the link; for O(files[].state=hard), an absolute path inside the image.
        type: str
      mode:
        description:
          - Mode, as V("0644"). Without it V("0644") for files and V("0755") for directories.
          - Where a directory of the host is taken it counts for the directory itself.
        type: raw
      owner:
        description: User ID of the owner.
        type: int
        default: 0
        aliases:
          - uid
      group:
        description: Group ID.
        type: int
        default: 0
        aliases:
          - gid
      state:
        description:
          - V(file) needs O(files[].content) or O(files[].src).
          - V(directory) makes a directory, or gives one of the base this mode and owner.
          - V(link) makes a symbolic link to O(files[].src).
          - V(hard) gives a file one more name. The file must be part of the same layer, further up in this list or in an archive.
          - V(absent) removes what the base has there.
        type: str
        default: file
        choices:
          - absent
          - directory
          - file
          - hard
          - link
  archives:
    description: Archives of the host that are unpacked. Modes, owners and times are those in the archive.
    type: list
    elements: dict
    suboptions:
      src:
        description: The archive, a tar file that may be compressed with gzip, xz, bzip2 or zstd.
        type: path
        required: true
      dest:
        description: Directory of the image to unpack it to.
        type: str
        default: /
  removals:
    description: Absolute paths that the image does not have, whatever the base has there.
    type: list
    elements: str
notes:
  - Files have the time 1970-01-01, as an image must not depend on when it was made.
seealso:
  - module: agentless.containers.image_import
  - module: agentless.containers.image_push
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
  - agentless.containers.image
"""

EXAMPLES = r"""
- name: A web page on top of a server
  agentless.containers.image_layer:
    name: web:1.2
    base: nginx:1.27
    files:
      - path: /usr/share/nginx/html/index.html
        content: |
          <h1>Hello</h1>
      - path: /var/cache/web
        state: directory
        mode: "0750"
        owner: 33
        group: 33
    removals:
      - /etc/nginx/conf.d/default.conf
    labels:
      org.opencontainers.image.version: "1.2"

- name: An application out of an archive
  agentless.containers.image_layer:
    name: app
    base: debian:bookworm
    archives:
      - src: /srv/releases/app-3.1.tar.gz
        dest: /opt/app
    entrypoint: [/opt/app/bin/app]
    exposed_ports: ["8080"]
    user: "1000"
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
    - create image web:1.2
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_layer import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
