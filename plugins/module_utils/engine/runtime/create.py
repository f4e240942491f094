# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a container's first process, up to the point where it only waits for its start.

The create sequence, as ARCHITECTURE.md draws it: control group, descriptors, clone(2), placing, and init's own part (:mod:`init`). Whatever
was made is unmade if a step fails.
"""

from __future__ import annotations

import contextlib
import os
import signal

from ..errors import EngineError, Unsupported
from ..linux import calls, consts
from ..rootfs import devices, mounts
from ..security import rlimits, seccomp, seccomp_profile
from . import init, sync

_CLONED = {"mount": consts.CLONE_NEWNS, "uts": consts.CLONE_NEWUTS, "ipc": consts.CLONE_NEWIPC, "pid": consts.CLONE_NEWPID,
           "network": consts.CLONE_NEWNET, "user": consts.CLONE_NEWUSER, "time": consts.CLONE_NEWTIME}
HANDSHAKE_SECONDS = 60


class Created:
    """A first process that waits for its start.

    :param pid: its pid, seen from the caller. ``console``: descriptor of its terminal's master, or None.
    """

    def __init__(self, pid, channel, console):
        self.pid = pid
        self.console = console
        self._channel = channel

    def start(self):
        """Let it run. Returns when execve(2) has succeeded; raises EngineError with the reason if it did not."""
        self._channel.send(sync.START)
        try:
            self._channel.receive(None, HANDSHAKE_SECONDS)
        finally:
            self._channel.close()


def create(spec, directory, manager, stdio, hierarchies, program=None, use_overlay=True):
    """Make the first process of ``spec``.

    :param spec: the OCI :class:`Spec`; ``directory`` the container's directory, with its overlay laid out by rootfs.overlay.
    :param manager: the cgroup manager of its group, which exists and has its limits.
    :param stdio: three descriptors for 0, 1, 2 (unused with a terminal).
    :param hierarchies: the host's cgroup :class:`~cgroup.setup.Setup`, for the mount at /sys/fs/cgroup.
    :param program: bytes of the seccomp program; None runs without.
    :raises EngineError, OSError: with everything undone.
    """
    with contextlib.ExitStack() as undo:
        rlimits.apply(())
        operations = plan_mounts(spec, hierarchies)
        finishing = plan_protection(spec)
        joins = open_namespaces(spec, undo)
        task = init.Task(spec, directory, operations, finishing, program, stdio, joins, use_overlay)
        ours, theirs = sync.Channel.pair()
        flags = 0
        for entry in spec.linux.namespaces:
            if entry.path is None and entry.type != "cgroup":
                flags |= _CLONED[entry.type]
        pid = calls.clone(flags, signal.SIGCHLD)
        if pid == 0:
            ours.close()
            init.main(task, theirs)
        theirs.close()
        undo.callback(_reap, pid)
        undo.callback(ours.close)
        manager.add(pid)
        _oom_score(pid, spec.process.oom_score_adj)
        ours.send(sync.PLACED)
        console = ours.receive_descriptor() if spec.process.terminal else None
        ours.receive(sync.READY, HANDSHAKE_SECONDS)
        undo.pop_all()
        for fd, unused_flag in joins:
            os.close(fd)
        return Created(pid, ours, console)


def plan_mounts(spec, hierarchies):
    """The mount operations of ``spec``, in order, as values."""
    operations = []
    for entry in spec.mounts:
        if entry.type == "cgroup":
            operations.extend(cgroup_mounts(hierarchies, entry.destination, tuple(entry.options)))
        elif entry.type == "bind" or "bind" in entry.options or "rbind" in entry.options:
            operations.append(mounts.Bind(entry.source, entry.destination, tuple(entry.options)))
        else:
            operations.append(mounts.FileSystem(entry.type, entry.source or entry.type, entry.destination, tuple(entry.options)))
        if entry.destination == "/dev":
            operations.extend(devices.operations(spec.linux.devices))
    return tuple(operations)


def cgroup_mounts(hierarchies, target, options):
    """The control groups as the container sees them: with a cgroup namespace of its own, its group is the root of each hierarchy."""
    if hierarchies.version == "v2":
        return [mounts.FileSystem("cgroup2", "cgroup", target, options)]
    writable = tuple(each for each in options if each != "ro")
    answer = [mounts.FileSystem("tmpfs", "tmpfs", target, writable + ("mode=755", "size=64k"))]
    by_mount = {}
    for controller, point in sorted(hierarchies.hierarchies.items()):
        by_mount.setdefault(point, []).append(controller)
    for names in by_mount.values():
        answer.append(mounts.FileSystem("cgroup", "cgroup", "%s/%s" % (target, ",".join(names)), options + tuple(names)))
        answer.extend(mounts.Symlink(",".join(names), "%s/%s" % (target, name)) for name in names if len(names) > 1)
    if "ro" in options:
        answer.append(mounts.Remount(target, options))
    return answer


def plan_protection(spec):
    """Masks and read-only paths: last, because setting sysctls needs a writable /proc/sys."""
    return tuple(mounts.ReadOnly(path) for path in spec.linux.readonly_paths) + tuple(mounts.Mask(path) for path in spec.linux.masked_paths)


def open_namespaces(spec, undo):
    """Descriptors of the namespaces to join, with their clone flags; the user namespace first, for the rights in the others."""
    flags = dict(_CLONED, cgroup=consts.CLONE_NEWCGROUP)
    joins = []
    for entry in sorted(spec.linux.namespaces, key=lambda each: each.type != "user"):
        if entry.path is None:
            continue
        if entry.type == "pid":
            raise Unsupported("joining the PID namespace of another container is not built yet", "leave pid_mode out, or use host")
        try:
            fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise EngineError("%s namespace %s: %s" % (entry.type, entry.path, error.strerror.lower()),
                              "the container it belongs to must run") from error
        undo.callback(os.close, fd)
        joins.append((fd, flags[entry.type]))
    return joins


def seccomp_program(security_opts, privileged, names, roots):
    """The BPF program for Docker's ``security_opts``: ``seccomp=unconfined`` or ``seccomp=/path/profile.json`` on the host.

    Default-deny where neither is given.
    """
    profile = "default"
    for option in security_opts:
        key, unused_sep, value = option.replace("=", ":", 1).partition(":")
        if key == "seccomp":
            profile = value
    if privileged:
        return None
    return seccomp.compile_profile(seccomp_profile.load_profile(profile), names, roots) or None


def _oom_score(pid, value):
    if value is not None:
        with open("/proc/%d/oom_score_adj" % pid, "w", encoding="ascii") as stream:
            stream.write(str(value))


def _reap(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return
