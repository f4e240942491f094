#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what a registry has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_search
short_description: Search registries, list tags and what refers to an image
version_added: 0.1.0
description:
  - Tells what a registry has, without pulling anything.
  - With O(term), the repositories whose names hold a text. Docker Hub is asked through its search, other registries for their catalog, and
    those that show none through the search of registries of version 1.
  - With O(name) without a tag, the tags of one repository. With a tag or a digest, what is there - an image, an index of images for several
    platforms, or an artifact - and what refers to it, as signatures and bills of materials do.
options:
  term:
    description:
      - Text in the names of the repositories. Without it and without O(name), all repositories of O(registry).
      - Docker Hub needs it, and looks for it in descriptions, too.
    type: str
  name:
    description: One repository, as V(registry.example.com/team/web), with a tag or a digest if that is what you want to know about.
    type: str
  registry:
    description: Registry to search for O(term), as V(registry.example.com:5000).
    type: str
    default: docker.io
  limit:
    description: The most repositories to return. Docker Hub returns no more than 100.
    type: int
    default: 25
  tags:
    description: Whether to list the tags of each repository that is returned. With O(name) without a tag they are listed anyway.
    type: bool
    default: false
  is_official:
    description: Only repositories that are official, or only those that are not. Docker Hub alone has official ones.
    type: bool
  stars:
    description: Only repositories with at least so many stars. Docker Hub alone counts them.
    type: int
    default: 0
  artifact_type:
    description: Only referrers of this type, as V(application/spdx+json).
    type: str
notes:
  - Root is not needed.
  - A manifest that is asked for with O(name) counts as a pull at Docker Hub. Searches and lists of tags do not.
seealso:
  - module: agentless.containers.image_info
  - module: agentless.containers.image_pull
  - plugin: agentless.containers.image_digest
    plugin_type: lookup
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.account
  - agentless.containers.common.client
  - agentless.containers.common.info
"""

EXAMPLES = r"""
- name: Official images about nginx on Docker Hub
  agentless.containers.image_search:
    term: nginx
    is_official: true

- name: What is in a registry of our own, with all tags
  agentless.containers.image_search:
    registry: registry.example.com:5000
    tags: true
    limit: 1000

- name: The tags of one repository
  agentless.containers.image_search:
    name: registry.example.com:5000/team/web

- name: Signatures and bills of materials of an image
  agentless.containers.image_search:
    name: registry.example.com:5000/team/web:1.2
"""

RETURN = r"""
repositories:
  description: The repositories that were found, or the one of O(name).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the repository in its registry.
      type: str
      sample: team/web
    reference:
      description: Name to pull from. None for a name that no image can have.
      type: str
      sample: registry.example.com:5000/team/web
    description:
      description: Short description. None where the registry has none.
      type: str
    star_count:
      description: Number of stars. None where the registry does not count them.
      type: int
    is_official:
      description: Whether the repository is official. None where the registry knows no such thing.
      type: bool
    tags:
      description: The tags, in the order of the registry.
      returned: with O(tags), or with O(name) without a tag
      type: list
      elements: str
      sample:
        - "1.1"
        - "1.2"
manifest:
  description: What is under O(name).
  returned: if O(name) has a tag or a digest
  type: dict
  contains:
    digest:
      description: Digest of the manifest or index.
      type: str
      sample: sha256:45b23dee08af5e43a7fea6c4cf9c25ccf269ee113168c19722f87876677c5cb2
    media_type:
      description: Type of the document.
      type: str
      sample: application/vnd.oci.image.index.v1+json
    artifact_type:
      description: Type of an artifact. None for images.
      type: str
    size:
      description: Bytes of the document.
      type: int
      sample: 1609
    annotations:
      description: Annotations of the document.
      type: dict
      sample: {}
    platforms:
      description: The entries of an index, each with C(platform), C(digest), C(media_type), C(size) and C(artifact_type).
      returned: for an index
      type: list
      elements: dict
    layers:
      description: The layers of an image, or the files of an artifact, each with C(digest), C(media_type) and C(size).
      returned: for a manifest
      type: list
      elements: dict
referrers:
  description:
    - Manifests that refer to the one of O(name), each with C(digest), C(media_type), C(artifact_type), C(size) and C(annotations).
    - They come from the registry's referrers API, or from the tag C(sha256-DIGEST) that clients keep where the registry has no such API.
  returned: if O(name) has a tag or a digest
  type: list
  elements: dict
  sample:
    - digest: sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
      media_type: application/vnd.oci.image.manifest.v1+json
      artifact_type: application/spdx+json
      size: 602
      annotations: {}
actions:
  description: Always empty.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.image_search import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle, needs_root=False, mutually_exclusive=[("term", "name")])


if __name__ == "__main__":
    main()
