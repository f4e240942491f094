# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a container: fork its supervisor, which makes the first process, then becomes (by execve) the small watcher.

::

    module process                 supervisor (forked, own session)            watcher
      | fork, fork ------------------> |
      |                                | control group, streams, create(), start()
      | <----- "ok" or the error ----- |
      |                                | execve: same pid, same children -----> |
                                                                                | logs, restarts, health

The fork is warm: everything is imported and costs milliseconds. The execve makes it lean: a watcher holds a few megabytes. A restart by
policy is the same the other way round: the watcher executes ``start``, which creates and executes the watcher again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time

from ..cgroup import setup
from ..cgroup.manager import open_manager
from ..errors import EngineError, describe
from ..linux import calls
from ..spec import devices
from ..spec.runtime import Spec
from ..state import digest_of, make_directory, read_json, write_bytes
from . import container as records
from . import create, installed

REPORT_SECONDS = 120


def start(container, engine=None):
    """Start a created or exited container, whose bundle (config.json, overlay, namespaces) is prepared.

    :raises EngineError: the reason that the supervisor reports; nothing of this start is left then.
    """
    engine = engine or installed.make_current(container.roots)
    readable, writable = os.pipe()
    middle = os.fork()
    if middle == 0:
        _middle(container, engine, writable)
    os.close(writable)
    try:
        os.waitpid(middle, 0)
        report = _read_report(readable)
    finally:
        os.close(readable)
    if report.get("ok") is not True:
        raise EngineError("container %s did not start: %s" % (container.name, report.get("error") or "its supervisor was killed"),
                          report.get("hint"))


def _middle(container, engine, writable):
    """Between the caller and the supervisor, so that the supervisor is nobody's child and leaves no zombie in a caller that lives on."""
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        _detach(writable)
        supervise(container, engine, report=3)
    finally:
        os._exit(1)


def _detach(writable):
    """Standard streams to /dev/null, the report pipe to 3, everything else closed: Ansible waits for its pipes, flocks must not live on."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.dup2(writable, 3)
    calls.close_range(4)
    os.chdir("/")
    os.umask(0o022)


def supervise(container, engine, report=None, restart_count=0):
    """Create and start the first process, then execute the watcher. Never returns.

    :param report: descriptor for the one line of JSON that tells the caller how it went; None after a restart by policy.
    """
    deafen()
    try:
        # known from the first moment: whoever comes after a kill of the caller finds this process and ends it
        container.write_state(container.stored_state().replace(
            supervisor=os.getpid(), supervisor_start=records.start_time(container.roots, os.getpid()) or 0,
            boot_id=records.boot_id(container.roots)))
        with contextlib.ExitStack() as undo:
            streams = open_streams(container, undo)
            created, state = _create(container, streams, undo, restart_count)
            container.write_state(state)
            if restart_count and not container.wanted():
                raise _Unwanted()
            created.start()
            undo.pop_all()
        arguments = write_run(container, state, streams, created.console)
        if report is not None:
            os.write(report, b'{"ok": true}')
            os.close(report)
        os.execv(*_watcher(engine, arguments))
    except BaseException as error:  # pylint: disable=broad-except  # last frame of a process of its own
        _failed(container, error, report, restart_count)
    finally:
        os._exit(1)


class _Unwanted(Exception):
    """The wish to run was taken back while a restart was being made."""


def deafen():
    """Ignore what wakes a watcher, until the watcher listens: a SIGHUP that came before its handlers would kill it.

    Ignored signals stay ignored over execve(2); handlers do not. The watcher reads its files after it has begun to listen, so
    nothing is missed. A container's processes reset all signals.
    """
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _create(container, streams, undo, restart_count):
    spec = Spec.from_json(read_json(container.path("config.json")))
    manager = open_manager(container.roots, container.id)
    undo.callback(manager.delete)
    manager.create()
    manager.apply(container.spec.resources)
    manager.apply_devices(devices.from_resources(spec.linux.resources))
    program = create.seccomp_program(container.spec.security_opts, container.spec.privileged,
                                     frozenset(spec.process.capabilities.bounding), container.roots)
    created = create.create(spec, container.directory, manager, streams.container_side, setup.detect(container.roots), program)
    state = records.State(
        status=records.RUNNING, pid=created.pid, pid_start=records.start_time(container.roots, created.pid) or 0,
        supervisor=os.getpid(), supervisor_start=records.start_time(container.roots, os.getpid()) or 0,
        boot_id=records.boot_id(container.roots), started_at=timestamp(), restart_count=restart_count,
        health="starting" if container.record.healthcheck else "",
        health_check=health_mark(container.record.healthcheck))
    return created, state


def _failed(container, error, report, restart_count):
    """Record and report why it did not start; 127 is what shells say of a command that can't be run."""
    message = describe(error)
    state = container.stored_state()
    if isinstance(error, _Unwanted):
        container.write_state(state.replace(status=records.EXITED, pid=0, supervisor=0))
    else:
        container.write_state(state.replace(status=records.EXITED if restart_count else records.CREATED, pid=0, supervisor=0, exit_code=127,
                                            error=message, finished_at=timestamp(), restart_count=restart_count))
    if report is not None:
        os.write(report, json.dumps({"ok": False, "error": message, "hint": getattr(error, "hint", None)}).encode())
    else:
        os.execv(*_executable(installed.command(installed.running_from(), "supervisor", "teardown", container.roots.state,
                                                container.roots.run, container.id)))


