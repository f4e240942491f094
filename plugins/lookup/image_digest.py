# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible lookup: the digest that a registry has under an image's tag."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_digest
short_description: Tell the digest of an image's tag
version_added: 0.1.0
description:
  - Asks registries, from the controller, for the digests that images have there now. Nothing is pulled, and Docker Hub does not count it as
    a pull unless O(platform) is given.
  - Resolve a tag once for a whole play with it, so that all hosts run the same content even when the tag moves meanwhile.
options:
  _terms:
    description: Names of images, as V(nginx:1.27) or V(registry.example.com/team/web). A name that has a digest already is not asked for.
    type: list
    elements: str
    required: true
  pinned:
    description: Whether to return references as V(registry.example.com/team/web@sha256:...), which modules take as names, and no digests.
    type: bool
    default: false
  platform:
    description:
      - Platform, as V(linux/arm64), whose manifest's digest is wanted where the image is for several.
      - Without it, it is the digest of the whole image, which all platforms share.
    type: str
notes:
  - Stored logins are those of the account that runs Ansible, and the proxies those of its environment.
seealso:
  - module: agentless.containers.image_pull
  - module: agentless.containers.image_search
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common.account
  - agentless.containers.common.client
"""

EXAMPLES = r"""
- name: Show the digest of a tag
  ansible.builtin.debug:
    msg: "{{ lookup('agentless.containers.image_digest', 'registry.example.com/team/web:1.2') }}"

- name: Run the same content on all hosts
  agentless.containers.container:
    name: web
    image: "{{ pinned_image }}"
  vars:
    pinned_image: "{{ lookup('agentless.containers.image_digest', 'registry.example.com/team/web:1.2', pinned=true, username='deploy',
                      password=registry_password) }}"
"""

RETURN = r"""
_raw:
  description: One digest, or with O(pinned) one reference, for each name.
  type: list
  elements: str
  sample:
    - sha256:45b23dee08af5e43a7fea6c4cf9c25ccf269ee113168c19722f87876677c5cb2
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, describe
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.resolve import select, wanted_platform
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.module.image import registry_options


class LookupModule(LookupBase):
    """One request for each name."""

    def run(self, terms, variables=None, **kwargs):
        """See Ansible's LookupBase."""
        self.set_options(var_options=variables, direct=kwargs)
        params = self.get_options()
        try:
            options = registry_options(params)
            return [self._resolve(term, options, params) for term in terms]
        except (EngineError, OSError) as error:
            hint = getattr(error, "hint", None)
            raise AnsibleError("%s%s" % (describe(error), ". %s%s." % (hint[0].upper(), hint[1:]) if hint else "")) from None

    @staticmethod
    def _resolve(term, options, params):
        reference = Reference.parse(term, "name")
        digest = reference.digest
        if digest is None or params["platform"]:
            with Registry(reference.registry, options, repository=reference.repository) as registry:
                remote = registry.head(reference)
                if params["platform"]:
                    remote = select(registry, reference, remote, wanted_platform(params["platform"]))
            digest = remote.digest
        return reference.with_digest(digest).familiar if params["pinned"] else digest
