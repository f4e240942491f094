# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a user wants (ContainerSpec) and an image's configuration to the OCI runtime specification of one container."""

from __future__ import annotations

import os
import posixpath
import stat

from ..errors import InvalidValue, Unsupported
from ..security import capabilities
from ..security.paths import READONLY_PATHS, masked_paths
from ..spec.devices import container_rules
from ..spec.runtime import Capabilities, Device, Linux, Mount, Namespace, Process, Root, Spec
from . import identity

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_NEW_PRIVILEGES = ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")


def arguments(spec, config):
    """argv by Docker's rule: a given entrypoint drops the image's command too; a given command replaces the image's.

    :param config: the image's ``config`` object (entrypoint and cmd are tuples or None).
    """
    entrypoint = spec.entrypoint if spec.entrypoint is not None else tuple(config.entrypoint or ())
    if spec.command is not None:
        command = spec.command
    else:
        command = () if spec.entrypoint is not None else tuple(config.cmd or ())
    answer = tuple(entrypoint) + tuple(command)
    if not answer:
        raise InvalidValue("command", None, "is needed: image %s has neither entrypoint nor command" % spec.image,
                           "give command or entrypoint")
    return answer


def environment(spec, config, home, hostname):
    """KEY=VALUE strings: the engine's defaults, then the image's, then the task's."""
    values = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname}
    if spec.tty:
        values["TERM"] = "xterm"
    for entry in config.env or ():
        key, unused_sep, value = entry.partition("=")
        values[key] = value
    values.update(spec.env)
    values.setdefault("HOME", home or "/")
    return tuple("%s=%s" % item for item in values.items())


def working_directory(spec, config):
    return posixpath.join("/", spec.working_dir or config.working_dir or "/")


def build(container, config, mounts, netns, sandbox=None):
    """The OCI :class:`Spec` of a container.

    :param mounts: OCI mounts of the volumes and of the engine's files (hosts, resolv.conf, hostname), in order.
    :param netns: path of the network namespace to join, or None for the host's.
    :param sandbox: function of (mode, kind) that gives the namespace path for ``container:NAME`` modes.
    """
    spec = container.spec
    read = _reader(container)
    who = identity.resolve(spec.user if spec.user is not None else config.user, read, spec.groups)
    hostname = spec.hostname or container.id[:12]
    names = capabilities.resolve(spec.capabilities, spec.cap_drop, spec.privileged)
    ordered = tuple(sorted(names))
    process = Process(
        args=arguments(spec, config),
        cwd=working_directory(spec, config),
        env=environment(spec, config, who.home, hostname),
        user=who.user,
        terminal=spec.tty,
        capabilities=Capabilities(bounding=ordered, effective=ordered, permitted=ordered),
        rlimits=spec.ulimits,
        no_new_privileges=any(each in _NO_NEW_PRIVILEGES for each in spec.security_opts),
        oom_score_adj=spec.oom_score_adj,
    )
    namespaces = _namespaces(spec, netns, sandbox)
    devices = _devices(spec)
    linux = Linux(
        namespaces=namespaces,
        devices=devices,
        cgroups_path="/%s/%s" % (container.roots.cgroup_parent, container.id),
        resources={"devices": [rule.to_json() for rule in _device_rules(spec, devices)]},
        sysctl=_sysctls(spec),
        masked_paths=() if spec.privileged else masked_paths(container.roots.sys),
        readonly_paths=() if spec.privileged else READONLY_PATHS,
    )
    private_net = any(each.type == "network" for each in namespaces)
    return Spec(
        process=process,
        root=Root("merged", spec.read_only),
        mounts=default_mounts(spec, private_net) + tuple(mounts),
        linux=linux,
        hostname=hostname if spec.uts != "host" else None,
        domainname=spec.domainname,
        annotations={"org.agentless.name": container.name, "org.agentless.image": container.record.image_id},
    )


def check(spec):
    """Refuse what the host cannot give, before anything is made.

    :raises InvalidValue: no such device. Unsupported: a kernel parameter of the whole host.
    """
    _devices(spec)
    _sysctls(spec)


