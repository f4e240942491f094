# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities of a container's process (capabilities(7)).

Order in the child, between fork and execve; nothing is imported on the way::

    drop_bounding(names)          # also keeps the permitted set over the change of user
    os.setgroups(...); os.setgid(gid); os.setuid(uid)
    finish(names)                 # effective = permitted = names, inheritable and ambient empty
    os.execve(...)

A seccomp filter without no_new_privs needs CAP_SYS_ADMIN: load it before :func:`finish` (after drop_bounding is fine). With no_new_privs
load it last. ``apply`` does all of it in one call.

The inheritable set stays empty (CVE-2022-24769): a file's inheritable capabilities must not come back through it.
"""

from __future__ import annotations

import errno
import os

from ..errors import InvalidValue
from ..linux import calls, consts

# linux/capability.h, in order of their numbers
NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
    "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
    "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)
NUMBERS = {name: number for number, name in enumerate(NAMES)}

# What Docker gives to a container that asks for nothing
DEFAULT = frozenset((
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
))
ALL = frozenset(NAMES)

_LAST = 63


def normalise(name, option="capabilities"):
    """``net_admin``, ``NET_ADMIN``, ``CAP_NET_ADMIN`` -> ``CAP_NET_ADMIN``; ``all`` -> ``ALL``.

    :raises InvalidValue: no such capability.
    """
    text = str(name).strip().upper()
    if text == "ALL":
        return text
    full = text if text.startswith("CAP_") else "CAP_" + text
    if full not in NUMBERS:
        raise InvalidValue(option, name, "is not a capability", "capabilities(7) lists them, such as NET_ADMIN; ALL is every one")
    return full


def resolve(add=(), drop=(), privileged=False, add_option="capabilities", drop_option="cap_drop"):
    """The set that a container gets, by Docker's rules: ``add`` wins over ``drop``, except that a dropped name is taken from an added ALL.

    :returns: frozenset of full names.
    """
    added = {normalise(name, add_option) for name in add or ()}
    dropped = {normalise(name, drop_option) for name in drop or ()}
    if privileged:
        return ALL
    if "ALL" in added:
        return ALL - dropped if "ALL" not in dropped else frozenset(added - {"ALL"})
    if "ALL" in dropped:
        return frozenset(added)
    return (DEFAULT - dropped) | added


def mask(names):
    """The bit mask of a set of names."""
    value = 0
    for name in names:
        value |= 1 << NUMBERS[name]
    return value


def names_of(value):
    """The names in a bit mask; bits that have no name here are left out."""
    return frozenset(name for name, number in NUMBERS.items() if value >> number & 1)


def available(proc="/proc"):
    """What this process could give to a child: its bounding set and permitted set, as a frozenset of names."""
    with open(proc + "/self/status", encoding="ascii", errors="replace") as stream:
        fields = dict(line.split(":", 1) for line in stream if line.startswith("Cap"))
    return names_of(int(fields["CapBnd"], 16) & int(fields["CapPrm"], 16))


def missing(names, proc="/proc"):
    """Those of ``names`` that this host cannot give: its kernel is older, or the engine itself runs with less. Sorted."""
    return sorted(frozenset(names) - available(proc))


def drop_bounding(names):
    """Take everything that is not in ``names`` out of the bounding set, and keep the permitted set over a coming setuid(2)."""
    kept = frozenset(NUMBERS[name] for name in names)
    for number in range(_LAST):
        if number in kept:
            continue
        try:
            calls.prctl(consts.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == errno.EINVAL:
                # past the last capability of this kernel
                break
            raise
    calls.prctl(consts.PR_SET_KEEPCAPS, 1)


def finish(names, ambient=()):
    """Set effective and permitted to ``names``, inheritable and ambient to ``ambient`` (a subset, empty unless asked for).

    Names that the bounding set lacks are left out: the kernel, or whatever runs the engine, has none to give.
    """
    wanted = 0
    for name in names:
        if _bounded(NUMBERS[name]):
            wanted |= 1 << NUMBERS[name]
    raised = mask(ambient) & wanted
    calls.prctl(consts.PR_SET_KEEPCAPS, 0)
    calls.prctl(consts.PR_CAP_AMBIENT, consts.PR_CAP_AMBIENT_CLEAR_ALL)
    calls.capset(wanted, wanted, raised)
    for number in range(_LAST):
        if raised >> number & 1:
            calls.prctl(consts.PR_CAP_AMBIENT, consts.PR_CAP_AMBIENT_RAISE, number)


def _bounded(number):
    try:
        return calls.prctl(consts.PR_CAPBSET_READ, number) == 1
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False


def apply(names, uid=0, gid=0, groups=(), ambient=()):
    """Bounding set, user, groups and capabilities in the right order, for the process that goes on to execve."""
    drop_bounding(names)
    os.setgroups(list(groups))
    os.setgid(gid)
    os.setuid(uid)
    finish(names, ambient)
