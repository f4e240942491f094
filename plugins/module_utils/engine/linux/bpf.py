# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bpf(2) for programs on control groups, and the instructions that such a program is made of (linux/bpf.h, instruction-set.rst)."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import sys

from . import calls

# commands
_PROG_LOAD = 5
_PROG_ATTACH = 8
_PROG_DETACH = 9
_PROG_GET_FD_BY_ID = 13
_PROG_QUERY = 16

PROG_TYPE_CGROUP_DEVICE = 15
CGROUP_DEVICE = 6
"""The attach type."""
F_ALLOW_MULTI = 2

# struct bpf_cgroup_dev_ctx: u32 access_type (access << 16 | type), major, minor
CONTEXT_ACCESS_TYPE, CONTEXT_MAJOR, CONTEXT_MINOR = 0, 4, 8
DEVICE_BLOCK, DEVICE_CHAR = 1, 2
ACCESS_MKNOD, ACCESS_READ, ACCESS_WRITE = 1, 2, 4

# operation codes: class | size or operation | mode or source
LOAD_WORD = 0x61  # dst = *(u32 *)(src + offset)
MOVE = 0xB7  # dst = immediate
MOVE32_REGISTER = 0xBC  # dst = src, 32 bits
AND32 = 0x54
SHIFT_RIGHT32 = 0x74
JUMP = 0x05
JUMP_NOT_EQUAL = 0x55
JUMP_ANY_BIT = 0x45
EXIT = 0x95

_MOST_PROGRAMS = 64
_LICENSE = b"GPL"


def instruction(code, dst=0, src=0, offset=0, immediate=0):
    """The eight bytes of one instruction (struct bpf_insn). Jumps count from the next one."""
    registers = src << 4 | dst if sys.byteorder == "little" else dst << 4 | src
    return struct.pack("=BBhi", code, registers, offset, immediate)


def load(kind, program):
    """BPF_PROG_LOAD: descriptor of a program, given as bytes.

    :raises OSError: EINVAL where the kernel knows no such kind, ENOSYS without bpf(2), EPERM without the right to load it.
    """
    try:
        return _load(kind, program)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
    # before Linux 5.11 programs count as locked memory, of which root has 64 KiB
    with _unlimited_locked_memory():
        return _load(kind, program)


def _load(kind, program):
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(_LICENSE)
    attributes = struct.pack("=IIQQIIQII", kind, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0, 0, 0)
    return calls.bpf(_PROG_LOAD, "bpf BPF_PROG_LOAD", ctypes.create_string_buffer(attributes, len(attributes)))


@contextlib.contextmanager
def _unlimited_locked_memory():
    import resource

    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        # without CAP_SYS_RESOURCE the second attempt fails like the first, and that is the error to see
        pass
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before)


def attach(group, program, kind, flags=F_ALLOW_MULTI):
    """BPF_PROG_ATTACH to the control group open as ``group``. It stays until it is detached or the group is removed."""
    attributes = struct.pack("=IIIII", group, program, kind, flags, 0)
    calls.bpf(_PROG_ATTACH, "bpf BPF_PROG_ATTACH", ctypes.create_string_buffer(attributes, len(attributes)))


def detach(group, identifier, kind):
    """BPF_PROG_DETACH of the program with this number. One that is gone is success."""
    try:
        attributes = struct.pack("=III", identifier, 0, 0)
        program = calls.bpf(_PROG_GET_FD_BY_ID, "bpf BPF_PROG_GET_FD_BY_ID", ctypes.create_string_buffer(attributes, len(attributes)))
    except FileNotFoundError:
        return
    try:
        attributes = struct.pack("=IIIII", group, program, kind, 0, 0)
        calls.bpf(_PROG_DETACH, "bpf BPF_PROG_DETACH", ctypes.create_string_buffer(attributes, len(attributes)))
    except FileNotFoundError:
        return
    finally:
        os.close(program)


def attached(group, kind):
    """BPF_PROG_QUERY: numbers of the programs attached to this very group, in the order in which they run."""
    numbers = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    attributes = struct.pack("=IIIIQII", group, kind, 0, 0, ctypes.addressof(numbers), _MOST_PROGRAMS, 0)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    calls.bpf(_PROG_QUERY, "bpf BPF_PROG_QUERY", buffer)
    return list(numbers[:struct.unpack_from("=I", buffer.raw, 24)[0]])
