# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One container: what is wanted against what is, and the least destructive actions between the two.

``observe`` reads, ``plan`` is pure, actions act. A field that the kernel or the watcher can change in place (spec.container.IN_PLACE)
never makes a container anew; any other difference does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from ..errors import InvalidValue
from ..plan import Plan
from ..runtime import container as records
from ..runtime import sandbox
from ..spec.container import IN_PLACE, ContainerSpec

STATES = ("absent", "present", "started", "stopped", "healthy")
UP = (records.RUNNING, records.PAUSED, records.RESTARTING)
SETTINGS = ("restart_policy", "healthcheck", "labels", "stop_signal", "stop_timeout")


@dataclass(frozen=True)
class Desired:
    """What a task wants.

    ``spec`` is None where the task names a container that exists and changes only its state. ``pull``: never, missing or always.
    ``ignore``: fields whose differences do not count; ``subset``: fields in which what is there beyond the wanted is left
    (``comparisons``).
    """

    name: str
    spec: Optional[ContainerSpec] = None
    state: str = "started"
    paused: Optional[bool] = None
    restart: bool = False
    recreate: bool = False
    pull: str = "missing"
    registry: object = None
    ignore: Tuple[str, ...] = ()
    subset: Tuple[str, ...] = ()
    image_name_mismatch: str = "recreate"
    stop_timeout: Optional[int] = None
    force_kill: bool = False
    kill_signal: Optional[str] = None
    keep_volumes: bool = True

    def __hash__(self):
        return hash((self.name, self.state))


@dataclass(frozen=True)
class Observed:
    """What is there.

    ``image_id`` is what the wanted reference means now (None: not here), ``update`` whether the registry has another one.
    """

    record: Optional[records.Record] = None
    status: str = ""
    complete: bool = True
    supervised: bool = False
    wanted: bool = False
    image_id: Optional[str] = None
    update: bool = False
    limits: Dict[str, tuple] = field(default_factory=dict)
    network_faults: Tuple[str, ...] = ()

    @property
    def exists(self):
        return self.record is not None

    @property
    def running(self):
        return self.status in UP


def observe(roots, desired):
    """Read the state of one container. Cheap where nothing is to be done: a few small files."""
    container = records.ContainerStore(roots).find(desired.name, desired.state == "absent", records.SHORTEST_CLEAR_ID)
    image_id, update = _image(roots, desired) if desired.spec is not None and desired.state != "absent" else (None, False)
    if container is None:
        return Observed(image_id=image_id, update=update)
    state = container.state()
    running = state.status in (records.RUNNING, records.PAUSED)
    limits, faults = {}, ()
    if running and desired.state != "absent":
        resources = desired.spec.resources if desired.spec is not None else container.spec.resources
        limits = _limits(roots, container, resources)
        faults = sandbox.observe(container)
    return Observed(container.record, state.status, container.is_complete(), container.supervisor_alive(), container.wanted(), image_id,
                    update, limits, faults)


def _image(roots, desired):
    from ..image.identify import image_id

    identity = image_id(roots, desired.spec.image)
    if identity is None or desired.pull != "always" or desired.spec.image.startswith("sha256:"):
        return identity, False
    from ..image.pull import would_change

    return identity, would_change(roots, desired.spec.image, desired.registry() if desired.registry else None)


def _limits(roots, container, resources):
    if resources == type(resources)():
        return {}
    from ..cgroup.manager import open_manager

    manager = open_manager(roots, container.id)
    return manager.differences(resources)


def plan(desired, observed):
    """The :class:`Plan` from ``observed`` to ``desired``."""
    if desired.state == "absent":
        return _plan_absent(desired, observed)
    if not observed.exists and desired.spec is None:
        raise InvalidValue("image", None, "is needed: container %s does not exist yet" % desired.name,
                           "give image, or make the container first")
    steps, before, after = [], {}, {}
    status = observed.status
    reasons = _recreate_reasons(desired, observed)
    _plan_image(desired, observed, steps)
    if not observed.exists or reasons:
        if observed.exists:
            steps.append(_removal(desired, keep=True))
            before, after = _shown(observed.record.spec, desired.spec, reasons)
        else:
            before, after = {"exists": False}, {"exists": True}
        steps.append(_actions().CreateContainer(desired.spec))
        status = records.CREATED
    else:
        before, after = _plan_changes(desired, observed, steps)
    was = observed.status or "absent"
    now = _plan_state(desired, observed, steps, status)
    if now != was and steps:
        before, after = dict(before, status=was), dict(after, status=now)
    return Plan(steps, before, after)


def _plan_absent(desired, observed):
    if not observed.exists:
        return Plan()
    return Plan([_removal(desired, keep=False)], {"exists": True, "status": observed.status}, {"exists": False})


def _actions():
    """The module of the actions; imported only where there is something to do."""
    from . import container_actions  # pylint: disable=import-outside-toplevel

    return container_actions


def _removal(desired, keep):
    return _actions().RemoveContainer(desired.name, desired.stop_timeout, desired.force_kill, desired.kill_signal,
                                      not (keep or desired.keep_volumes))


