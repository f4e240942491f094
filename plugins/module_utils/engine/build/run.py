# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One RUN: a container of our own runtime, without supervisor, on the union of the layers so far. What it changed stays in ``upper``.

:func:`execute` runs in a process of its own (:mod:`isolate`), which mounts the union, makes the container, copies its output, and at the
end takes away the mount points that only the container needed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import posixpath
import signal
import stat
from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from ..cgroup import setup
from ..cgroup.manager import open_manager
from ..errors import EngineError
from ..linux import calls, consts
from ..rootfs import overlay
from ..rootfs.path import fd_path, open_in_root
from ..runtime import bundle, create, identity
from ..security import capabilities
from ..security.paths import READONLY_PATHS, masked_paths
from ..spec import devices
from ..spec.container import ContainerSpec
from ..spec.runtime import Capabilities, Linux, Mount, Namespace, Process, Root, Spec
from ..state import make_directory, write_bytes
from .workspace import gate

HOSTNAME = "buildkitsandbox"
TAIL_LINES = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TAIL_BYTES = 64 << 10
LOG_BYTES = 2 << 20
MAX_LAYERS = 400
"""mount(2) takes one page of options: 400 names such as ``lower/123`` fit."""


@dataclass(frozen=True)
class Command:
    """What to run and in what surroundings.

    :param args: words. ``env``: dict. ``user``: as the image says it. ``cwd``: absolute.
    :param netns: path of a network namespace; None for the host's.
    :param mounts: those of --mount, see :mod:`run_mounts`.
    :param script: content of a here-document that is itself the program ``args[0]``.
    :param insecure: all capabilities and devices (--security=insecure).
    """

    args: Tuple[str, ...]
    env: Dict[str, str]
    user: str = ""
    cwd: str = "/"
    netns: Optional[str] = None
    mounts: Tuple[Any, ...] = ()
    insecure: bool = False
    hosts: str = ""
    resolv_conf: str = ""
    shm_size: int = 64 << 20
    script: Optional[str] = None
    limits: Any = field(default=None)


@dataclass(frozen=True)
class Ended:
    """How it ended: exit status (128 + signal if killed), and the last lines of its output (bytes)."""

    status: int
    tail: bytes


def execute(roots, directory, layers, command, cgroup, log):
    """Run it. In a mount namespace of its own.

    :param directory: private working directory. :param layers: paths, lowest first.
    :param cgroup: name of its control group. :param log: path of the file that its output is appended to.
    :returns: :class:`Ended`.
    """
    with contextlib.ExitStack() as undo:
        root = mounted(directory, layers, undo)
        prepared = [mount.prepare(directory, number, undo) for number, mount in enumerate(command.mounts)]
        spec = _spec(roots, directory, root, command, prepared)
        manager = open_manager(roots, cgroup)
        undo.callback(manager.delete)
        undo.callback(manager.kill)
        manager.create()
        if command.limits is not None:
            manager.apply(command.limits)
        manager.apply_devices(devices.from_resources(spec.linux.resources))
        names = frozenset(spec.process.capabilities.bounding)
        program = create.seccomp_program((), command.insecure, names, roots)
        readable, writable = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        created = create.create(spec, directory, manager, (null, writable, writable), setup.detect(roots), program, use_overlay=False)
        stubs = _entries(os.path.join(directory, "upper"))
        _end_with_the_build(created.pid)
        try:
            created.start()
        except EngineError as error:
            _reap(created.pid)
            return Ended(127, str(error).encode())
        os.close(writable)
        os.close(null)
        tail = _copy(readable, log)
        status = os.waitpid(created.pid, 0)[1]
        # the number may be another's from now on
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _remove_stubs(os.path.join(directory, "upper"), stubs, layers)
    return Ended(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status), tail)


def _end_with_the_build(pid):
    """Should the build be killed, this process kills the step's first one before it goes too: nothing else would, until the next build."""
    def end(*unused):
        os.kill(pid, signal.SIGKILL)
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    calls.prctl(consts.PR_SET_PDEATHSIG, signal.SIGTERM)


def lay_out(directory, layers):
    """Make ``directory`` ready for an overlay; the root of the union gets the attributes that it has below."""
    if len(layers) > MAX_LAYERS:
        raise EngineError("there are %d layers below, and %d is the most that can be mounted" % (len(layers), MAX_LAYERS),
                          "join several RUN to one, or begin a new stage FROM scratch with COPY --from")
    layers = [present(layer) for layer in layers]
    overlay.prepare(directory, layers)
    if layers:
        status = os.stat(layers[-1])
        upper = os.path.join(directory, "upper")
        os.chown(upper, status.st_uid, status.st_gid)
        os.chmod(upper, stat.S_IMODE(status.st_mode))
        os.utime(upper, ns=(status.st_atime_ns, status.st_mtime_ns))


def present(layer):
    """Where a layer lies at this moment: one that is just made moves to its place while it may be used (:mod:`chain`)."""
    return os.readlink(layer) if layer.startswith("/proc/self/fd/") else layer


def mounted(directory, layers, undo):
    """Mount the union; returns its path. ``undo`` unmounts it, so that nothing looks at ``upper`` through it any more."""
    with gate(directory, fcntl.LOCK_SH):
        lay_out(directory, layers)
        overlay.mount_root(directory, volatile=True)
    root = os.path.join(directory, "merged")
    undo.callback(calls.umount2, root, consts.MNT_DETACH)
    os.chdir("/")
    return root


