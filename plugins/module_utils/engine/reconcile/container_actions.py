# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of a container's plan, as values. Each stores what it has made true, so that a killed run is taken up where it ended."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import Optional, Tuple

from ..errors import EngineError, NotFound, TimedOut
from ..plan import Action
from ..runtime import container as records
from ..spec.container import Attachment, ContainerSpec
from ..spec.network import PortBinding
from ..spec.resources import Resources


def _get(roots, name):
    return records.ContainerStore(roots).get(name)


@dataclass(frozen=True)
class PullImage(Action):
    """Pull, or pull again. ``registry``: function that gives the client's options."""

    reference: str
    registry: object = field(default=None, compare=False)

    def describe(self):
        return "pull image %s" % self.reference

    def execute(self, roots):
        from ..image.pull import pull

        try:
            pull(roots, self.reference, self.registry() if self.registry else None)
        except EngineError as error:
            error.message = "image: %r cannot be pulled: %s" % (self.reference, error.message)
            raise


@dataclass(frozen=True)
class CreateContainer(Action):
    """Make record, overlay, volumes and bundle."""

    spec: ContainerSpec

    def describe(self):
        return "create container %s from %s" % (self.spec.name, self.spec.image)

    def execute(self, roots):
        from ..runtime import delete, prepare

        delete.sweep(roots)
        prepare.make(roots, self.spec)


@dataclass(frozen=True)
class RemoveContainer(Action):
    """Stop and remove."""

    name: str
    timeout: Optional[int] = None
    force_kill: bool = False
    kill_signal: Optional[str] = None
    volumes: bool = False

    def describe(self):
        return "remove container %s" % self.name

    def execute(self, roots):
        from ..runtime import delete

        container = records.ContainerStore(roots).find(self.name, True, records.SHORTEST_CLEAR_ID)
        if container is None:
            return
        _stop(container, self.timeout, self.force_kill, self.kill_signal)
        delete.delete(container, volumes=self.volumes)
        delete.sweep(roots)


@dataclass(frozen=True)
class StartContainer(Action):
    """Network, supervisor, first process."""

    name: str

    def describe(self):
        return "start container %s" % self.name

    def execute(self, roots):
        from ..runtime import start

        start.start(_get(roots, self.name))


@dataclass(frozen=True)
class StopContainer(Action):
    """Stop signal, patience, SIGKILL."""

    name: str
    timeout: Optional[int] = None
    force_kill: bool = False
    kill_signal: Optional[str] = None

    def describe(self):
        return "stop container %s" % self.name

    def execute(self, roots):
        _stop(_get(roots, self.name), self.timeout, self.force_kill, self.kill_signal)


@dataclass(frozen=True)
class RestartContainer(Action):
    """Stop, then start the same container."""

    name: str
    timeout: Optional[int] = None
    force_kill: bool = False

    def describe(self):
        return "restart container %s" % self.name

    def execute(self, roots):
        from ..runtime import start

        container = _get(roots, self.name)
        _stop(container, self.timeout, self.force_kill, None)
        start.start(container)


def _stop(container, timeout, force_kill, kill_signal):
    from ..runtime import kill

    if force_kill:
        kill.stop(container, 0, kill.signal_number(kill_signal or "SIGKILL", "kill_signal"))
    else:
        kill.stop(container, timeout)


@dataclass(frozen=True)
class WantRunning(Action):
    """Record that a running container should run: a killed stop had recorded the contrary."""

    name: str

    def describe(self):
        return "keep container %s running" % self.name

    def execute(self, roots):
        _get(roots, self.name).want(True)


@dataclass(frozen=True)
class PauseContainer(Action):
    """Freeze the control group."""

    name: str

    def describe(self):
        return "pause container %s" % self.name

    def execute(self, roots):
        from ..cgroup.manager import open_manager

        open_manager(roots, _get(roots, self.name).id).freeze()


@dataclass(frozen=True)
class UnpauseContainer(Action):
    """Thaw the control group."""

    name: str

    def describe(self):
        return "unpause container %s" % self.name

    def execute(self, roots):
        from ..cgroup.manager import open_manager

        open_manager(roots, _get(roots, self.name).id).thaw()


@dataclass(frozen=True)
class AdoptContainer(Action):
    """A new supervisor for a process whose own was killed."""

    name: str

    def describe(self):
        return "take over container %s, whose supervisor is gone" % self.name

    def execute(self, roots):
        from ..runtime import launch

        launch.adopt(_get(roots, self.name))


