# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device rules: which device nodes the processes of a control group may make and open.

What no rule allows is denied. Of the rules that name a device the last one counts, for each of r (read), w (write) and m (mknod) by itself.
The JSON form is that of ``linux.resources.devices`` in the OCI runtime specification (config-linux.md, "Allowed Device list").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..errors import InvalidValue
from .document import Document

TYPES = ("a", "c", "b")
ACCESS = "rwm"
MAJORS = 1 << 12
MINORS = 1 << 20


@dataclass(frozen=True)
class DeviceRule(Document):
    """``type``: c (character), b (block) or a (both); ``major``, ``minor``: None is any; ``access``: letters of ``rwm``."""

    allow: bool
    type: str = "a"
    major: Optional[int] = None
    minor: Optional[int] = None
    access: str = ACCESS

    def __post_init__(self):
        if self.type not in TYPES:
            raise InvalidValue("devices", self.type, "is no type of a device rule", "use a, c or b")
        if not self.access or set(self.access) - set(ACCESS):
            raise InvalidValue("devices", self.access, "has permissions other than r, w and m")
        for value, limit in ((self.major, MAJORS), (self.minor, MINORS)):
            if value is not None and not 0 <= value < limit:
                raise InvalidValue("devices", value, "is no device number of Linux")

    @classmethod
    def from_json(cls, data):
        """Of an OCI object: a number that is missing or -1 is any, a missing type is both, a missing access is all."""
        numbers = [None if data.get(key) in (None, -1) else data[key] for key in ("major", "minor")]
        return cls(bool(data["allow"]), data.get("type") or "a", numbers[0], numbers[1], data.get("access") or ACCESS)

    @property
    def covers_everything(self):
        return self.type == "a" and self.major is None and self.minor is None and set(self.access) == set(ACCESS)

    def overlaps(self, other):
        """Whether some access to some device is named by both."""
        return (("a" in (self.type, other.type) or self.type == other.type)
                and (None in (self.major, other.major) or self.major == other.major)
                and (None in (self.minor, other.minor) or self.minor == other.minor)
                and bool(set(self.access) & set(other.access)))

    def describe(self):
        """``c 1:3 rwm``, as cgroup v1 reads and writes it."""
        major, minor = ("*" if number is None else str(number) for number in (self.major, self.minor))
        return "%s %s:%s %s" % (self.type, major, minor, "".join(letter for letter in ACCESS if letter in self.access))


EVERYTHING = (DeviceRule(True),)
"""What a privileged container has."""

DEFAULT = (
    DeviceRule(False),
    # Making a node gives no access to what it stands for: package managers and tar unpack them.
    DeviceRule(True, "c", access="m"),
    DeviceRule(True, "b", access="m"),
    DeviceRule(True, "c", 1, 3),  # null
    DeviceRule(True, "c", 1, 5),  # zero
    DeviceRule(True, "c", 1, 7),  # full
    DeviceRule(True, "c", 1, 8),  # random
    DeviceRule(True, "c", 1, 9),  # urandom
    DeviceRule(True, "c", 5, 0),  # tty
    DeviceRule(True, "c", 5, 1),  # console
    DeviceRule(True, "c", 5, 2),  # ptmx
    DeviceRule(True, "c", 136, None),  # pts/*
)
"""What every other container has, as with Docker and runc. net/tun (10:200) is not in it: it comes with option ``devices``."""


def container_rules(devices, privileged):
    """The rules of a container.

    :param devices: iterable of (type, major, minor, access) of the devices that it was given.
    """
    if privileged:
        return EVERYTHING
    return DEFAULT + tuple(DeviceRule(True, *each) for each in devices)


def allow_everything(rules):
    """Whether nothing is denied, whatever the device."""
    for rule in reversed(rules):
        if not rule.allow:
            return False
        if rule.covers_everything:
            return True
    return False


def from_resources(resources):
    """The rules of an OCI ``linux.resources`` object; DEFAULT where it says nothing."""
    listed = (resources or {}).get("devices")
    return DEFAULT if listed is None else tuple(DeviceRule.from_json(each) for each in listed)