def _reap(pid):
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _copy(readable, log):
    """Append the output to the log until its last writer is gone; returns the last of it. What is over LOG_BYTES is not logged."""
    tail, left = b"", LOG_BYTES
    with open(readable, "rb", buffering=0) as source, open(log, "ab", buffering=0) as target:
        while True:
            data = source.read(65536)
            if not data:
                break
            if left:
                target.write(data[:left])
                left -= min(left, len(data))
                if not left:
                    target.write(b"\n[output clipped: the log of a step ends at %d MiB]\n" % (LOG_BYTES >> 20))
            tail = (tail + data)[-_TAIL_BYTES:]
    return b"\n".join(tail.splitlines()[-TAIL_LINES:])


def _spec(roots, directory, root, command, prepared):
    def read(path):
        try:
            found = open_in_root(root, path)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(found).st_mode):
                return None
            with open(fd_path(found), "rb") as stream:
                return stream.read(1 << 20)
        finally:
            os.close(found)

    who = identity.resolve(command.user, read, option="USER")
    names = tuple(sorted(capabilities.resolve((), (), command.insecure)))
    settings = ContainerSpec(name="build", image="", privileged=command.insecure, shm_size=command.shm_size,
                             network_mode="bridge" if command.netns else "host")
    env = {"PATH": bundle.DEFAULT_PATH, "HOSTNAME": HOSTNAME, **command.env}
    env.setdefault("HOME", who.home or "/")
    own = _own_mounts(directory, command)
    for each in prepared:
        own += each.mounts
        env.update(each.env)
    namespaces = [Namespace(kind) for kind in ("mount", "uts", "ipc", "pid", "cgroup")]
    if command.netns is not None:
        namespaces.append(Namespace("network", command.netns))
    return Spec(
        process=Process(args=command.args, cwd=posixpath.normpath(command.cwd or "/"), env=tuple("%s=%s" % item for item in env.items()),
                        user=who.user, capabilities=Capabilities(bounding=names, effective=names, permitted=names)),
        root=Root(root),
        mounts=bundle.default_mounts(settings, command.netns is not None) + tuple(own),
        linux=Linux(
            namespaces=tuple(namespaces),
            resources={"devices": [rule.to_json() for rule in devices.container_rules((), command.insecure)]},
            masked_paths=() if command.insecure else masked_paths(roots.sys),
            readonly_paths=() if command.insecure else READONLY_PATHS),
        hostname=HOSTNAME)


def _own_mounts(directory, command):
    """The files that every RUN sees: hosts, resolv.conf, and a here-document that is a program."""
    found = []
    for name, text in (("hosts", command.hosts), ("resolv.conf", command.resolv_conf)):
        path = os.path.join(directory, name)
        write_bytes(path, text.encode(), 0o644, durable=False)
        os.chmod(path, 0o644)
        found.append(Mount("/etc/" + name, "bind", path, ("rbind", "rprivate", "ro")))
    if command.script is not None:
        pipes = os.path.join(directory, "pipes")
        make_directory(pipes, 0o755)
        path = os.path.join(pipes, os.path.basename(command.args[0]))
        write_bytes(path, command.script.encode("utf-8", "surrogateescape"), 0o755, durable=False)
        os.chmod(path, 0o755)
        found.append(Mount(os.path.dirname(command.args[0]), "bind", pipes, ("rbind", "rprivate", "ro")))
    return found


# --- mount points that are not the step's doing

def _entries(upper):
    """dict: path relative to ``upper`` -> os.stat_result, of all that mounting has left there."""
    found = {}
    for path, directories, files, fd in os.fwalk(upper):
        for name in directories + files:
            found[os.path.relpath(os.path.join(path, name), upper)] = os.lstat(name, dir_fd=fd)
    return found


def _remove_stubs(upper, stubs, layers):
    """Take away what was there before the process began and was not touched since: mount points, and the directories around them.

    The process may have put links in the way: what does not lie where it was is left alone.
    """
    for path in sorted(stubs, reverse=True):
        parent, name = _parent(upper, path), os.path.basename(path)
        if parent is None:
            continue
        try:
            _remove_stub(parent, name, stubs[path], path, layers)
        except FileNotFoundError:
            pass
        finally:
            os.close(parent)


def _remove_stub(parent, name, before, path, layers):
    now = os.lstat(name, dir_fd=parent)
    if (now.st_ino, now.st_mode, now.st_uid, now.st_gid) != (before.st_ino, before.st_mode, before.st_uid, before.st_gid):
        return
    if stat.S_ISDIR(now.st_mode):
        if not _remove_directory(parent, name) and now.st_mtime_ns == before.st_mtime_ns:
            _take_time(parent, name, path, layers)
    elif stat.S_ISREG(now.st_mode) and now.st_size == 0 and now.st_mtime_ns == before.st_mtime_ns:
        os.unlink(name, dir_fd=parent)


def _parent(top, path):
    """A descriptor of the directory that ``path`` is in, below ``top`` and by no link; or None."""
    fd = os.open(top, _DIRECTORY)
    for part in path.split("/")[:-1]:
        try:
            below = os.open(part, _DIRECTORY, dir_fd=fd)
        except OSError:
            return None
        finally:
            os.close(fd)
        fd = below
    return fd


def _remove_directory(parent, name):
    """Remove it if it is empty and hides nothing; whether it did."""
    with contextlib.suppress(OSError):
        fd = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            if os.getxattr(fd, "trusted.overlay.opaque") == b"y":
                return False
        finally:
            os.close(fd)
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return False
    return True


def _take_time(parent, name, path, layers):
    """Its time was changed by making a mount point in it: take the one that it has below."""
    for layer in reversed(layers):
        below = _parent(present(layer), path)
        if below is None:
            continue
        try:
            status = os.lstat(name, dir_fd=below)
        except OSError:
            continue
        finally:
            os.close(below)
        if stat.S_ISDIR(status.st_mode):
            os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=parent, follow_symlinks=False)
        return