def _plan_image(desired, observed, steps):
    if desired.spec is None:
        return
    # an ID means a content that no registry is asked for
    missing = observed.image_id is None and desired.pull != "never" and not desired.spec.image.startswith("sha256:")
    if missing or observed.update:
        steps.append(_actions().PullImage(desired.spec.image, desired.registry))


def _recreate_reasons(desired, observed):
    """Names of the fields (and "image", "recreate", "incomplete": its making was killed) for which the container must be made anew."""
    if not observed.exists or desired.spec is None:
        return []
    reasons = [name for name in differences(desired, observed.record.spec) if name not in IN_PLACE]
    if "image" in reasons and observed.image_id == observed.record.image_id and desired.image_name_mismatch == "ignore":
        # another name for the same image; a name that is not here yet means another one
        reasons.remove("image")
    other_image = observed.update or (observed.image_id or observed.record.image_id) != observed.record.image_id
    if other_image and "image" not in desired.ignore and "image" not in reasons:
        reasons.append("image")
    if not observed.complete:
        reasons.append("incomplete")
    if desired.recreate:
        reasons.append("recreate")
    return reasons


def differences(desired, stored):
    """Fields in which the stored spec differs from the wanted one, as ``comparisons`` lets them count."""
    return [name for name in desired.spec.differences(stored) if name not in desired.ignore and not _covers(desired, stored, name)]


def _covers(desired, stored, name):
    if name not in desired.subset:
        return False
    wanted, there = getattr(desired.spec, name), getattr(stored, name)
    if isinstance(wanted, dict):
        return all(key in there and there[key] == value for key, value in wanted.items())
    if isinstance(wanted, tuple):
        return all(each in there for each in wanted)
    return wanted is None


def _shown(stored, wanted, reasons):
    before, after = {}, {}
    for name in reasons:
        if hasattr(stored, name):
            old, new = stored.to_json().get(name), wanted.to_json().get(name)
            if name == "env":
                # values may be secrets: the diff names the keys only
                keys = sorted(key for key in set(old or {}) | set(new or {}) if (old or {}).get(key) != (new or {}).get(key))
                old, new = {key: "(old)" for key in keys if key in (old or {})}, {key: "(new)" for key in keys if key in (new or {})}
            before[name], after[name] = old, new
    return before, after


def _plan_changes(desired, observed, steps):
    """In-place changes of a container that stays."""
    record = observed.record
    live = observed.status in (records.RUNNING, records.PAUSED)
    changed = differences(desired, record.spec) if desired.spec is not None else []
    spec = desired.spec or record.spec
    if live and not observed.supervised:
        steps.append(_actions().AdoptContainer(record.name))
    if observed.network_faults:
        steps.append(_actions().RepairNetwork(record.name, observed.network_faults))
    before, after = _shown(record.spec, spec, [name for name in changed if name in IN_PLACE])
    if "resources" in changed or observed.limits:
        steps.append(_actions().UpdateResources(record.name, spec.resources))
        before.update({key: pair[0] for key, pair in observed.limits.items()})
        after.update({key: pair[1] for key, pair in observed.limits.items()})
    if "networks" in changed:
        _plan_networks(record.spec, spec, steps)
    if "ports" in changed:
        steps.append(_actions().PublishPorts(record.name, spec.ports))
    settings = tuple(name for name in changed if name in SETTINGS)
    if settings:
        steps.append(_actions().UpdateSettings(record.name, settings, spec))
    if "image" in changed:
        # the same image under another name
        steps.append(_actions().UpdateSettings(record.name, ("image",), spec))
    return before, after


def _plan_networks(stored, wanted, steps):
    old, new = sandbox.attachments(stored), sandbox.attachments(wanted)
    for attachment in old:
        if attachment not in new:
            steps.append(_actions().DisconnectNetwork(wanted.name, attachment.name))
    for attachment in new:
        if attachment not in old:
            steps.append(_actions().ConnectNetwork(wanted.name, attachment))
    steps.append(_actions().UpdateSettings(wanted.name, ("networks",), wanted))


def _plan_state(desired, observed, steps, status):
    """Append what brings the process from ``status`` to the wanted state; returns the status it will have."""
    name = desired.name
    running = status in UP
    if desired.state in ("started", "healthy"):
        if not running:
            steps.append(_actions().StartContainer(name))
        elif desired.restart:
            steps.append(_actions().RestartContainer(name, desired.stop_timeout, desired.force_kill))
        elif not observed.wanted:
            steps.append(_actions().WantRunning(name))
        status = records.RUNNING if not running or desired.restart else status
    elif desired.state == "stopped":
        if running:
            steps.append(_actions().StopContainer(name, desired.stop_timeout, desired.force_kill, desired.kill_signal))
            status = records.EXITED
        return status
    elif desired.state == "present" and running and desired.restart:
        steps.append(_actions().RestartContainer(name, desired.stop_timeout, desired.force_kill))
        status = records.RUNNING
    if desired.paused is True and status in (records.RUNNING, records.RESTARTING):
        steps.append(_actions().PauseContainer(name))
        status = records.PAUSED
    elif desired.paused is False and status == records.PAUSED:
        steps.append(_actions().UnpauseContainer(name))
        status = records.RUNNING
    return status
