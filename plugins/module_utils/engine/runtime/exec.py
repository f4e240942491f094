# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run another process in a running container: into its namespaces and control group, with its limits and restrictions, then execve(2)."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass

from ..cgroup.manager import open_manager
from ..errors import Conflict, EngineError
from ..linux import calls, consts
from ..security import rlimits
from ..spec.runtime import Capabilities, Spec
from ..state import read_json
from . import container as records
from . import create, identity, init, sync

_ORDER = (("user", consts.CLONE_NEWUSER), ("cgroup", consts.CLONE_NEWCGROUP), ("ipc", consts.CLONE_NEWIPC), ("uts", consts.CLONE_NEWUTS),
          ("net", consts.CLONE_NEWNET), ("pid", consts.CLONE_NEWPID), ("mnt", consts.CLONE_NEWNS))
CLONE_PARENT = 0x00008000


@dataclass(frozen=True)
class Result:
    """How a process ended: ``returncode`` is its exit status, or 128 + signal."""

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


def process_for(container, argv, env=None, user=None, chdir=None, privileged=False):
    """The OCI :class:`Process` of a command in this container: the container's own, with what differs."""
    spec = Spec.from_json(read_json(container.path("config.json")))
    process = spec.process.replace(args=tuple(argv), terminal=False)
    if env:
        values = dict(entry.split("=", 1) for entry in process.env if "=" in entry)
        values.update(env)
        process = process.replace(env=tuple("%s=%s" % item for item in values.items()))
    if user:
        who = identity.resolve(user, lambda path: _read_inside(container, path))
        process = process.replace(user=who.user)
        if not env or "HOME" not in env:
            others = tuple(each for each in process.env if not each.startswith("HOME="))
            process = process.replace(env=others + ("HOME=%s" % (who.home or "/"),))
    if chdir:
        process = process.replace(cwd=chdir)
    if privileged:
        from ..security import capabilities

        names = tuple(sorted(capabilities.resolve((), (), True)))
        process = process.replace(capabilities=Capabilities(bounding=names, effective=names, permitted=names))
    return process


def _read_inside(container, path):
    from ..rootfs.overlay import read_file

    return read_file(container.directory, path)


def require_running(container):
    """The state of a container in which something can be run.

    :raises Conflict: it does not run, or is paused.
    """
    state = container.state()
    if state.status == records.PAUSED:
        raise Conflict("container %s is paused" % container.name, "unpause it first (paused: false)")
    if state.status != records.RUNNING:
        raise Conflict("container %s is not running (%s)" % (container.name, state.status), "start it first (state: started)")
    return state


def spawn(container, process, stdio, privileged=False):
    """Start ``process`` in the container. Returns its pid; it is a child of the caller.

    :param stdio: three descriptors.
    :raises EngineError: it could not be started, with the reason (no such command ...).
    """
    state = require_running(container)
    manager = open_manager(container.roots, container.id)
    names = frozenset(process.capabilities.bounding) if process.capabilities else frozenset()
    program = create.seccomp_program(container.spec.security_opts, privileged or container.spec.privileged, names, container.roots)
    rlimits.apply(())
    descriptors = _namespaces(state.pid)
    ours, theirs = sync.Channel.pair()
    try:
        middle = os.fork()
        if middle == 0:
            ours.close()
            _enter(process, program, descriptors, manager, stdio, theirs)
        theirs.close()
        try:
            pid = int(ours.receive(sync.PLACED, 30))
        finally:
            os.waitpid(middle, 0)
        try:
            ours.send(sync.START)
            ours.receive(None, 30)
        except EngineError:
            os.waitpid(pid, 0)
            raise
        return pid
    finally:
        ours.close()
        theirs.close()
        for fd, unused_flag in descriptors:
            os.close(fd)


def _namespaces(pid):
    """Descriptors of the namespaces of ``pid`` that are not ours already."""
    answer = []
    for name, flag in _ORDER:
        theirs, ours = "/proc/%d/ns/%s" % (pid, name), "/proc/self/ns/%s" % name
        try:
            if os.stat(theirs).st_ino == os.stat(ours).st_ino:
                continue
            answer.append((os.open(theirs, os.O_RDONLY | os.O_CLOEXEC), flag))
        except FileNotFoundError:
            continue
    return answer


