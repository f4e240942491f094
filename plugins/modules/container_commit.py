#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a container's changes as an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_commit
short_description: Make an image of what a container has changed
version_added: 0.1.0
description:
  - Makes a new image of a container, running or stopped, with a layer of what the container has changed in its file system.
  - The same changes of the same image give the same image ID; then nothing is changed. The image's time of creation is that of the newest
    change in it.
  - The image takes over what the container was asked to have in place of its image's defaults, as its command, environment and labels.
  - What is in volumes and other mounts is not part of it.
options:
  container:
    description: Name or ID of the container.
    type: str
    required: true
    aliases:
      - name
  repository:
    description: Name of the new image, with or without a tag. Without it the image has no name.
    type: str
  tag:
    description: Tag of the new image. It counts where O(repository) has none.
    type: str
    default: latest
  changes:
    description:
      - Instructions of a Dockerfile, one a line, as V(CMD ["nginx"]).
      - Taken are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(HEALTHCHECK), C(LABEL), C(ONBUILD), C(SHELL), C(STOPSIGNAL), C(USER),
        C(VOLUME) and C(WORKDIR).
    type: list
    elements: str
  comment:
    description: A comment for the image's history, which C(docker commit) calls message.
    type: str
  author:
    description: Author of the image, as V(Ada <ada@example.com>).
    type: str
  pause:
    description:
      - Stop the processes of a running container from running while its files are read, so that the image shows one moment.
      - Whether there is anything to commit is found out before, without stopping them.
    type: bool
    default: true
seealso:
  - module: agentless.containers.container_diff
  - module: agentless.containers.container_export
  - module: agentless.containers.image_layer
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Keep what was installed by hand
  agentless.containers.container_commit:
    container: web
    repository: web:patched
    comment: emergency fix
    changes:
      - CMD ["nginx", "-g", "daemon off;"]
      - LABEL patched=yes
"""

RETURN = r"""
id:
  description: ID of the image. In check mode, of the image that would be made.
  returned: success
  type: str
  sample: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
image:
  description: The image, in the shape of C(docker image inspect). Empty in check mode where it is not here.
  returned: success
  type: dict
  sample:
    Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
    RepoTags:
      - web:patched
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - commit container web as web:patched
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.container_commit import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
