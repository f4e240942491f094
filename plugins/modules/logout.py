#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: log out of a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logout
short_description: Log out of a registry
version_added: 0.1.0
description:
  - Removes the stored login for a registry from a file of logins, and from the credential helper that the file names for the registry.
  - The registry is not asked. Everything else in the file stays as it is, logins of C(podman) for a part of the registry included.
options:
  registry_url:
    description:
      - The registry, as V(registry.example.com:5000) or as an address with C(https://) or C(http://). A path in it counts for nothing.
    type: str
    default: https://index.docker.io/v1/
    aliases:
      - registry
      - url
  config_path:
    description:
      - File of logins on the host.
      - Where it is not given, C(config.json) in the directory that E(DOCKER_CONFIG) names, or else C(~/.docker/config.json) of the account
        that runs the module.
      - Give C(/run/containers/0/auth.json) or C(~/.config/containers/auth.json) for what C(podman login) writes.
    type: path
    aliases:
      - dockercfg_path
notes:
  - Root is not needed. Use C(become_user) to log out another account.
seealso:
  - module: agentless.containers.login
  - name: community.docker.docker_login
    description: Logs out of registries with O(community.docker.docker_login#module:state=absent).
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_login_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Log out of Docker Hub
  agentless.containers.logout:

- name: Log out of a registry of our own
  agentless.containers.logout:
    registry_url: registry.example.com:5000
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - remove the login for registry registry.example.com:5000 from /root/.docker/config.json
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.login import LOGOUT_ARGUMENTS, handle_logout
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(LOGOUT_ARGUMENTS, handle_logout, needs_root=False)


if __name__ == "__main__":
    main()
