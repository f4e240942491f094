# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 devices: no files, but a program of the group that the kernel asks at every mknod(2) and open(2) of a node (cgroup-v2.rst,
"Device controller")."""

from __future__ import annotations

import errno
import os

from ...errors import Unsupported
from ...linux import bpf
from ...spec.devices import allow_everything

_BITS = {"m": bpf.ACCESS_MKNOD, "r": bpf.ACCESS_READ, "w": bpf.ACCESS_WRITE}
_TYPES = {"b": bpf.DEVICE_BLOCK, "c": bpf.DEVICE_CHAR}
_RESULT, _CONTEXT, _TYPE, _WANTED, _MAJOR, _MINOR = range(6)


def program(rules):
    """The eBPF program (bytes) that answers 1 for what ``rules`` allow and 0 for the rest.

    It goes through the rules from the last to the first. A register holds what is still undecided of the access that is wanted: a rule
    that denies any of it ends with 0, a rule that allows takes its share off, and nothing left is 1.
    """
    code = [
        bpf.instruction(bpf.LOAD_WORD, _TYPE, _CONTEXT, bpf.CONTEXT_ACCESS_TYPE),
        bpf.instruction(bpf.MOVE32_REGISTER, _WANTED, _TYPE),
        bpf.instruction(bpf.AND32, _TYPE, immediate=0xFFFF),
        bpf.instruction(bpf.SHIFT_RIGHT32, _WANTED, immediate=16),
        bpf.instruction(bpf.LOAD_WORD, _MAJOR, _CONTEXT, bpf.CONTEXT_MAJOR),
        bpf.instruction(bpf.LOAD_WORD, _MINOR, _CONTEXT, bpf.CONTEXT_MINOR),
    ]
    for rule in reversed(rules):
        code.extend(_rule(rule))
    code.extend(_end(0))
    return b"".join(code)


def _rule(rule):
    bits = sum(_BITS[letter] for letter in set(rule.access))
    if rule.allow:
        verdict = [bpf.instruction(bpf.AND32, _WANTED, immediate=~bits), bpf.instruction(bpf.JUMP_NOT_EQUAL, _WANTED, offset=2)] + _end(1)
    else:
        verdict = [bpf.instruction(bpf.JUMP_ANY_BIT, _WANTED, offset=1, immediate=bits), bpf.instruction(bpf.JUMP, offset=2)] + _end(0)
    tests = [(_TYPE, _TYPES.get(rule.type)), (_MAJOR, rule.major), (_MINOR, rule.minor)]
    tests = [(register, value) for register, value in tests if value is not None]
    # whoever is not meant jumps over the tests that are left and the verdict
    return [bpf.instruction(bpf.JUMP_NOT_EQUAL, register, offset=len(tests) - 1 - index + len(verdict), immediate=value)
            for index, (register, value) in enumerate(tests)] + verdict


def _end(result):
    return [bpf.instruction(bpf.MOVE, _RESULT, immediate=result), bpf.instruction(bpf.EXIT)]


def apply(directory, rules):
    """Hold the group to ``rules`` from now on. What was attached to it before goes after: no moment is without rules.

    :raises Unsupported: the kernel has no such programs, or does not let this process attach one.
    """
    everything = allow_everything(rules)
    group = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        earlier = bpf.attached(group, bpf.CGROUP_DEVICE)
        if not everything:
            _attach(group, program(rules))
        for identifier in earlier:
            bpf.detach(group, identifier, bpf.CGROUP_DEVICE)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EPERM):
            raise
        if everything:
            # nothing can be attached here, so nothing denies anything
            return
        what = "%s: %s" % (error.filename, error.strerror.lower())
        raise Unsupported("device rules: the kernel takes no program for control group %s (%s)" % (directory, what),
                          "it needs Linux 4.15 with CONFIG_CGROUP_BPF, and CAP_SYS_ADMIN on the host") from error
    finally:
        os.close(group)


def _attach(group, code):
    descriptor = bpf.load(bpf.PROG_TYPE_CGROUP_DEVICE, code)
    try:
        bpf.attach(group, descriptor, bpf.CGROUP_DEVICE)
    finally:
        os.close(descriptor)
