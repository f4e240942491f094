# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is and has: observed only, nothing here changes anything."""

from __future__ import annotations

import dataclasses
import os
from typing import Optional

from ..cgroup.setup import detect, unescape
from ..errors import EngineError, Unsupported, describe
from ..linux.features import Kernel
from ..state import listed


@dataclasses.dataclass(frozen=True)
class Counts:
    """How much there is of each kind."""

    containers: int = 0
    running: int = 0
    paused: int = 0
    stopped: int = 0
    images: int = 0
    networks: int = 0
    volumes: int = 0


@dataclasses.dataclass(frozen=True)
class Usage:
    """Bytes on disk. Layers are unpacked images, containers what was written on top of them."""

    images: int = 0
    layers: int = 0
    containers: int = 0
    volumes: int = 0


@dataclasses.dataclass(frozen=True)
class Storage:
    """The file system that the state root lies on."""

    state_root: str
    filesystem: str
    mount_point: str
    free: int
    total: int


@dataclasses.dataclass(frozen=True)
class Features:
    """What the engine needs or can use. None: it could not be found out without trying."""

    overlay: Optional[bool] = None
    namespaces: tuple = ()
    user_namespaces: Optional[bool] = None
    seccomp: Optional[bool] = None
    libseccomp: Optional[str] = None
    cgroup_version: Optional[str] = None
    cgroup_controllers: tuple = ()
    swap_limit: Optional[bool] = None
    nftables: Optional[bool] = None
    nft_command: Optional[str] = None
    bridge: Optional[bool] = None
    veth: Optional[bool] = None
    vxlan: Optional[bool] = None
    macvlan: Optional[bool] = None
    wireguard: Optional[bool] = None
    security_modules: tuple = ()
    pyroute2: bool = False
    zstandard: bool = False
    ip_forward: Optional[bool] = None


def observe_features(roots):
    """Features of this host."""
    from ..security import seccomp
    from ..third_party import available

    kernel = Kernel(roots)
    version = seccomp.version()
    setup, swap = _cgroups(roots)
    forward = kernel.sysctl("net.ipv4.ip_forward")
    return Features(
        overlay=kernel.filesystem("overlay") or kernel.has("overlay"),
        namespaces=tuple(kernel.namespaces()),
        user_namespaces=_user_namespaces(kernel),
        seccomp=_has_seccomp(roots, kernel),
        libseccomp=".".join(str(part) for part in version) if version else None,
        cgroup_version=setup.version if setup else None,
        cgroup_controllers=tuple(setup.controllers) if setup else (),
        swap_limit=swap,
        nftables=kernel.has("nf_tables"),
        nft_command=_which("nft"),
        bridge=kernel.has("bridge"),
        veth=kernel.has("veth"),
        vxlan=kernel.has("vxlan"),
        macvlan=kernel.has("macvlan"),
        wireguard=kernel.has("wireguard"),
        security_modules=tuple(kernel.security_modules()),
        pyroute2=available("pyroute2"),
        zstandard=available("zstandard"),
        ip_forward=None if forward is None else forward == "1",
    )


def _cgroups(roots):
    """(Setup or None, whether swap can be limited)."""
    try:
        setup = detect(roots)
    except Unsupported:
        return None, None
    if "memory" in setup.hierarchies:
        return setup, os.path.exists(os.path.join(setup.hierarchies["memory"], "memory.memsw.limit_in_bytes"))
    if setup.unified and "memory" in setup.unified_controllers:
        # the root has no memory.swap.max: any group does
        for entry in sorted(os.listdir(setup.unified)):
            if os.path.exists(os.path.join(setup.unified, entry, "memory.max")):
                return setup, os.path.exists(os.path.join(setup.unified, entry, "memory.swap.max"))
    return setup, None


def _user_namespaces(kernel):
    limit = kernel.sysctl("user.max_user_namespaces")
    if "user" not in kernel.namespaces():
        return False
    return None if limit is None else int(limit) > 0


