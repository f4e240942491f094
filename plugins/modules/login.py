#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: log in to a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: login
short_description: Log in to a registry
version_added: 0.1.0
description:
  - Tries an account at a registry and stores its login where the modules of this collection, C(docker), C(podman) and C(skopeo) find it.
  - Nothing is changed, and the registry is not asked, if this very login is stored already.
  - Where the file names a credential helper for the registry (C(credHelpers), C(credsStore)), the login is given to the helper, as
    C(docker login) does it. Otherwise it is in the file, encoded but not encrypted, and only the file's owner can read it.
  - Check mode tries the account, too.
options:
  registry_url:
    description:
      - The registry, as V(registry.example.com:5000) or as an address with C(https://) or C(http://). A path in it counts for nothing.
      - Plain HTTP is used where it begins with C(http://), unless O(plain_http) says otherwise.
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
  username:
    description: Account at the registry. Needed with O(state=present).
    type: str
  password:
    description:
      - Password or token of O(username). Needed with O(state=present).
      - It is neither in the results nor in the diff.
    type: str
  reauthorize:
    description:
      - Whether to try the account at the registry even where this very login is stored already.
      - Other than in M(community.docker.docker_login), the task reports a change only if what is stored changes.
    type: bool
    default: false
    aliases:
      - reauth
  state:
    description: V(present) logs in, V(absent) does what M(agentless.containers.logout) does.
    type: str
    default: present
    choices:
      - present
      - absent
notes:
  - Root is not needed. Use C(become_user) to log in for another account.
  - A registry that lets everybody in cannot tell whether the password is right; the task warns then.
seealso:
  - module: agentless.containers.logout
  - module: agentless.containers.image_pull
  - module: agentless.containers.image_push
  - name: community.docker.docker_login
    description: The module of the same purpose for Docker, whose options this module takes.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_login_module.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.client
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: Log in to Docker Hub
  agentless.containers.login:
    username: deploy
    password: "{{ hub_token }}"

- name: Log in to a registry of our own
  agentless.containers.login:
    registry_url: registry.example.com:5000
    username: deploy
    password: "{{ registry_password }}"
    ca_path: /etc/ssl/internal.pem

- name: Tell when the stored password no longer works
  agentless.containers.login:
    registry_url: registry.example.com:5000
    username: deploy
    password: "{{ registry_password }}"
    reauthorize: true
"""

RETURN = r"""
login_result:
  description: Who is logged in where.
  returned: success, O(state=present)
  type: dict
  sample:
    serveraddress: registry.example.com:5000
    username: deploy
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - store the login of account deploy for registry registry.example.com:5000 in /root/.docker/config.json
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.login import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle, needs_root=False)


if __name__ == "__main__":
    main()
