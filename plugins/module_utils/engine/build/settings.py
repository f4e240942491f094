# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build is asked to do, and what it tells."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from ..errors import InvalidValue

EPOCH = "SOURCE_DATE_EPOCH"
CACHED, RAN, WOULD_RUN = "cached", "ran", "would run"


@dataclass(frozen=True)
class Settings:
    """All options of a build but the names that the image gets.

    :param source: the build context as :func:`context.open_context` takes it. ``dockerfile``: its name in the context.
    :param inline: text of a Dockerfile that is read instead of the context's.
    :param args: build arguments. ``labels``: set last, over what the Dockerfile says.
    :param contexts: named contexts: name -> ``docker-image://REFERENCE`` or whatever ``source`` may be.
    :param secrets: ID -> bytes. ``ssh``: ID -> path of an agent's socket.
    :param network: of RUN steps: default (the default bridge), host or none. ``allow``: of security.insecure and network.host.
    :param pull: ask the registry for newer base images. ``registry``: RegistryOptions, ``fetch``: FetchOptions.
    :param epoch: SOURCE_DATE_EPOCH (seconds since 1970) or None.
    :param limits: :class:`~spec.resources.Resources` of every RUN, or None.
    """

    source: Any
    dockerfile: Optional[str] = None
    inline: Optional[str] = None
    args: Dict[str, str] = field(default_factory=dict)
    target: Optional[str] = None
    platform: Optional[str] = None
    labels: Dict[str, str] = field(default_factory=dict)
    contexts: Dict[str, Any] = field(default_factory=dict)
    secrets: Dict[str, bytes] = field(default_factory=dict, repr=False)
    ssh: Dict[str, str] = field(default_factory=dict)
    network: str = "default"
    allow: Tuple[str, ...] = ()
    etc_hosts: Dict[str, str] = field(default_factory=dict)
    shm_size: int = 64 << 20
    limits: Any = None
    pull: bool = False
    no_cache: bool = False
    cache_from: Tuple[str, ...] = ()
    squash: bool = False
    registry: Any = None
    fetch: Any = None
    epoch: Optional[int] = None


def source_date_epoch(args, option):
    """The ``epoch`` of Settings: the build argument SOURCE_DATE_EPOCH, else the environment's variable, else None.

    :param option: what build arguments are called in messages.
    """
    text = args.get(EPOCH, os.environ.get(EPOCH, ""))
    if text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise InvalidValue(option, text, "is not a number of seconds since 1970")
    return int(text)


def agent_socket(text, option):
    """(ID, path) of ``ID=/path/of/the/socket``; an ID alone means the agent of this process's environment.

    :raises InvalidValue: there is no such socket.
    """
    name, equals, path = text.partition("=")
    path = path if equals else os.environ.get("SSH_AUTH_SOCK", "")
    if not path or not os.path.exists(path):
        raise InvalidValue(option, text, "leads to no socket of an agent on the host", "write it as default=/path/of/the/socket")
    return name, path


class Step:
    """One instruction of a stage that is built, for reports.

    :param status: :data:`CACHED`, :data:`RAN` or :data:`WOULD_RUN`; None for one that only changes the configuration.
    """

    def __init__(self, stage, instruction):
        self.stage = stage
        self.text = " ".join(instruction.node.text.split())
        self.file = instruction.node.file
        self.line = instruction.node.start_line
        self.status = None
        self.seconds = 0.0

    def to_json(self):
        return {"stage": self.stage, "instruction": self.text, "file": self.file, "line": self.line, "status": self.status,
                "seconds": round(self.seconds, 3)}
