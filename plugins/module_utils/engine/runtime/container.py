# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container records: what is stored of a container, where, and what state it is in.

``containers/<id>/container.json`` is written when it is made and when its spec changes; ``state.json`` by whoever moves the container from
one state to the next (create, supervisor, teardown); ``intent.json`` says whether it should run, so that a supervisor knows a wanted stop
from a crash and boot knows what to start. What is stored is believed only as far as the kernel confirms it: pid, its start time and the
boot ID.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from typing import Any, Dict, Optional, Tuple

from ..errors import Conflict, EngineError, NotFound, describe
from ..spec.container import ContainerSpec, Healthcheck
from ..spec.document import Document, document
from ..state import listed, make_directory, read_json, write_json

_REMOVED = ".removed."
SETTLE_SECONDS = 2
SHORTEST_ID, SHORTEST_CLEAR_ID = 4, 12
CREATED, RUNNING, PAUSED, RESTARTING, EXITED, DEAD = "created", "running", "paused", "restarting", "exited", "dead"


@document
class State(Document):
    """What is known of the process.

    ``health_check`` is the mark of the check that ``health`` speaks of. Times are RFC 3339 in UTC with nanoseconds, as in Docker's inspect.
    """

    status: str = CREATED
    pid: int = 0
    pid_start: int = 0
    supervisor: int = 0
    supervisor_start: int = 0
    boot_id: str = ""
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    started_at: str = "0001-01-01T00:00:00Z"
    finished_at: str = "0001-01-01T00:00:00Z"
    restart_count: int = 0
    health: str = ""
    health_failures: int = 0
    health_check: str = ""


@document
class Record(Document):
    """container.json. ``image_id`` is what the reference meant when the container was made.

    ``healthcheck`` and ``stop_signal`` are what counts: the spec's, or the image's where the spec has none. ``mounts`` are the volumes and
    binds as they were resolved, anonymous volumes with their names.
    """

    NESTED = {"spec": ContainerSpec, "healthcheck": Healthcheck}
    id: str
    name: str
    created: str
    image_id: str
    spec: ContainerSpec
    mounts: Tuple[Dict[str, Any], ...] = ()
    anonymous_volumes: Tuple[str, ...] = ()
    healthcheck: Optional[Healthcheck] = None
    stop_signal: str = "SIGTERM"

    def __hash__(self):
        return hash(self.id)


