# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A testinfra backend for the engine's containers: ``host.get_host("agentless://NAME")``.

Every command is a fork of this process into the container's namespaces, by the engine itself: a few milliseconds, where testinfra's own
ansible:// backend needs over a second. It works on the machine that runs the containers, as root.
"""

from __future__ import annotations

import os
import sys

from testinfra import backend
from testinfra.backend import base

sys.path.insert(0, os.environ["AGENTLESS_COLLECTIONS"])

from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import container as records
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import exec as runner
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots


class AgentlessBackend(base.BaseBackend):
    NAME = "agentless"

    def __init__(self, name, *args, **kwargs):
        super().__init__(name, *args, **kwargs)
        self.container = records.ContainerStore(Roots(os.environ["AGENTLESS_STATE_ROOT"])).get(name)

    @classmethod
    def get_hosts(cls, host, **kwargs):
        return [host]

    def run(self, command, *args, **kwargs):
        line = self.get_command(command, *args)
        result = runner.run(self.container, ["/bin/sh", "-c", line], timeout=60)
        return self.result(result.returncode, line, result.stdout, result.stderr)


def register():
    """Make testinfra know ``agentless://``."""
    backend.BACKENDS["agentless"] = __name__ + ".AgentlessBackend"
