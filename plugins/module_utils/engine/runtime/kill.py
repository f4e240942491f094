# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals, and the stop that Docker's users know: stop signal, a time to end, then SIGKILL to the whole control group."""

from __future__ import annotations

import os
import re
import select
import signal
import time

from ..cgroup.manager import open_manager
from ..errors import InvalidValue, TimedOut
from . import container as records
from . import delete, launch

KILL_SECONDS = 10


def signal_number(text, option="stop_signal"):
    """The number of a signal named as Docker takes it: SIGTERM, TERM, 15, RTMIN+3."""
    name = str(text).upper()
    if re.match(r"[0-9]{1,2}\Z", name) and 0 < int(name) < signal.NSIG:
        return int(name)
    name = name.removeprefix("SIG")
    base, plus, offset = name.partition("+")
    value = None if base.startswith("_") else getattr(signal, "SIG" + base, None)
    if value is not None and plus:
        # only the real-time signals are counted from one of them
        value = int(value) + int(offset) if base == "RTMIN" and re.match(r"[0-9]{1,2}\Z", offset) else None
    if value is None or not 0 < value < signal.NSIG:
        raise InvalidValue(option, text, "is no signal", "use a name such as SIGTERM or a number from 1 to 64")
    return int(value)


def kill(container, number=signal.SIGKILL):
    """Send a signal to the first process. One that is gone is success."""
    state = container.state()
    if state.status in (records.RUNNING, records.PAUSED) and state.pid:
        try:
            os.kill(state.pid, number)
        except ProcessLookupError:
            return
        if number == signal.SIGKILL and state.status == records.PAUSED:
            open_manager(container.roots, container.id).thaw()


def stop(container, timeout=None, number=None):
    """Stop and release a container; one that does not run is success. The wish not to run is recorded first, so no policy restarts it.

    :param timeout: seconds between the stop signal and SIGKILL; None is the container's own.
    """
    timeout = container.spec.stop_timeout if timeout is None else timeout
    container.want(False)
    deadline = time.monotonic() + KILL_SECONDS
    stored = container.stored_state()
    state = container.state()
    supervisor = Waiter(container.roots, stored.boot_id, stored.supervisor, stored.supervisor_start)
    first = Waiter(container.roots, stored.boot_id, stored.pid, stored.pid_start)
    manager = open_manager(container.roots, container.id)
    if state.status in (records.RUNNING, records.PAUSED):
        os_signal(state.pid, signal_number(container.record.stop_signal) if number is None else number)
        if state.status == records.PAUSED:
            manager.thaw()
        if not first.wait(timeout):
            os_signal(state.pid, signal.SIGKILL)
            manager.kill()
            if not first.wait(KILL_SECONDS):
                raise TimedOut("container %s did not die of SIGKILL in %d seconds (pid %d)" % (container.name, KILL_SECONDS, state.pid),
                               "a process in uninterruptible sleep (a dead network file system?) can't be killed")
    elif state.status == records.RESTARTING:
        os_signal(stored.supervisor, signal.SIGHUP)
        while not supervisor.wait(0.1):
            if container.stored_state().status == records.RUNNING:
                # it was past asking for the wish when we took it back
                supervisor.close()
                first.close()
                return stop(container, timeout, number)
            if time.monotonic() > deadline:
                break
    if not supervisor.wait(KILL_SECONDS + timeout):
        os_signal(stored.supervisor, signal.SIGKILL)
    supervisor.close()
    first.close()
    settle(container)


def end_supervisor(container):
    """Kill the supervisor of a container that does not run: one that a killed caller left in the middle of a start, or of a restart."""
    state = container.stored_state()
    supervisor = Waiter(container.roots, state.boot_id, state.supervisor, state.supervisor_start)
    try:
        if not supervisor.wait(0):
            os_signal(state.supervisor, signal.SIGKILL)
            supervisor.wait(KILL_SECONDS)
    finally:
        supervisor.close()


def settle(container):
    """After supervisor and first process are gone: make the stored state say so, and release what a killed supervisor did not."""
    state = container.stored_state()
    if state.status not in (records.EXITED, records.CREATED):
        code = state.exit_code or 137
        container.write_state(state.replace(status=records.EXITED, pid=0, supervisor=0, exit_code=code,
                                            finished_at=launch.timestamp(), health=""))
    delete.release(container)


def os_signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class Waiter:
    """Waits for a process that need not be our child, by pidfd; the recorded start time guards against a recycled number."""

    def __init__(self, roots, boot, pid, started):
        self._fd = None
        if pid:
            try:
                self._fd = os.pidfd_open(pid)
            except ProcessLookupError:
                return
            if not records.is_alive(roots, boot, pid, started):
                self.close()

    def wait(self, seconds):
        """Whether the process is gone within that time."""
        if self._fd is None:
            return True
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if poller.poll(max(0, int(left * 1000) + 1)):
                return True
            if left <= 0:
                return False

    def close(self):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
