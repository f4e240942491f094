# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher: the one small process of a running container. It writes the log, runs the health check, reaps, restarts, and tears down.

Small is the point, so this file and what it imports keep to builtin and tiny modules: no json, re, enum, signal, dataclasses, ctypes. It
reads ``key=value`` lines (see runtime/launch.py) and writes flat JSON by hand. Anything bigger is done by executing the engine afresh.
"""

from __future__ import annotations

import _signal
import os
import select
import sys
import time

from . import log

MAX_BACKOFF = 60.0
FIRST_BACKOFF = 0.1
STEADY_SECONDS = 10.0
_NUMBERS = ("pid", "pid_start", "supervisor", "supervisor_start", "exit_code", "restart_count", "health_failures")
_FIELDS = ("status", "pid", "pid_start", "supervisor", "supervisor_start", "boot_id", "exit_code", "oom_killed", "error", "started_at",
           "finished_at", "restart_count", "health", "health_failures", "health_check")


def read_lines(path):
    """dict of the ``key=value`` lines of a file."""
    values = {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            key, unused, value = line.rstrip("\n").partition("=")
            values[key] = value
    return values


def quote(text):
    """A JSON string."""
    out = []
    for letter in text:
        if letter in '"\\':
            out.append("\\" + letter)
        elif letter < " ":
            out.append("\\u%04x" % ord(letter))
        else:
            out.append(letter)
    return '"%s"' % "".join(out)


class Watcher:
    """See the module. ``directory`` is the container's; ``fds`` its stdout and stderr, or its terminal."""

    def __init__(self, directory, fds, engine):
        self.directory = directory
        self.engine = engine
        self._listen()
        self.policy = read_lines(directory + "/policy")
        path = self._find_run()
        self.state = read_lines(path)
        self.written_check = self.state["health_check"]
        self.probed_check = ""
        self.pid = int(self.state["pid"])
        self.streams = {}
        self.poller = select.poll()
        names = ("stdout", "stderr") if len(fds) > 1 else ("stdout",)
        self.log = log.Log(directory + "/logs", int(self.policy["log_max_size"]), int(self.policy["log_max_file"])) if fds else None
        for name, fd in zip(names, fds):
            os.set_blocking(fd, False)
            self.streams[fd] = log.Lines(self.log, name)
            self.poller.register(fd, select.POLLIN)
        self.probe = None
        self.probe_fd = None
        self.started = time.monotonic()
        self.next_probe = None
        self._plan_probe(first=True)

    def _listen(self):
        """Before anything is read, so that a SIGHUP that came while we were deaf (see launch.deafen) told of what is read now."""
        self.wake, self.wake_write = os.pipe()
        for fd in (self.wake, self.wake_write):
            os.set_blocking(fd, False)
        _signal.set_wakeup_fd(self.wake_write)
        _signal.signal(_signal.SIGHUP, _nothing)
        _signal.signal(_signal.SIGTERM, _nothing)
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        _signal.signal(_signal.SIGCHLD, _nothing)

    def _find_run(self):
        # the identifier is the directory's name; the volatile root is told in the file that the launcher wrote beside the FIFOs
        return os.readlink(self.directory + "/volatile") + "/run"

    def run(self):
        """Watch until the first process ends. Returns its wait status, or None where it was not our child (adopted)."""
        self.exit_fd = os.pidfd_open(self.pid)
        self.poller.register(self.exit_fd, select.POLLIN)
        wake = self.wake
        self.poller.register(wake, select.POLLIN)
        while True:
            for fd, unused_event in self.poller.poll(self._patience()):
                if fd == self.exit_fd:
                    return self._reap()
                if fd == wake:
                    self._woken()
                elif fd == self.probe_fd:
                    self._probe_ended()
                else:
                    self._pump(fd)
            if self.probe is None and self.next_probe is not None and time.monotonic() >= self.next_probe:
                self._start_probe()

    def _patience(self):
        if self.next_probe is None or self.probe is not None:
            return None
        return max(0, int((self.next_probe - time.monotonic()) * 1000) + 1)

    def _woken(self):
        try:
            data = os.read(self.wake, 512)
        except BlockingIOError:
            return
        if _signal.SIGHUP in data:
            before = self.policy.get("health_check", "")
            self.policy = read_lines(self.directory + "/policy")
            if self.log is not None:
                self.log.limits(int(self.policy["log_max_size"]), int(self.policy["log_max_file"]))
            check = self.policy.get("health_check", "")
            if check != before:
                self.state["health_check"] = check
                self._set_health("starting" if check else "", 0)
                if self.probe is not None:
                    _kill(self.probe)
                self._plan_probe(first=True)

    def _pump(self, fd):
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            # EIO: every descriptor of the terminal's other side is closed
            data = b""
        if data:
            self.streams[fd].feed(data)
        else:
            self.poller.unregister(fd)

    def _reap(self):
        for fd, lines in self.streams.items():
            while True:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    break
                if not data:
                    break
                lines.feed(data)
            lines.flush()
        if self.log is not None:
            self.log.close()
        if self.probe is not None:
            _kill(self.probe)
        try:
            return os.waitpid(self.pid, 0)[1]
        except ChildProcessError:
            return None

    # health

    def _plan_probe(self, first=False):
        if "health_interval" not in self.policy:
            self.next_probe = None
            return
        interval = float(self.policy["health_interval"])
        if self._starting():
            interval = min(interval, float(self.policy["health_start_interval"]))
        self.next_probe = time.monotonic() + (min(interval, float(self.policy["health_start_interval"])) if first else interval)

    def _starting(self):
        """Within the start period and not yet healthy: failures do not count."""
        return self.state.get("health") == "starting" and time.monotonic() - self.started < float(self.policy["health_start_period"])

    def _start_probe(self):
        self.next_probe = None
        self.probed_check = self.policy["health_check"]
        pid = os.fork()
        if pid == 0:
            try:
                argv = [sys.executable, "-I", "-S", self.engine + "/agentless", "supervisor", "probe", self.state["state_root"],
                        self.state["run_root"], os.path.basename(self.directory)]
                os.execv(argv[0], argv)
            finally:
                os._exit(3)
        self.probe = pid
        self.probe_fd = os.pidfd_open(pid)
        self.poller.register(self.probe_fd, select.POLLIN)

    def _probe_ended(self):
        self.poller.unregister(self.probe_fd)
        os.close(self.probe_fd)
        status = os.waitpid(self.probe, 0)[1]
        self.probe = self.probe_fd = None
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1
        if self.policy.get("health_check", "") != self.probed_check:
            # it ran another check than the one that counts now
            return
        failures = int(self.state.get("health_failures", 0))
        if code == 0:
            self._set_health("healthy", 0)
        elif code != 3:
            if not self._starting():
                failures += 1
            healthy = self.state.get("health", "starting")
            self._set_health("unhealthy" if failures >= int(self.policy["health_retries"]) else healthy, failures)
        self._plan_probe()

    def _set_health(self, health, failures):
        known = self.state.get("health"), int(self.state.get("health_failures", 0)), self.written_check
        if known == (health, failures, self.state["health_check"]):
            return
        self.written_check = self.state["health_check"]
        self.state["health"] = health
        self.state["health_failures"] = str(failures)
        self.write_state()

    # the end of a run

    def write_state(self):
        """Replace state.json by rename."""
        out = []
        for name in _FIELDS:
            value = self.state.get(name, "")
            if name in _NUMBERS:
                out.append('"%s": %d' % (name, int(value or 0)))
            elif name == "oom_killed":
                out.append('"%s": %s' % (name, "true" if value == "True" else "false"))
            else:
                out.append('"%s": %s' % (name, quote(value)))
        temporary = self.directory + "/.state.json.watch"
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write("{%s}\n" % ", ".join(out))
        os.rename(temporary, self.directory + "/state.json")

    def oom_killed(self):
        path = self.state.get("oom_file")
        if not path:
            return False
        try:
            with open(path, encoding="ascii") as stream:
                return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in stream)
        except OSError:
            return False

    def ended(self, status):
        """Record how the run ended."""
        if status is None:
            code = 255
        else:
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        self.state.update(exit_code=str(code), oom_killed=str(self.oom_killed()), pid="0", finished_at=log.timestamp(), health="",
                          health_failures="0")
        return code

    def wanted(self):
        try:
            with open(self.directory + "/intent.json", encoding="utf-8") as stream:
                return "true" in stream.read()
        except OSError:
            return False

    def should_restart(self, code):
        """Docker's policies; a stop that was asked for (intent) always wins."""
        policy = self.policy["restart"]
        if not self.wanted() or policy == "no":
            return False
        if policy == "on-failure":
            retries = int(self.policy["retries"])
            return code != 0 and (retries == 0 or int(self.state["restart_count"]) < retries)
        return True

    def wait_backoff(self):
        """Sleep before a restart: 100 ms, doubled by each quick end, at most a minute.

        False when the wish to run was taken back meanwhile.
        """
        count = int(self.state["restart_count"])
        quick = time.monotonic() - self.started < STEADY_SECONDS
        delay = min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** min(count, 16)) if quick else FIRST_BACKOFF
        deadline = time.monotonic() + delay
        waiter = select.poll()
        waiter.register(self.wake, select.POLLIN)
        while time.monotonic() < deadline:
            if waiter.poll(max(1, int((deadline - time.monotonic()) * 1000))):
                self._woken()
            if not self.wanted():
                return False
        return True


