# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options and attributes that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """COMMON (every module), REGISTRY (modules that talk to a registry), INFO (attributes of _info modules), CHANGES (the others)."""

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
    description: Account at the registry. Anonymous where it is not given and no stored login fits.
    type: str
  password:
    description: Password or token of O(username).
    type: str
  validate_certs:
    description: Whether the registry's TLS certificate must be valid.
    type: bool
    default: true
  ca_path:
    description: File of PEM certificates to trust in place of the host's own.
    type: path
  plain_http:
    description:
      - Whether to talk HTTP without TLS.
      - Where it is not given, HTTP is used for loopback addresses (V(localhost), C(127.0.0.0/8), C([::1])) only, as Docker does.
    type: bool
  timeout:
    description: Seconds to wait for the registry to connect or to send more.
    type: int
    default: 60
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
