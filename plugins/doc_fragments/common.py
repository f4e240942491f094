# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options and attributes that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """COMMON (every module), INFO (attributes of _info modules), CHANGES (the others), REGISTRY (modules that talk to a registry).

    ACCOUNT and CLIENT are the parts of REGISTRY.
    """

    DOCUMENTATION = r"""
options:
  state_root:
    description:
      - Directory on the host that holds images, layers, containers, networks and volumes.
      - Another directory than the default makes an engine of its own, with its own nftables table and control group.
    type: path
    default: /var/lib/agentless
requirements:
  - Linux 5.4 or later
  - Python 3.9 or later on the host
"""

    REGISTRY = r"""
options:
  username:
    description:
      - Account at the registry.
      - Where it is not given, a stored login is used if one fits, see M(agentless.containers.login). Otherwise the access is anonymous.
    type: str
  password:
    description: Password or token of O(username).
    type: str
  validate_certs:
    description: Whether the registry's TLS certificate must be valid.
    type: bool
    default: true
  ca_path:
    description:
      - File of PEM certificates to trust at the registry in place of the host's own.
      - Authorities in C(/etc/containers/certs.d/HOST[:PORT]/*.crt) and C(/etc/docker/certs.d/HOST[:PORT]/*.crt) are trusted as well.
    type: path
  client_cert:
    description:
      - File with the PEM certificate to show to a registry that asks for one. It may hold the key, too.
      - Pairs of C(NAME.cert) and C(NAME.key) in C(/etc/containers/certs.d/HOST[:PORT]) and C(/etc/docker/certs.d/HOST[:PORT]) are used
        without this option.
    type: path
  client_key:
    description: File with the PEM key of O(client_cert). It must not need a password.
    type: path
  plain_http:
    description:
      - Whether to talk HTTP without TLS.
      - Where it is not given, HTTP is used for loopback addresses (V(localhost), C(127.0.0.0/8), C([::1])) only, as Docker does.
    type: bool
  timeout:
    description:
      - Seconds to wait for the registry to connect or to send more.
      - A registry that is busy (status 429 or 503) and asks for a longer time than this is not waited for.
    type: int
    default: 60
  registry_mirrors:
    description:
      - Mirrors to pull from before the registry itself is asked, as a dictionary of registry and list of addresses. An address is
        C(https://HOST[:PORT][/PREFIX]), where V(PREFIX) comes before the name of each repository.
      - What a mirror lacks, refuses or breaks off comes from the next one, and at last from the registry.
      - O(username) and O(password) are for the registry; a mirror's login is looked for in the stored ones.
      - Pushes and logins always go to the registry itself.
      - Where this option is not given, the file C(registries.json) in the host's state root counts. It holds a JSON object whose key
        C(mirrors) has such a dictionary.
    type: dict
notes:
  - Use C(group/agentless.containers.registry) in C(module_defaults) to set these options for all modules that pull or push.
  - Proxies are taken from the environment variables E(HTTP_PROXY), E(HTTPS_PROXY) and E(NO_PROXY) of the task, in upper or lower case.
"""

    # the account and the client's options apart, for modules that have one of them in another form

    ACCOUNT = r"""
options:
  username:
    description:
      - Account at the registry.
      - Where it is not given, a stored login is used if one fits, see M(agentless.containers.login). Otherwise the access is anonymous.
    type: str
  password:
    description: Password or token of O(username).
    type: str
"""

    CLIENT = r"""
options:
  validate_certs:
    description: Whether the registry's TLS certificate must be valid.
    type: bool
    default: true
  ca_path:
    description:
      - File of PEM certificates to trust at the registry in place of the host's own.
      - Authorities in C(/etc/containers/certs.d/HOST[:PORT]/*.crt) and C(/etc/docker/certs.d/HOST[:PORT]/*.crt) are trusted as well.
    type: path
  client_cert:
    description:
      - File with the PEM certificate to show to a registry that asks for one. It may hold the key, too.
      - Pairs of C(NAME.cert) and C(NAME.key) in C(/etc/containers/certs.d/HOST[:PORT]) and C(/etc/docker/certs.d/HOST[:PORT]) are used
        without this option.
    type: path
  client_key:
    description: File with the PEM key of O(client_cert). It must not need a password.
    type: path
  plain_http:
    description:
      - Whether to talk HTTP without TLS.
      - Where it is not given, HTTP is used for loopback addresses (V(localhost), C(127.0.0.0/8), C([::1])) only, as Docker does.
    type: bool
  timeout:
    description:
      - Seconds to wait for the registry to connect or to send more.
      - A registry that is busy (status 429 or 503) and asks for a longer time than this is not waited for.
    type: int
    default: 60
notes:
  - Proxies are taken from the environment variables E(HTTP_PROXY), E(HTTPS_PROXY) and E(NO_PROXY) of the task, in upper or lower case.
"""

    CHANGES = r"""
attributes:
  check_mode:
    description: Can run in check mode and says exactly what would be done.
    support: full
  diff_mode:
    description: Returns what differs before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: Where it runs.
    support: full
    platforms: linux
  action_group:
    description: Use C(group/agentless.containers.all) in C(module_defaults) to set O(state_root) and the like for all modules.
    support: full
    membership:
      - agentless.containers.all
"""

    INFO = r"""
attributes:
  check_mode:
    description: Only reads, so check mode is the same.
    support: full
  diff_mode:
    description: Only reads, so there is nothing to show.
    support: N/A
  idempotent:
    description: Only reads.
    support: N/A
  platform:
    description: Where it runs.
    support: full
    platforms: linux
  action_group:
    description: Use C(group/agentless.containers.all) in C(module_defaults) to set O(state_root) and the like for all modules.
    support: full
    membership:
      - agentless.containers.all
"""
