# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a failure reaches the user."""

from __future__ import annotations

import errno

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import NotFound
from ansible_collections.agentless.containers.plugins.module_utils.module import run


class Module:
    """As much of AnsibleModule as a failing task needs."""

    params = {"state_root": "/srv/engine"}
    check_mode = True
    answer = None

    def fail_json(self, **answer):
        self.answer = answer


@pytest.mark.parametrize("error, message", [
    (OSError(errno.ENOSPC, "No space left on device", "./etc/x"),
     "./etc/x: no space left on device. Make room on the file system of state_root, /srv/engine."),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk quota exceeded. Make room on the file system of state_root, /srv/engine."),
    (OSError(errno.EPERM, "Operation not permitted", "/x"), "/x: operation not permitted"),
    (NotFound("image x is not on this host", "pull it"), "image x is not on this host. Pull it."),
])
def test_messages(error, message):
    module = Module()

    def handle(params, roots, check_mode):
        raise error

    run.finish(module, handle, needs_root=False)
    assert module.answer["msg"] == message
    assert "Traceback" in module.answer["exception"]