def default_mounts(spec, private_net=True):
    """The file systems of every container, as Docker's default specification lists them."""
    sys_options = ("nosuid", "noexec", "nodev") + (() if spec.privileged else ("ro",))
    cgroup_options = sys_options
    mounts = [
        Mount("/proc", "proc", "proc", ("nosuid", "noexec", "nodev")),
        Mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        Mount("/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
        Mount("/dev/mqueue", "mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
        Mount("/dev/shm", "tmpfs", "shm", ("nosuid", "noexec", "nodev", "mode=1777", "size=%d" % spec.shm_size)),
    ]
    if private_net:
        mounts.insert(1, Mount("/sys", "sysfs", "sysfs", sys_options))
    else:
        # sysfs can be mounted anew only in a network namespace of one's own
        mounts.insert(1, Mount("/sys", "bind", "/sys", ("rbind", "rprivate") + sys_options))
    mounts.append(Mount("/sys/fs/cgroup", "cgroup", "cgroup", cgroup_options))
    if spec.ipc_mode and spec.ipc_mode != "private":
        mounts = [each for each in mounts if each.destination not in ("/dev/shm", "/dev/mqueue")]
        on_host = Mount("/dev/shm", "bind", "/dev/shm", ("rbind",))
        mounts.append(on_host if spec.ipc_mode == "host" else Mount("/dev/shm", "tmpfs", "shm", ("nosuid",)))
    return tuple(mounts)


def _reader(container):
    from ..rootfs import overlay

    return lambda path: overlay.read_file(container.directory, path)


def _namespaces(spec, netns, sandbox):
    entries = [Namespace("mount")]
    for kind, mode in (("uts", spec.uts), ("ipc", spec.ipc_mode), ("pid", spec.pid_mode), ("cgroup", spec.cgroupns_mode)):
        if mode == "host":
            continue
        path = sandbox(mode, kind) if mode and mode.startswith("container:") else None
        entries.append(Namespace(kind, path))
    if netns is not None:
        entries.append(Namespace("network", netns))
    return tuple(entries)


def _devices(spec):
    answer = []
    for entry in spec.devices:
        try:
            status = os.stat(entry.path_on_host)
        except OSError as error:
            raise InvalidValue("devices", entry.path_on_host, "is not on the host: %s" % error.strerror.lower()) from None
        kind = "c" if stat.S_ISCHR(status.st_mode) else "b" if stat.S_ISBLK(status.st_mode) else None
        if kind is None:
            raise InvalidValue("devices", entry.path_on_host, "is not a device node")
        answer.append(Device(entry.path_in_container, kind, os.major(status.st_rdev), os.minor(status.st_rdev),
                             stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid))
    return tuple(answer)


def _device_rules(spec, devices):
    """The rules of its control group: a device that is given may be used with the permissions that it is given with."""
    given = [(device.type, device.major, device.minor, entry.permissions) for device, entry in zip(devices, spec.devices)]
    return container_rules(given, spec.privileged)


def _sysctls(spec):
    """Only kernel parameters that belong to a namespace of the container; any other would change the host."""
    for name in spec.sysctls:
        private_net = name.startswith("net.") and spec.network_mode != "host"
        private_ipc = (name.startswith(("fs.mqueue.", "kernel.msg", "kernel.sem", "kernel.shm"))) and spec.ipc_mode != "host"
        if not private_net and not private_ipc and name != "kernel.domainname":
            raise Unsupported("sysctls: %r belongs to no namespace of the container, so it would change the whole host" % name,
                              "set it on the host with ansible.posix.sysctl, or leave it out")
    values = dict(spec.sysctls)
    if spec.network_mode == "bridge" or spec.network_mode == "none":
        # Docker's defaults since 20.10: unprivileged ports and ping for everybody inside
        values.setdefault("net.ipv4.ip_unprivileged_port_start", "0")
        values.setdefault("net.ipv4.ping_group_range", "0 2147483647")
    return values or None
