# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource limits of a process (getrlimit(2)), as ``ulimits`` are written for Docker: ``nofile:1024:2048``."""

from __future__ import annotations

import dataclasses

from ..errors import InvalidValue, Unsupported

# Docker's words -> the constants of module resource
NAMES = {
    "as": "RLIMIT_AS", "core": "RLIMIT_CORE", "cpu": "RLIMIT_CPU", "data": "RLIMIT_DATA", "fsize": "RLIMIT_FSIZE",
    "memlock": "RLIMIT_MEMLOCK", "msgqueue": "RLIMIT_MSGQUEUE", "nice": "RLIMIT_NICE", "nofile": "RLIMIT_NOFILE",
    "nproc": "RLIMIT_NPROC", "rss": "RLIMIT_RSS", "rtprio": "RLIMIT_RTPRIO", "rttime": "RLIMIT_RTTIME",
    "sigpending": "RLIMIT_SIGPENDING", "stack": "RLIMIT_STACK",
}
# asm-generic/resource.h, for those that module resource does not name
_NUMBERS = {"RLIMIT_RTTIME": 15, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_SIGPENDING": 11}
UNLIMITED = -1


@dataclasses.dataclass(frozen=True)
class Rlimit:
    """One limit. ``type`` is the OCI name (RLIMIT_NOFILE); -1 is no limit."""

    type: str
    soft: int
    hard: int

    @classmethod
    def from_json(cls, data):
        """From the OCI document; 2**64-1 is no limit there."""
        soft, hard = (UNLIMITED if data[key] >= (1 << 64) - 1 else data[key] for key in ("soft", "hard"))
        return cls(data["type"], soft, hard)

    def to_json(self):
        """As the OCI document has it."""
        return {"type": self.type, "soft": self.soft % (1 << 64), "hard": self.hard % (1 << 64)}


def parse_ulimit(text, option="ulimits"):
    """``name:soft[:hard]`` or ``name=soft[:hard]`` -> Rlimit. ``unlimited`` and -1 are no limit.

    :raises InvalidValue: naming ``option``.
    """
    name, separator, rest = str(text).strip().partition("=" if "=" in str(text) else ":")
    parts = rest.split(":")
    if not separator or len(parts) > 2:
        raise InvalidValue(option, text, "is not name:soft:hard", "write it as nofile:1024:2048")
    kind = NAMES.get(name.strip().lower())
    if kind is None:
        raise InvalidValue(option, text, "names no limit of the kernel", "one of %s" % ", ".join(sorted(NAMES)))
    soft = _number(parts[0], text, option)
    hard = _number(parts[-1], text, option)
    if hard != UNLIMITED and (soft == UNLIMITED or soft > hard):
        raise InvalidValue(option, text, "has a soft limit above the hard one")
    return Rlimit(kind, soft, hard)


def parse_ulimits(texts, option="ulimits"):
    """A list of ``ulimits`` -> tuple of Rlimit, sorted; of two of the same name the last one counts."""
    found = {}
    for text in texts or ():
        limit = parse_ulimit(text, option)
        found[limit.type] = limit
    return tuple(found[kind] for kind in sorted(found))


def _number(text, whole, option):
    text = text.strip().lower()
    if text in ("unlimited", "-1"):
        return UNLIMITED
    if not text.isdigit() or int(text) >= 1 << 63:
        raise InvalidValue(option, whole, "has a limit that is not a number", "write it as nofile:1024:2048")
    return int(text)


def apply(rlimits, pid=0):
    """Set the limits of a process (0: this one). Raising a hard limit needs CAP_SYS_RESOURCE.

    Import module ``resource`` (or call this once with an empty tuple) before pivot_root.

    :raises Unsupported: this host forbids it.
    """
    import resource

    for limit in rlimits:
        number = getattr(resource, limit.type, _NUMBERS.get(limit.type))
        try:
            resource.prlimit(pid, number, (limit.soft, limit.hard))
        except (PermissionError, ValueError) as error:
            raise Unsupported("%s: soft %d, hard %d cannot be set: %s" % (limit.type, limit.soft, limit.hard, error),
                              "the engine may not raise hard limits here "
                              "(CAP_SYS_RESOURCE is missing, or the kernel's maximum is lower)") from error
