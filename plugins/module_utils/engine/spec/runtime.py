# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI runtime specification's config.json (1.2), as far as the engine uses it.

Source: https://github.com/opencontainers/runtime-spec/blob/main/config.md and config-linux.md.
"""

from __future__ import annotations

# pylint: disable=invalid-field-call  # it does not see that document.py's decorator makes a dataclass
from dataclasses import field
from typing import Any, Dict, Optional, Tuple

from .document import Document, document
from .rlimit import Rlimit

OCI_VERSION = "1.2.0"


@document
class User(Document):
    """Numeric identity of the process. ``umask`` is an int."""

    KEYS = {"additional_gids": "additionalGids"}
    uid: int = 0
    gid: int = 0
    umask: Optional[int] = None
    additional_gids: Tuple[int, ...] = ()


@document
class Capabilities(Document):
    """The five sets, by name (CAP_CHOWN ...)."""

    bounding: Tuple[str, ...] = ()
    effective: Tuple[str, ...] = ()
    permitted: Tuple[str, ...] = ()
    inheritable: Tuple[str, ...] = ()
    ambient: Tuple[str, ...] = ()


@document
class Process(Document):
    """What runs: ``env`` is a tuple of KEY=VALUE."""

    NESTED = {"user": User, "rlimits": Rlimit, "capabilities": Capabilities}
    KEYS = {"no_new_privileges": "noNewPrivileges", "oom_score_adj": "oomScoreAdj", "apparmor_profile": "apparmorProfile",
            "selinux_label": "selinuxLabel", "console_size": "consoleSize"}
    args: Tuple[str, ...]
    cwd: str = "/"
    env: Tuple[str, ...] = ()
    user: User = field(default_factory=User)
    terminal: bool = False
    console_size: Optional[Dict[str, int]] = None
    capabilities: Optional[Capabilities] = None
    rlimits: Tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    oom_score_adj: Optional[int] = None
    apparmor_profile: Optional[str] = None
    selinux_label: Optional[str] = None


@document
class Root(Document):
    """``path`` is absolute or relative to the bundle."""

    path: str
    readonly: bool = False


@document
class Mount(Document):
    """A mount below the root. ``options`` are those of mount(8)."""

    destination: str
    type: str = "bind"
    source: Optional[str] = None
    options: Tuple[str, ...] = ()


@document
class Namespace(Document):
    """``type``: pid, network, mount, ipc, uts, user, cgroup or time; ``path`` joins an existing one."""

    type: str
    path: Optional[str] = None


@document
class Device(Document):
    """A device node: ``type`` c, b or p; ``file_mode`` an int."""

    KEYS = {"file_mode": "fileMode"}
    path: str
    type: str
    major: int = 0
    minor: int = 0
    file_mode: int = 0o666
    uid: int = 0
    gid: int = 0


@document
class Linux(Document):
    """The Linux part. ``resources`` and ``seccomp`` are the specification's own JSON objects."""

    NESTED = {"namespaces": Namespace, "devices": Device}
    KEYS = {"cgroups_path": "cgroupsPath", "masked_paths": "maskedPaths", "readonly_paths": "readonlyPaths",
            "rootfs_propagation": "rootfsPropagation", "mount_label": "mountLabel"}
    namespaces: Tuple[Namespace, ...] = ()
    devices: Tuple[Device, ...] = ()
    cgroups_path: Optional[str] = None
    resources: Optional[Dict[str, Any]] = None
    seccomp: Optional[Dict[str, Any]] = None
    sysctl: Optional[Dict[str, str]] = None
    masked_paths: Tuple[str, ...] = ()
    readonly_paths: Tuple[str, ...] = ()
    rootfs_propagation: Optional[str] = None
    mount_label: Optional[str] = None


@document
class Spec(Document):
    """A whole config.json."""

    NESTED = {"process": Process, "root": Root, "mounts": Mount, "linux": Linux}
    KEYS = {"oci_version": "ociVersion"}
    process: Process
    root: Root
    mounts: Tuple[Mount, ...] = ()
    linux: Linux = field(default_factory=Linux)
    hostname: Optional[str] = None
    domainname: Optional[str] = None
    annotations: Optional[Dict[str, str]] = None
    oci_version: str = OCI_VERSION

    def namespace(self, kind):
        """The entry of this namespace type, or None: it is then shared with the caller."""
        return next((entry for entry in self.linux.namespaces if entry.type == kind), None)