class Streams:
    """The FIFOs between a container and its watcher.

    FIFOs, not pipes, and opened for reading and writing on the container's side: the container never gets SIGPIPE when its watcher dies,
    and a new watcher can open them by name.
    """

    def __init__(self, container_side, watcher_side):
        self.container_side = container_side
        self.watcher_side = watcher_side


def open_streams(container, undo):
    """Make and open the FIFOs; descriptors are closed by ``undo``."""
    make_directory(container.volatile)
    ours, theirs = [], []
    interactive = container.spec.interactive
    theirs.append(_open_fifo(container, "stdin", undo) if interactive else _open("/dev/null", os.O_RDONLY, undo))
    for name in ("stdout", "stderr"):
        if container.spec.logging.driver == "none":
            theirs.append(_open("/dev/null", os.O_WRONLY, undo))
        else:
            theirs.append(_open_fifo(container, name, undo))
            ours.append(_open(os.path.join(container.volatile, name), os.O_RDONLY | os.O_NONBLOCK, undo))
    return Streams(theirs, ours)


def _open_fifo(container, name, undo):
    path = os.path.join(container.volatile, name)
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    return _open(path, os.O_RDWR, undo)


def _open(path, flags, undo):
    fd = os.open(path, flags | os.O_CLOEXEC)
    undo.callback(os.close, fd)
    return fd


def write_run(container, state, streams, console):
    """Write the watcher's two files and return its arguments.

    Plain ``key=value`` lines: a JSON parser would cost the watcher a megabyte.
    """
    write_policy(container)
    values = dict(state.to_json(), name=container.name, oom_file=_oom_file(container), state_root=container.roots.state,
                  run_root=container.roots.run)
    write_bytes(os.path.join(container.volatile, "run"), _lines(values), durable=False)
    fds = list(streams.watcher_side)
    if console is not None:
        fds = [console]
    for fd in fds:
        os.set_inheritable(fd, True)
    return [container.directory, ",".join(str(fd) for fd in fds)]


def _oom_file(container):
    """The file in which the kernel counts kills for lack of memory; "" where there is no memory controller."""
    hierarchies = setup.detect(container.roots)
    name = "memory.oom_control"
    top = hierarchies.hierarchies.get("memory")
    if top is None and "memory" in hierarchies.unified_controllers:
        top, name = hierarchies.unified, "memory.events"
    return os.path.join(top, container.roots.cgroup_parent, container.id, name) if top else ""


def write_policy(container):
    """Write what a running watcher obeys: restart policy, log rotation, times of the health check.

    After a change, SIGHUP makes it read again.
    """
    spec = container.spec
    check = container.record.healthcheck
    values = {"restart": spec.restart_policy.name, "retries": spec.restart_policy.retries, "log": spec.logging.driver,
              "log_max_size": spec.logging.max_size, "log_max_file": spec.logging.max_file, "auto_remove": int(spec.auto_remove)}
    if check is not None:
        values.update(health_check=health_mark(check), health_interval=check.interval, health_timeout=check.timeout,
                      health_start_period=check.start_period, health_start_interval=check.start_interval, health_retries=check.retries)
    write_bytes(container.path("policy"), _lines(values), durable=False)


def health_mark(check):
    """A short mark of a health check, by which the watcher and those who wait for it know which one a verdict is about."""
    return digest_of(check.to_json())[:16] if check is not None else ""


def _lines(values):
    return "".join("%s=%s\n" % (key, str(value).replace("\n", " ")) for key, value in values.items()).encode()


def adopt(container, engine=None):
    """Give a running container whose supervisor was killed a new one.

    Its process is not touched; its exit status can't be known any more.
    """
    engine = engine or installed.make_current(container.roots)
    middle = os.fork()
    if middle == 0:
        try:
            os.setsid()
            if os.fork() != 0:
                os._exit(0)
            null = os.open("/dev/null", os.O_RDWR)
            _detach(null)
            deafen()
            with contextlib.ExitStack() as undo:
                streams = open_streams(container, undo)
                state = container.stored_state().replace(supervisor=os.getpid(),
                                                         supervisor_start=records.start_time(container.roots, os.getpid()))
                container.write_state(state)
                os.execv(*_watcher(engine, write_run(container, state, streams, None)))
        finally:
            os._exit(1)
    os.waitpid(middle, 0)


def _watcher(engine, arguments):
    return _executable(installed.command(engine, "supervisor", "watch", *arguments, lean=True))


def _executable(argv):
    return argv[0], argv


def _read_report(fd):
    import select

    poller = select.poll()
    poller.register(fd, select.POLLIN)
    data = b""
    deadline = time.monotonic() + REPORT_SECONDS
    while time.monotonic() < deadline:
        if poller.poll(1000):
            chunk = os.read(fd, 65536)
            if not chunk:
                break
            data += chunk
    try:
        return json.loads(data) if data else {}
    except ValueError:
        return {"error": data.decode("utf-8", "replace")}


def timestamp():
    """Now, as RFC 3339 in UTC with nanoseconds."""
    now = time.time_ns()
    return "%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)), now % 10**9)