class Container:
    """One container's directory, with its record and (read afresh at each call) its state."""

    def __init__(self, roots, record):
        self.roots = roots
        self.record = record

    @property
    def id(self):
        return self.record.id

    @property
    def name(self):
        return self.record.name

    @property
    def spec(self):
        return self.record.spec

    @property
    def directory(self):
        return os.path.join(self.roots.containers, self.id)

    @property
    def volatile(self):
        """Directory of what is gone at reboot: the standard streams' FIFOs."""
        return os.path.join(self.roots.run, "containers", self.id)

    @property
    def netns(self):
        return os.path.join(self.roots.netns, self.id)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def stored_state(self):
        """The state as last written."""
        return State.from_json(read_json(self.path("state.json"), {}))

    def state(self):
        """The state as the kernel confirms it: a dead pid or another boot is not "running" whatever the file says."""
        state = self.stored_state()
        if state.status in (CREATED, EXITED, DEAD):
            return state
        if is_alive(self.roots, state.boot_id, state.pid, state.pid_start):
            return state.replace(status=PAUSED) if self._frozen() else state.replace(status=RUNNING)
        if is_alive(self.roots, state.boot_id, state.supervisor, state.supervisor_start):
            # between two runs: the supervisor is about to write what comes next
            return state.replace(status=RESTARTING, pid=0) if state.status == RESTARTING else self._settling(state)
        return state.replace(status=EXITED, pid=0, exit_code=state.exit_code or 255,
                             error=state.error or "the host was restarted or the supervisor was killed")

    def _settling(self, state):
        """The process is gone and its supervisor has not said so yet: it will, unless it is us who ask for it."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while state.supervisor != os.getpid() and time.monotonic() < deadline:
            again = self.stored_state()
            if again != state:
                return again
            if not is_alive(self.roots, state.boot_id, state.supervisor, state.supervisor_start):
                break
            time.sleep(0.02)
        again = self.stored_state()
        return again if again != state else state.replace(status=EXITED, pid=0)

    def _frozen(self):
        from ..cgroup.manager import open_manager

        return open_manager(self.roots, self.id).frozen()

    def is_complete(self):
        """Whether its making came to the end (state.json is written last), and nobody took its files away."""
        return os.path.exists(self.path("state.json")) and os.path.exists(self.path("config.json"))

    def supervisor_alive(self):
        state = self.stored_state()
        return is_alive(self.roots, state.boot_id, state.supervisor, state.supervisor_start)

    def write_state(self, state):
        write_json(self.path("state.json"), state.to_json(), durable=False)

    def wanted(self):
        """Whether the container should run: what ``started`` and ``stopped`` last said."""
        return bool(read_json(self.path("intent.json"), {}).get("run", False))

    def want(self, run):
        write_json(self.path("intent.json"), {"run": run})

    def save(self, record):
        """Store a changed record."""
        self.record = record
        write_json(self.path("container.json"), record.to_json())


class ContainerStore:
    """All containers under a state root. ``damaged`` tells (list of str) which records :meth:`list` could not read."""

    def __init__(self, roots):
        self.roots = roots
        self.damaged = []

    def find(self, name, damaged=False, shortest=SHORTEST_ID):
        """The container of this name, or full or unambiguous short ID (from 4 digits), or None.

        :param shortest: digits that an ID has at the least. Whoever changes things by name asks for more: ``cafe`` is a name, too.
        :param damaged: give one whose record cannot be read, too, with an empty record: enough to remove it.
        """
        try:
            container = self._named(name)
        except EngineError:
            if not damaged:
                raise
            identity = os.readlink(os.path.join(self.roots.names, name))
            return Container(self.roots, Record(id=identity, name=name, created="", image_id="", spec=ContainerSpec(name=name, image="")))
        if container is not None:
            return container
        if len(name) >= shortest and all(letter in "0123456789abcdef" for letter in name):
            matches = [each for each in self._ids() if each.startswith(name)]
            if len(matches) > 1:
                raise EngineError("container ID %s is ambiguous: %s" % (name, ", ".join(each[:12] for each in matches)),
                                  "give more digits of the ID")
            if matches:
                return self._load(matches[0])
        return None

    def get(self, name):
        """Like :meth:`find`, but raises NotFound."""
        container = self.find(name)
        if container is None:
            raise NotFound("there is no container %s" % name, "see agentless.containers.container_info, or 'agentless ps -a' on the host")
        return container

    def list(self):
        """Every container, oldest first. One whose record cannot be read hides no other: what is wrong with it is added to ``damaged``."""
        found = []
        for identity in self._ids():
            try:
                found.append(self._load(identity))
            except EngineError as error:
                self.damaged.append(describe(error))
        return sorted((each for each in found if each is not None), key=lambda each: each.record.created)

    def add(self, record):
        """Store a new container; the name is reserved by the symbolic link first, so that two makers can't both have it.

        :raises Conflict: the name is taken.
        """
        with self.roots.lock("containers"):
            return self._add(record)

    def _add(self, record):
        directory = os.path.join(self.roots.containers, record.id)
        make_directory(self.roots.names)
        make_directory(directory, 0o711)
        write_json(os.path.join(directory, "container.json"), record.to_json())
        try:
            os.symlink(record.id, os.path.join(self.roots.names, record.name))
        except FileExistsError:
            if self._named(record.name) is not None:
                shutil.rmtree(directory, ignore_errors=True)
                raise Conflict("the container name %s is taken" % record.name, "remove that container, or choose another name") from None
            # what a killed maker or remover left: a name without a container
            link = os.path.join(self.roots.names, record.name)
            temporary = "%s.%s.tmp" % (link, record.id[:12])
            os.symlink(record.id, temporary)
            os.rename(temporary, link)
        return Container(self.roots, record)

    def forget(self, container):
        """Remove the record: first the name, then the directory. Safe to repeat."""
        link = os.path.join(self.roots.names, container.name)
        with self.roots.lock("containers"):
            try:
                if os.readlink(link) == container.id:
                    os.unlink(link)
            except FileNotFoundError:
                pass
            remove_tree(container.directory)
            remove_tree(container.volatile)

    def leftovers(self):
        """Containers that a killed maker or remover left: no name points to them. Call it under the lock ``containers``."""
        named = set()
        for name in listed(self.roots.names):
            try:
                named.add(os.readlink(os.path.join(self.roots.names, name)))
            except OSError:
                continue
        return [container for container in (self._load(each) for each in self._ids() if each not in named) if container is not None]

    def has_rubbish(self):
        """Whether killed runs may have left something: two directory listings."""
        entries = listed(self.roots.containers)
        return any(name.startswith(_REMOVED) for name in entries) or len(entries) != len(listed(self.roots.names))

    def clear_rubbish(self):
        """Remove directories that a killed maker left before it wrote a record into them, and removals that were killed half way."""
        clear_removed(self.roots.containers)
        clear_removed(os.path.join(self.roots.run, "containers"))
        for identity in self._ids():
            if not os.path.exists(os.path.join(self.roots.containers, identity, "container.json")):
                remove_tree(os.path.join(self.roots.containers, identity))

    def ids(self):
        """The IDs of all containers, half made ones among them."""
        return self._ids()

    def _named(self, name):
        try:
            identity = os.readlink(os.path.join(self.roots.names, name))
        except OSError:
            return None
        container = self._load(identity)
        return container if container is not None and container.name == name else None

    def _load(self, identity):
        data = read_json(os.path.join(self.roots.containers, identity, "container.json"))
        return None if data is None else Container(self.roots, Record.from_json(data))

    def _ids(self):
        return [name for name in listed(self.roots.containers) if len(name) == 64]


def clear_removed(directory):
    """Finish removals that were killed half way."""
    for name in listed(directory):
        if name.startswith(_REMOVED):
            shutil.rmtree(os.path.join(directory, name), ignore_errors=True)


def remove_tree(path):
    """Remove a directory tree; a missing one is success. Renamed first, so that a kill half way leaves no half container under its name."""
    doomed = os.path.join(os.path.dirname(path), "%s%s.%s" % (_REMOVED, os.path.basename(path), secrets.token_hex(4)))
    try:
        os.rename(path, doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed)


def boot_id(roots):
    with open(os.path.join(roots.proc, "sys/kernel/random/boot_id"), encoding="ascii") as stream:
        return stream.read().strip()


def start_time(roots, pid):
    """Start time of a process in clock ticks since boot (proc(5), field 22), or None: gone, or a zombie."""
    try:
        with open(os.path.join(roots.proc, str(pid), "stat"), "rb") as stream:
            data = stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = data[data.rindex(b")") + 2:].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(roots, boot, pid, started) -> Optional[bool]:
    """Whether the process that was recorded still runs: same boot, same pid, same start time."""
    return bool(pid) and start_time(roots, pid) == started and boot_id(roots) == boot