def main(arguments, engine):
    """``watch DIRECTORY FD,FD``."""
    directory, fds = arguments
    with open("/proc/self/comm", "w", encoding="ascii") as stream:
        stream.write("agentless")
    watcher = Watcher(directory, [int(fd) for fd in fds.split(",") if fd], engine)
    code = watcher.ended(watcher.run())
    where = (watcher.state["state_root"], watcher.state["run_root"], os.path.basename(directory))
    if watcher.should_restart(code):
        watcher.state["status"] = "restarting"
        watcher.write_state()
        if watcher.wait_backoff():
            _execute(engine, "start", *where, str(int(watcher.state["restart_count"]) + 1))
    watcher.state["status"] = "exited"
    watcher.write_state()
    _execute(engine, "teardown", *where)


def _execute(engine, *words):
    argv = [sys.executable, "-I", engine + "/agentless", "supervisor"] + list(words)
    for number in (_signal.SIGHUP, _signal.SIGTERM):
        # a handler would end with execve(2), and the signal would then kill
        _signal.signal(number, _signal.SIG_IGN)
    os.execv(argv[0], argv)


def _nothing(unused_number, unused_frame):
    """A handler, so that the signal reaches the wake-up descriptor."""


def _kill(pid):
    try:
        os.kill(pid, _signal.SIGKILL)
    except ProcessLookupError:
        return
