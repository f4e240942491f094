# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: desired and observed -> plan. Content is destroyed only where ``recreate`` or ``state: absent`` asks for it."""

from __future__ import annotations

import dataclasses
from typing import Optional

from ..errors import Conflict
from ..plan import Action, Plan, difference
from ..spec.volume import check_name
from ..volume.store import VolumeStore, check_driver

PRESENT = "present"
ABSENT = "absent"
NEVER = "never"
ALWAYS = "always"
OPTIONS_CHANGED = "options-changed"


@dataclasses.dataclass(frozen=True)
class DesiredVolume:
    """What a task asks for. ``options`` and ``labels`` None: not asked, whatever is there is right."""

    name: str
    driver: str = "local"
    options: Optional[dict] = None
    labels: Optional[dict] = None
    state: str = PRESENT
    recreate: str = NEVER

    def __post_init__(self):
        check_name(self.name)
        if self.state == PRESENT:
            check_driver(self.driver, self.options or {})


@dataclasses.dataclass(frozen=True)
class ObservedVolume:
    """What is there. ``volume`` None: nothing. ``users``: names of the containers that mount it."""

    volume: Optional[object] = None
    users: tuple = ()


@dataclasses.dataclass(frozen=True)
class CreateVolume(Action):
    """Make a volume."""

    name: str
    driver: str
    options: dict
    labels: dict

    def describe(self):
        return "create volume %s" % self.name

    def execute(self, roots):
        VolumeStore(roots).ensure(self.name, self.driver, self.options, self.labels)


@dataclasses.dataclass(frozen=True)
class RemoveVolume(Action):
    """Remove a volume with its content."""

    name: str

    def describe(self):
        return "remove volume %s and its content" % self.name

    def execute(self, roots):
        VolumeStore(roots).remove(self.name)


@dataclasses.dataclass(frozen=True)
class SetVolumeLabels(Action):
    """Replace the labels."""

    name: str
    labels: dict

    def describe(self):
        return "set labels of volume %s" % self.name

    def execute(self, roots):
        VolumeStore(roots).set_labels(self.name, self.labels)


def observe(roots, name):
    """The volume as it is."""
    store = VolumeStore(roots)
    volume = store.get(name)
    return ObservedVolume(volume, tuple(store.users(name)) if volume is not None else ())


def plan_volume(desired, observed):
    """The steps from observed to desired.

    :raises Conflict: the volume would have to go, and a container uses it.
    """
    before = _facts(observed.volume)
    if desired.state == ABSENT:
        if observed.volume is None:
            return Plan()
        _refuse_if_used(desired, observed)
        return Plan((RemoveVolume(desired.name),), before, {})
    create = CreateVolume(desired.name, desired.driver, dict(desired.options or {}), dict(desired.labels or {}))
    wanted = {"driver": create.driver, "driver_options": create.options, "labels": create.labels}
    if observed.volume is None:
        return Plan((create,), {}, wanted)
    if desired.recreate == ALWAYS or (desired.recreate == OPTIONS_CHANGED and differing_options(desired, observed.volume)):
        _refuse_if_used(desired, observed)
        return Plan((RemoveVolume(desired.name), create), before, wanted)
    if desired.labels is not None and desired.labels != observed.volume.labels:
        changed = difference({"labels": observed.volume.labels}, {"labels": desired.labels})
        return Plan((SetVolumeLabels(desired.name, dict(desired.labels)),), *changed)
    return Plan()


def differing_options(desired, volume):
    """Sorted names of what cannot be changed without making the volume anew: ``driver``, ``driver_options.KEY``."""
    names = ["driver"] if desired.driver != volume.driver else []
    if desired.options is not None:
        keys = set(desired.options) | set(volume.options)
        names += sorted("driver_options.%s" % key for key in keys if desired.options.get(key) != volume.options.get(key))
    return names


def _facts(volume):
    return {} if volume is None else {"driver": volume.driver, "driver_options": volume.options, "labels": volume.labels}


def _refuse_if_used(desired, observed):
    if observed.users:
        raise Conflict("volume %s is used by container %s" % (desired.name, ", ".join(observed.users)),
                       "remove the container first, or let it mount something else")
