# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container's first process, from clone(2) to execve(2). The story of :func:`main` reads top to bottom.

Everything that this needs is imported before: after pivot_root the engine's files are out of reach, and what a container's root offers
in their place must never be imported. Nothing here writes to the host but through what the namespaces share.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import struct
import sys
import termios

from ..linux import calls, consts
from ..rootfs import overlay
from ..rootfs.path import fd_path, open_in_root
from ..security import capabilities, rlimits
from . import sync
from .execute import execute


class Task:
    """What init is told; made by the parent before clone(2), so that init has nothing left to compute.

    :param spec: the OCI :class:`Spec`.
    :param directory: the container's directory; its overlay is mounted where ``overlay`` is true, else ``spec.root.path`` is the root.
    :param operations: mount operations (:mod:`rootfs.mounts`) in order, before pivot_root.
    :param finishing: mount operations after the sysctls are set: masks and read-only paths.
    :param filter: bytes of the seccomp program, or None.
    :param stdio: three descriptors to become 0, 1 and 2; ignored with a terminal.
    :param joins: list of (descriptor of a namespace, its clone flag) to enter.
    """

    def __init__(self, spec, directory, operations, finishing, program, stdio, joins=(), use_overlay=True):
        self.spec = spec
        self.directory = directory
        self.operations = operations
        self.finishing = finishing
        self.filter = program
        self.stdio = stdio
        self.joins = joins
        self.use_overlay = use_overlay


def main(task, channel):
    """Never returns: ends in execve(2) or in ERROR and _exit(127)."""
    step = "wait for the parent"
    try:
        channel.receive(sync.PLACED)
        step = "reset signals"
        reset_signals()
        step = "new session"
        os.setsid()
        step = "enter namespaces"
        _enter_namespaces(task)
        step = "prepare the root file system"
        root = _prepare_root(task)
        step = "set up the terminal"
        _stdio(task, channel, root)
        step = "set kernel parameters"
        _kernel_parameters(task.spec)
        step = "protect paths"
        for operation in task.finishing:
            operation.perform(root)
        step = "change the root"
        forbid_imports()
        _change_root(task, root)
        channel.send(sync.READY)
        step = "wait for the start"
        channel.receive(sync.START)
        step = "take the identity"
        become(task.spec.process, task.filter, keep=(channel.fileno(),))
        step = "run %s" % task.spec.process.args[0]
        execute(task.spec.process, alone=True)
    except BaseException as error:  # pylint: disable=broad-except  # nobody above: this is the first process
        sync.fail(channel, step, error)


def forbid_imports():
    """From here on an import that was forgotten fails at once, and can never find a module in the container's root."""
    sys.meta_path.clear()
    sys.path.clear()


def reset_signals():
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue


def _enter_namespaces(task):
    for fd, flag in task.joins:
        calls.setns(fd, flag)
        os.close(fd)
    entry = task.spec.namespace("cgroup")
    if entry is not None and entry.path is None:
        # only now: the root of the namespace is the group that the parent has just put us into
        calls.unshare(consts.CLONE_NEWCGROUP)


def _prepare_root(task):
    spec = task.spec
    propagation = {"shared": consts.MS_SHARED, "rshared": consts.MS_SHARED, "slave": consts.MS_SLAVE, "rslave": consts.MS_SLAVE}
    kind = propagation.get(spec.linux.rootfs_propagation, consts.MS_PRIVATE)
    # slave at the least, or our mounts would show on the host
    calls.mount(None, "/", None, (consts.MS_SLAVE if kind == consts.MS_SHARED else kind) | consts.MS_REC)
    root = os.path.join(task.directory, "merged")
    if task.use_overlay:
        overlay.mount_root(task.directory)
    else:
        root = os.path.join(task.directory, spec.root.path)
        calls.mount(root, root, None, consts.MS_BIND | consts.MS_REC)
    os.chdir("/")
    for operation in task.operations:
        operation.perform(root)
    if spec.process.cwd != "/":
        try:
            os.close(open_in_root(root, spec.process.cwd, create="directory"))
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
    return root


def _kernel_parameters(spec):
    if spec.hostname and spec.namespace("uts"):
        calls.sethostname(spec.hostname)
    if spec.domainname and spec.namespace("uts"):
        calls.setdomainname(spec.domainname)
    for name, value in (spec.linux.sysctl or {}).items():
        path = "/proc/sys/" + name.replace(".", "/")
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, str(value).encode())
            finally:
                os.close(fd)
        except OSError as error:
            raise OSError(error.errno, error.strerror, "sysctl %s=%s" % (name, value)) from None