def _has_seccomp(roots, kernel):
    if os.path.exists(os.path.join(roots.proc, "sys/kernel/seccomp/actions_avail")):
        return True
    return kernel.has("seccomp_filter")


def _which(command):
    for directory in ("/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"):
        path = os.path.join(directory, command)
        if os.access(path, os.X_OK):
            return path
    return None


def observe_storage(roots):
    """Where the state root lies (or will, if it is not made yet)."""
    path = roots.state
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    best = ("/", "unknown")
    try:
        with open(os.path.join(roots.proc, "self/mountinfo"), encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                left, unused, right = line.partition(" - ")
                point = unescape(left.split()[4])
                # a later line covers an earlier one of the same mount point
                if (os.path.realpath(path) + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
                    best = (point, right.split()[0])
    except FileNotFoundError:
        pass
    status = os.statvfs(path)
    return Storage(roots.state, best[1], best[0], status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)


def observe_usage(roots):
    """Bytes on disk of each kind, as du counts them."""
    seen = set()
    containers = 0
    for identity in listed(roots.containers):
        for part in ("upper", "work", "logs"):
            containers += _size(os.path.join(roots.containers, identity, part), seen)
    return Usage(_size(roots.images, seen), _size(roots.layers, seen), containers, _size(roots.volumes, seen))


def _size(path, seen):
    """Blocks of a tree in bytes; a file with several links counts once. Mounts in it are not entered."""
    try:
        device = os.lstat(path).st_dev
    except FileNotFoundError:
        return 0
    total = 0
    pending = [path]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if status.st_dev != device:
                        continue
                    if status.st_nlink == 1 or entry.is_dir(follow_symlinks=False) or (status.st_dev, status.st_ino) not in seen:
                        total += status.st_blocks * 512
                        seen.add((status.st_dev, status.st_ino))
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:
            # removed meanwhile
            continue
    return total


def warnings_of(roots, features, storage):
    """list of str: what will not work here, or not as expected, and what to do about it."""
    found = []
    if features.cgroup_version is None:
        found.append("no control groups are mounted, so nothing can be limited; mount them with: mount -t cgroup2 none /sys/fs/cgroup")
    for controller in ("cpu", "memory", "pids"):
        if features.cgroup_version and controller not in features.cgroup_controllers:
            found.append("the control group controller %s is missing, so its limits cannot be set" % controller)
    if features.overlay is False:
        found.append("the kernel has no overlayfs, so containers cannot be made; install a kernel with CONFIG_OVERLAY_FS")
    if storage.filesystem == "overlay":
        found.append("the state root %s lies on an overlay, which cannot hold another; set state_root to a directory on another "
                     "file system, or mount one there" % storage.state_root)
    if features.libseccomp is None:
        found.append("libseccomp is not installed, so containers need security_opts: [seccomp=unconfined]; "
                     "apply role agentless.containers.host")
    if not features.pyroute2:
        found.append("the Python package pyroute2 is not installed, so there are no bridge networks; apply role agentless.containers.host")
    if features.nft_command is None:
        found.append("the command nft is not installed, so there are no bridge networks; apply role agentless.containers.host")
    if Kernel(roots).sysctl("net.bridge.bridge-nf-call-iptables") == "1":
        found.append("net.bridge.bridge-nf-call-iptables is 1, so the host's packet filter sees traffic inside a bridge and a container "
                     "cannot reach its own published port; set it to 0 where nothing else needs it")
    return found + firewall_warnings()


def firewall_warnings():
    """A FORWARD policy or rule of somebody else's that drops what containers send: ours cannot override it."""
    try:
        from ..net.firewall.foreign import blocking_rules
    except ImportError:
        return []
    try:
        return [str(rule) for rule in blocking_rules()]
    except (EngineError, OSError) as error:
        return ["the host's packet filter could not be looked at: %s" % describe(error)]