def _enter(process, program, descriptors, manager, stdio, channel):
    """In the middle process: enter everything, then clone the one that runs as a child of our parent.

    A PID namespace counts for children only.
    """
    step = "enter the control group"
    try:
        manager.add(os.getpid())
        step = "enter namespaces"
        for fd, flag in descriptors:
            calls.setns(fd, flag)
        init.forbid_imports()
        pid = calls.clone(CLONE_PARENT, signal.SIGCHLD)
        if pid:
            channel.send(sync.PLACED, str(pid))
            os._exit(0)
        step = "set up the process"
        channel.receive(sync.START, 30)
        os.setsid()
        for target, fd in enumerate(stdio):
            os.dup2(fd, target)
        init.reset_signals()
        init.become(process, program, keep=(channel.fileno(),))
        step = "run %s" % process.args[0]
        init.execute(process)
    except BaseException as error:  # pylint: disable=broad-except  # last frame of a process of its own
        sync.fail(channel, step, error)


def run(container, argv, stdin=b"", timeout=None, env=None, user=None, chdir=None, privileged=False):
    """Run a command to its end and return its :class:`Result`.

    :param stdin: bytes for its standard input.
    :param timeout: seconds after which it is killed; None waits without end.
    """
    process = process_for(container, argv, env, user, chdir, privileged)
    stdin_pipe, stdout_pipe, stderr_pipe = os.pipe(), os.pipe(), os.pipe()
    try:
        pid = spawn(container, process, (stdin_pipe[0], stdout_pipe[1], stderr_pipe[1]), privileged)
    except BaseException:
        for fd in stdin_pipe + stdout_pipe + stderr_pipe:
            os.close(fd)
        raise
    for fd in (stdin_pipe[0], stdout_pipe[1], stderr_pipe[1]):
        os.close(fd)
    return _communicate(pid, stdin_pipe[1], (stdout_pipe[0], stderr_pipe[0]), stdin, timeout)


def _communicate(pid, stdin_fd, output_fds, data, timeout):
    deadline = None if timeout is None else time.monotonic() + timeout
    collected = {fd: [] for fd in output_fds}
    poller = select.poll()
    for fd in output_fds:
        poller.register(fd, select.POLLIN)
    open_fds = set(output_fds)
    exit_fd = os.pidfd_open(pid)
    poller.register(exit_fd, select.POLLIN)
    view = memoryview(data)
    if view:
        os.set_blocking(stdin_fd, False)
        poller.register(stdin_fd, select.POLLOUT)
    else:
        os.close(stdin_fd)
        stdin_fd = None
    timed_out = ended = False
    while open_fds and not ended:
        if deadline is not None and time.monotonic() >= deadline:
            timed_out = True
            os.kill(pid, signal.SIGKILL)
            deadline = None
        for fd, unused_event in poller.poll(None if deadline is None else max(1, int((deadline - time.monotonic()) * 1000))):
            if fd == stdin_fd:
                view, stdin_fd = _feed(poller, stdin_fd, view)
            elif fd == exit_fd:
                # a daemon that it left behind may keep the pipes open for ever: take what is there and go
                ended = True
            elif not _take(fd, collected[fd]):
                poller.unregister(fd)
                open_fds.discard(fd)
    for fd in open_fds:
        os.set_blocking(fd, False)
        while _take(fd, collected[fd]):
            continue
    status = os.waitpid(pid, 0)[1]
    for fd in list(output_fds) + [exit_fd] + ([stdin_fd] if stdin_fd is not None else []):
        os.close(fd)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    return Result(code, b"".join(collected[output_fds[0]]), b"".join(collected[output_fds[1]]), timed_out)


def _feed(poller, fd, view):
    try:
        view = view[os.write(fd, view[:65536]):]
    except BlockingIOError:
        return view, fd
    except BrokenPipeError:
        view = view[:0]
    if view:
        return view, fd
    poller.unregister(fd)
    os.close(fd)
    return view, None


def _take(fd, chunks):
    try:
        data = os.read(fd, 65536)
    except BlockingIOError:
        return False
    if data:
        chunks.append(data)
    return bool(data)