@dataclass(frozen=True)
class UpdateResources(Action):
    """Write limits into the control group of a running container, and store them."""

    name: str
    resources: Resources

    def describe(self):
        return "set the limits of container %s" % self.name

    def execute(self, roots):
        container = _get(roots, self.name)
        if container.state().status in (records.RUNNING, records.PAUSED):
            from ..cgroup.manager import open_manager

            manager = open_manager(roots, container.id)
            manager.apply(self.resources.filled())
        container.save(container.record.replace(spec=container.spec.replace(resources=self.resources)))


@dataclass(frozen=True)
class UpdateSettings(Action):
    """Store fields that only the record and the watcher know, and tell the watcher."""

    name: str
    fields: Tuple[str, ...]
    spec: ContainerSpec

    def describe(self):
        return "set %s of container %s" % (", ".join(self.fields), self.name)

    def execute(self, roots):
        from ..image.store import ImageStore
        from ..runtime import launch, prepare

        container = _get(roots, self.name)
        spec = container.spec.replace(**{name: getattr(self.spec, name) for name in self.fields})
        image = ImageStore(roots).find(container.record.image_id)
        changes = {"spec": spec}
        if image is not None:
            changes.update(healthcheck=prepare.effective_healthcheck(spec, image.config.config),
                           stop_signal=prepare.effective_stop_signal(spec, image.config.config))
        container.save(container.record.replace(**changes))
        if container.supervisor_alive():
            launch.write_policy(container)
            os.kill(container.stored_state().supervisor, signal.SIGHUP)

    def __hash__(self):
        return hash((self.name, self.fields))


@dataclass(frozen=True)
class ConnectNetwork(Action):
    """Attach a network; a running container sees a new interface."""

    name: str
    attachment: Attachment

    def describe(self):
        return "connect container %s to network %s" % (self.name, self.attachment.name)

    def execute(self, roots):
        from ..linux import netns
        from ..net import attach
        from ..runtime import sandbox

        container = _get(roots, self.name)
        if netns.is_pinned(container.netns):
            ifname = attach.free_ifname(roots, container.id)
            sandbox.connect(container, self.attachment, ifname, first=ifname == "eth0")


@dataclass(frozen=True)
class DisconnectNetwork(Action):
    """Detach a network; its interface goes, its address is free."""

    name: str
    network: str

    def describe(self):
        return "disconnect container %s from network %s" % (self.name, self.network)

    def execute(self, roots):
        from ..runtime import sandbox

        sandbox.disconnect(_get(roots, self.name), self.network)


@dataclass(frozen=True)
class PublishPorts(Action):
    """Replace the published ports; connections through ports that stay are not touched."""

    name: str
    ports: Tuple[PortBinding, ...]

    def describe(self):
        return "publish ports of container %s" % self.name

    def execute(self, roots):
        from ..linux import netns
        from ..runtime import sandbox

        container = _get(roots, self.name)
        container.record = container.record.replace(spec=container.spec.replace(ports=self.ports))
        if netns.is_pinned(container.netns):
            sandbox.publish(container)
        container.save(container.record)


@dataclass(frozen=True)
class RepairNetwork(Action):
    """Bring back links, addresses and rules that somebody else took away."""

    name: str
    faults: Tuple[str, ...]

    def describe(self):
        return "repair the network of container %s (%s)" % (self.name, "; ".join(self.faults))

    def execute(self, roots):
        from ..runtime import sandbox

        sandbox.repair(_get(roots, self.name))


def wait_healthy(roots, name, timeout):
    """Wait until a container is healthy, or runs where it has no health check.

    :param timeout: seconds.
    :raises TimedOut: with the last output of the check. EngineError: it ended or became unhealthy for good.
    """
    import time

    from ..runtime import launch
    from ..state import read_json

    deadline = time.monotonic() + timeout
    pause = 0.01
    while True:
        container = records.ContainerStore(roots).find(name)
        if container is None:
            raise NotFound("container %s was removed while it was waited for" % name)
        state = container.state()
        # right after a change of the check the stored verdict may still be about the old one
        health = state.health if state.health_check == launch.health_mark(container.record.healthcheck) else "starting"
        if state.status == records.RUNNING and (container.record.healthcheck is None or health == "healthy"):
            return
        history = read_json(container.path("health.json"), [])
        last = ": %s" % history[-1]["Output"].strip() if history and history[-1]["Output"].strip() else ""
        if state.status in (records.EXITED, records.DEAD) and not container.supervisor_alive():
            raise EngineError("container %s exited with status %d before it was healthy%s" % (name, state.exit_code, last),
                              "see its log: %s" % container.path("logs", "container.log"))
        if health == "unhealthy":
            raise EngineError("container %s is unhealthy%s" % (name, last), "see State.Health.Log in container_info")
        if time.monotonic() > deadline:
            raise TimedOut("container %s did not become healthy in %g seconds%s" % (name, timeout, last),
                           "give healthy_wait_timeout more, or see its log")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
