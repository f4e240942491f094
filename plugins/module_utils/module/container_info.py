# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container_info: one container, or all."""

from __future__ import annotations

from ..engine.runtime.container import ContainerStore
from ..engine.runtime.inspect import inspect
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str"},
}


def handle(params, roots, check_mode):
    """See run.run. Only reads."""
    store = ContainerStore(roots)
    if params["name"] is None:
        documents = [inspect(container) for container in store.list()]
        return Outcome(lambda: {"exists": bool(documents), "container": None, "containers": documents}, warnings=store.damaged)
    container = store.find(params["name"].lstrip("/"))
    document = None if container is None else inspect(container)
    return Outcome(lambda: {"exists": document is not None, "container": document, "containers": [document] if document else []})