def _change_root(task, root):
    if task.spec.root.readonly:
        calls.mount(None, root, None, consts.MS_REMOUNT | consts.MS_BIND | consts.MS_RDONLY)
    os.chdir(root)
    try:
        # the old root comes to lie on top of the new one; detaching "." then takes it away (pivot_root(2), "pivot_root(".", ".")")
        calls.pivot_root(".", ".")
        calls.umount2(".", consts.MNT_DETACH)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # the root is the initial ramfs, which can't be pivoted away from
        calls.mount(".", "/", None, consts.MS_MOVE)
        os.chroot(".")
    os.chdir("/")


def _stdio(task, channel, root):
    if not task.spec.process.terminal:
        for target, fd in enumerate(task.stdio):
            os.dup2(fd, target)
        return
    master = _open_inside(root, "/dev/pts/ptmx", os.O_CLOEXEC)
    unlock = struct.pack("i", 0)
    fcntl.ioctl(master, consts.TIOCSPTLCK, unlock)
    number = struct.unpack("I", fcntl.ioctl(master, consts.TIOCGPTN, b"\0" * 4))[0]
    slave = _open_inside(root, "/dev/pts/%d" % number)
    size = task.spec.process.console_size or {}
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size.get("height", 24), size.get("width", 80), 0, 0))
    channel.send_descriptor(master)
    os.close(master)
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for target in (0, 1, 2):
        os.dup2(slave, target)
    console = open_in_root(root, "/dev/console", create="file")
    calls.mount(fd_path(slave), fd_path(console), None, consts.MS_BIND)
    os.close(console)
    if slave > 2:
        os.close(slave)


def _open_inside(root, path, flags=0):
    """Open a terminal of the container: its /dev may be a link of its image's, which must not lead out."""
    found = open_in_root(root, path)
    try:
        return os.open(fd_path(found), os.O_RDWR | os.O_NOCTTY | flags)
    finally:
        os.close(found)


def become(process, program, keep=()):
    """Take the identity of ``process``: everything of a process that execve(2) hands on. Order matters; each line says why.

    :param program: seccomp program or None.
    :param keep: descriptors above 2 that stay open until execve(2) (they are closed on exec).
    """
    # until execve(2) we are the host's interpreter: others in the container must not reach /proc/PID/exe, nor our descriptors
    calls.prctl(consts.PR_SET_DUMPABLE, 0)
    _close_above(keep)
    calls.new_session_keyring("agentless")
    rlimits.apply(process.rlimits)
    for fd in (0, 1, 2):
        # an unprivileged process must be able to reopen /dev/stdout
        if process.user.uid != 0:
            _own(fd, process.user.uid)
    names = frozenset(process.capabilities.bounding) if process.capabilities else frozenset()
    if program and not process.no_new_privileges:
        # without no_new_privs loading a filter takes CAP_SYS_ADMIN, so it comes before any capability goes
        calls.seccomp_load(program)
    capabilities.drop_bounding(names)
    os.setgroups(list(process.user.additional_gids))
    os.setresgid(process.user.gid, process.user.gid, process.user.gid)
    if process.user.umask is not None:
        os.umask(process.user.umask)
    else:
        os.umask(0o022)
    os.setresuid(process.user.uid, process.user.uid, process.user.uid)
    if process.no_new_privileges:
        calls.prctl(consts.PR_SET_NO_NEW_PRIVS, 1)
    _working_directory(process)
    capabilities.finish(_kept(process))
    if program and process.no_new_privileges:
        calls.seccomp_load(program)


def _kept(process):
    if process.capabilities is None:
        return frozenset()
    return frozenset(process.capabilities.effective if process.user.uid == 0 else process.capabilities.ambient)


def _own(fd, uid):
    try:
        status = os.fstat(fd)
        if stat.S_ISFIFO(status.st_mode) or (stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) == 136):
            os.fchown(fd, uid, -1)
    except OSError:
        return


def _working_directory(process):
    try:
        # not by name: as root with all capabilities, links such as /proc/1/root would lead out
        fd = open_in_root("/", process.cwd)
        try:
            os.fchdir(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, "working directory %s" % process.cwd) from None


def _close_above(keep):
    first = 3
    for fd in sorted(keep):
        if fd > first:
            calls.close_range(first, fd - 1)
        first = fd + 1
    calls.close_range(first)
