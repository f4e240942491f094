#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: build an image from a Dockerfile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Build images from Dockerfiles
version_added: 0.1.0
description:
  - Builds an image from a Dockerfile with BuildKit's grammar. No other tool is needed on the host.
  - Steps that are known are taken from the build cache. What is known is decided by the instruction, the content of the files that it uses,
    the arguments and environment that it sees, and what it is built on; never by times.
  - The task is changed only if the names lead to another image than before. In check mode it says which steps would run.
  - C(RUN) steps run in containers of this engine, in the host's default bridge network.
options:
  name:
    description: Name that the image gets. Another image that has it loses it.
    type: str
    required: true
  tag:
    description: Tag of the image. It counts where O(name) has none.
    type: str
    default: latest
  tags:
    description: More names. One without colon and slash is another tag of O(name).
    type: list
    elements: str
  path:
    description:
      - The build context, a directory, or a tar archive, of the host.
      - The URL of an archive or of a Dockerfile, or of a git repository, as V(https://example.com/app.git#v1.2:sub/directory).
      - Without it O(dockerfile_inline) is built without context.
    type: str
  dockerfile:
    description: Path of the Dockerfile in the context. Without it V(Dockerfile).
    type: str
  dockerfile_inline:
    description:
      - Text of a Dockerfile. Where O(path) is given as well, it is built with that context.
    type: str
  contexts:
    description:
      - More contexts by name, for C(FROM) and C(--from). A value is what O(path) may be, or V(docker-image://REFERENCE).
      - A name hides a stage or an image of that name.
    type: dict
  args:
    description:
      - Build arguments.
      - V(SOURCE_DATE_EPOCH) (seconds since 1970) makes the build reproducible. It is the time of the image, and no file of a new layer
        is newer. The environment of the task gives it, too.
    type: dict
  target:
    description: Stage to build, by name or number. Without it the last one.
    type: str
  platform:
    description: Platform of the base images and of the image, as V(linux/arm64). Without it the host's.
    type: str
  labels:
    description: Labels of the image, over what the Dockerfile says.
    type: dict
  pull:
    description: Ask the registries whether they have newer base images. Images that are not on the host are pulled anyway.
    type: bool
    default: false
  nocache:
    description: Run all steps. The image will be another one if a step does not give exactly the same files, times included.
    type: bool
    default: false
    aliases:
      - no_cache
  cache_from:
    description:
      - Images that this module built, on this host or elsewhere, whose layers serve as cache. They are pulled if they are not here.
      - One that cannot be had is a warning.
    type: list
    elements: str
  network:
    description: Network of C(RUN) steps.
    type: str
    default: default
    choices:
      - default
      - host
      - none
  etc_hosts:
    description: More lines of C(/etc/hosts) in C(RUN) steps, name to address.
    type: dict
  shm_size:
    description: Size of C(/dev/shm) in C(RUN) steps. 64m where it is not given.
    type: str
  secrets:
    description:
      - Secrets for C(RUN --mount=type=secret). They are in no layer, in no key of the cache and on no disk.
      - A secret that changed makes no step run.
    type: list
    elements: dict
    suboptions:
      id:
        description: Name of the secret.
        type: str
        required: true
      type:
        description: Where it comes from.
        type: str
        default: file
        choices:
          - file
          - env
          - value
      src:
        description: File of the host, for O(secrets[].type=file).
        type: path
      env:
        description: Variable in the environment of the task on the host, for O(secrets[].type=env).
        type: str
      value:
        description: The secret itself, for O(secrets[].type=value).
        type: str
  ssh:
    description:
      - Sockets of authentication agents for C(RUN --mount=type=ssh), as V(ID=/path/of/the/socket).
      - V(default) alone is the agent of the task's own environment.
    type: list
    elements: str
  allow:
    description: What C(RUN) may ask for. V(network.host) is C(--network=host), V(security.insecure) is C(--security=insecure).
    type: list
    elements: str
    choices:
      - network.host
      - security.insecure
  squash:
    description: Make one layer of all new layers.
    type: bool
    default: false
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
  - agentless.containers.common.registry
seealso:
  - module: agentless.containers.image_layer
  - module: agentless.containers.image_push
  - module: agentless.containers.prune
author:
  - The agentless.containers authors (@agentless)
"""

EXAMPLES = r"""
- name: An application from its repository on the host
  agentless.containers.image_build:
    name: registry.example.com/app
    tag: "3.1"
    tags: [latest]
    path: /srv/src/app
    args:
      VERSION: "3.1"

- name: The same image on every host, byte for byte
  agentless.containers.image_build:
    name: app
    path: https://git.example.com/app.git#v3.1
    args:
      SOURCE_DATE_EPOCH: "1767225600"
    secrets:
      - id: token
        type: value
        value: "{{ vault_token }}"

- name: A Dockerfile without context
  agentless.containers.image_build:
    name: curl
    dockerfile_inline: |
      FROM debian:bookworm-slim
      RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
      ENTRYPOINT ["curl"]
"""

RETURN = r"""
image:
  description: The image, in the shape of C(docker image inspect). Empty in check mode if the image would be made.
  returned: success
  type: dict
  sample:
    Id: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
    RepoTags:
      - app:3.1
    Architecture: amd64
    Os: linux
    Size: 191670156
id:
  description: ID of the image. V(null) in check mode if steps would run.
  returned: success
  type: str
  sample: sha256:1ad1b4e1bb4b6f4c5e7c4a9f1d0e3c6b2a58f77c0d3f5a1e6b8c9d0e1f2a3b4c
steps:
  description: Every instruction of the stages that were built.
  returned: success
  type: list
  elements: dict
  contains:
    stage:
      description: Name or number of the stage.
      type: str
    instruction:
      description: The instruction in one line.
      type: str
    file:
      description: The Dockerfile.
      type: str
    line:
      description: Line of the file, from 1.
      type: int
    status:
      description: V(cached), V(ran), V(would run), or V(null) for an instruction that changes no files.
      type: str
    seconds:
      description: How long it took.
      type: float
  sample:
    - stage: "0"
      instruction: RUN make
      file: Dockerfile
      line: 4
      status: ran
      seconds: 1.52
pulled:
  description: Base images that were pulled, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample:
    - debian:bookworm-slim
log:
  description: Output of the steps that ran. Empty in check mode.
  returned: success
  type: str
  sample: "[0] RUN make\ncc -o app app.c\n"
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - build image app:3.1, 3 of 9 steps run, from Dockerfile:4 RUN make
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_build_arguments import ARGUMENTS
from ansible_collections.agentless.containers.plugins.module_utils.module.start import start


def main():
    """Run the module."""
    module = start(ARGUMENTS)
    # only now, so that they come from byte code where it is installed
    from ansible_collections.agentless.containers.plugins.module_utils.module.image_build import handle
    from ansible_collections.agentless.containers.plugins.module_utils.module.run import finish

    finish(module, handle)


if __name__ == "__main__":
    main()
