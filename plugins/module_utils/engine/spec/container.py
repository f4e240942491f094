# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user wants of one container, normalised: the document that is stored and compared. Words are Docker's."""

from __future__ import annotations

# pylint: disable=invalid-field-call  # it does not see that document.py's decorator makes a dataclass
from dataclasses import field
from typing import Dict, Optional, Tuple

from .document import Document, document
from .network import PortBinding
from .resources import Resources
from .rlimit import Rlimit
from .volume import Mount

IN_PLACE = frozenset(["resources", "restart_policy", "ports", "networks", "labels", "healthcheck", "stop_signal", "stop_timeout"])
"""Fields of :class:`ContainerSpec` that change on a running container; a difference in any other makes it anew."""


@document
class RestartPolicy(Document):
    """``name``: no, on-failure, always or unless-stopped. ``retries`` counts for on-failure; 0 is without end."""

    name: str = "no"
    retries: int = 0


@document
class Healthcheck(Document):
    """``test`` is ("NONE",), ("CMD", argv...) or ("CMD-SHELL", line). Times are seconds (float)."""

    test: Tuple[str, ...] = ("NONE",)
    interval: float = 30.0
    timeout: float = 30.0
    start_period: float = 0.0
    start_interval: float = 5.0
    retries: int = 3


@document
class Attachment(Document):
    """One network of a container."""

    name: str
    aliases: Tuple[str, ...] = ()
    ipv4_address: Optional[str] = None
    ipv6_address: Optional[str] = None
    mac_address: Optional[str] = None


@document
class DeviceMapping(Document):
    """A device of the host in the container, ``permissions`` of r, w, m."""

    path_on_host: str
    path_in_container: str
    permissions: str = "rwm"


@document
class Logging(Document):
    """``driver``: cri (lines as Kubernetes' CRI writes them) or none; ``max_size`` bytes a file, ``max_file`` files."""

    driver: str = "cri"
    max_size: int = 10 * 1024 * 1024
    max_file: int = 3


@document
class ContainerSpec(Document):
    """One container, as asked for.

    ``image`` is a canonical reference or ID; None values are the image's or the engine's default. ``env`` and ``labels`` are dicts of
    strings. ``network_mode`` is bridge (the networks of ``networks``), host, none or container:NAME.
    """

    NESTED = {"restart_policy": RestartPolicy, "healthcheck": Healthcheck, "networks": Attachment, "ports": PortBinding, "ulimits": Rlimit,
              "mounts": Mount, "resources": Resources, "logging": Logging, "devices": DeviceMapping}

    name: str
    image: str
    command: Optional[Tuple[str, ...]] = None
    entrypoint: Optional[Tuple[str, ...]] = None
    env: Dict[str, str] = field(default_factory=dict)
    labels: Dict[str, str] = field(default_factory=dict)
    hostname: Optional[str] = None
    domainname: Optional[str] = None
    user: Optional[str] = None
    groups: Tuple[str, ...] = ()
    working_dir: Optional[str] = None
    mounts: Tuple[Mount, ...] = ()
    read_only: bool = False
    network_mode: str = "bridge"
    networks: Tuple[Attachment, ...] = ()
    ports: Tuple[PortBinding, ...] = ()
    exposed_ports: Tuple[str, ...] = ()
    etc_hosts: Dict[str, str] = field(default_factory=dict)
    dns_servers: Tuple[str, ...] = ()
    dns_search_domains: Tuple[str, ...] = ()
    dns_opts: Tuple[str, ...] = ()
    restart_policy: RestartPolicy = field(default_factory=RestartPolicy)
    healthcheck: Optional[Healthcheck] = None
    privileged: bool = False
    capabilities: Tuple[str, ...] = ()
    cap_drop: Tuple[str, ...] = ()
    security_opts: Tuple[str, ...] = ()
    devices: Tuple[DeviceMapping, ...] = ()
    tty: bool = False
    interactive: bool = False
    sysctls: Dict[str, str] = field(default_factory=dict)
    ulimits: Tuple[Rlimit, ...] = ()
    shm_size: int = 64 * 1024 * 1024
    resources: Resources = field(default_factory=Resources)
    oom_score_adj: Optional[int] = None
    stop_signal: Optional[str] = None
    stop_timeout: int = 10
    pid_mode: Optional[str] = None
    ipc_mode: Optional[str] = None
    uts: Optional[str] = None
    cgroupns_mode: Optional[str] = None
    logging: Logging = field(default_factory=Logging)
    auto_remove: bool = False

    def __hash__(self):
        return hash(self.name)

    def differences(self, other):
        """Names of the fields in which two specs differ, in the order of their definition."""
        return [name for name in self.__dataclass_fields__ if getattr(self, name) != getattr(other, name)]
