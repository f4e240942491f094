#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_exec
short_description: Run a command in a running container
version_added: 0.1.0
author:
  - The agentless.containers authors (@agentless)
description:
  - Runs a command in the namespaces and the control group of a running container, with its capabilities and its seccomp filter.
  - Fails where the command ends with another status than 0.
options:
  container:
    description: Name or ID of the container.
    type: str
    required: true
  argv:
    description: The command as a list of words. Give this or O(command).
    type: list
    elements: str
  command:
    description: The command as a string that is split as a shell splits it. No shell runs.
    type: str
  chdir:
    description: Directory in the container. The container's own working directory where it is not given.
    type: str
  env:
    description: Environment variables beside the container's own.
    type: dict
  user:
    description: User, or C(user:group), by name in the container or number. The container's where it is not given.
    type: str
  stdin:
    description: Text for its standard input.
    type: str
  stdin_add_newline:
    description: Whether a newline follows O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description: Whether newlines at the ends of the outputs are left out.
    type: bool
    default: true
  detach:
    description: Start the command and do not wait for it. Its output goes nowhere.
    type: bool
    default: false
  privileged:
    description: All capabilities and no seccomp filter for this command.
    type: bool
    default: false
  timeout:
    description: Seconds after which the command is killed and the task fails. Without end where it is not given.
    type: float
extends_documentation_fragment:
  - agentless.containers.common
attributes:
  check_mode:
    description: Says which command would run, and runs none.
    support: full
  diff_mode:
    description: What a command changes is not known.
    support: none
  idempotent:
    description: The command runs every time.
    support: none
  platform:
    description: Where it runs.
    support: full
    platforms: linux
  action_group:
    description: Use C(group/agentless.containers.all) in C(module_defaults) to set O(state_root) and the like for all modules.
    support: full
    membership:
      - agentless.containers.all
seealso:
  - module: agentless.containers.container
"""

EXAMPLES = r"""
- name: Reload the server's configuration
  agentless.containers.container_exec:
    container: web
    argv: [nginx, -s, reload]

- name: Load a dump
  agentless.containers.container_exec:
    container: db
    command: psql -U postgres
    stdin: "{{ lookup('ansible.builtin.file', 'dump.sql') }}"
"""

RETURN = r"""
rc:
  description: Exit status of the command; 128 and the signal's number where a signal ended it.
  returned: O(detach=false), not in check mode
  type: int
stdout:
  description: What it wrote to its standard output.
  returned: O(detach=false), not in check mode
  type: str
stderr:
  description: What it wrote to its standard error.
  returned: O(detach=false), not in check mode
  type: str
pid:
  description: Process ID on the host.
  returned: O(detach=true), not in check mode
  type: int
actions:
  description: What was done or, in check mode, would be done.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.container_exec import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
