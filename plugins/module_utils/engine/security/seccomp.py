# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile a seccomp profile to a BPF program with the host's libseccomp. The result is cached by content under the state root.

``linux.calls.seccomp_load(program)`` loads it. See capabilities.py for when.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import struct

from ..errors import EngineError, InvalidValue, Unsupported
from ..state import digest_of, write_bytes
from .seccomp_profile import OPERATORS, resolve

_FORMAT = 1
_ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000, "SCMP_ACT_KILL_THREAD": 0x00000000, "SCMP_ACT_KILL_PROCESS": 0x80000000, "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000, "SCMP_ACT_TRACE": 0x7FF00000, "SCMP_ACT_LOG": 0x7FFC0000, "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_WITH_DATA = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_FLTATR_CTL_OPTIMIZE = 8
_OPERATORS = {name: number for number, name in enumerate(OPERATORS, 1)}
_MAX_INSTRUCTIONS = 4096
_X32_BIT = 0x40000000

_library = None
_compiled = {}


class _Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("datum_a", ctypes.c_uint64), ("datum_b", ctypes.c_uint64)]


class _Version(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint), ("minor", ctypes.c_uint), ("micro", ctypes.c_uint)]


def _load():
    """libseccomp, with the types of what is called."""
    global _library
    if _library is None:
        try:
            library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        except OSError as error:
            raise Unsupported("libseccomp is not installed on this host", "apply role agentless.containers.host, or install the package "
                              "libseccomp2 (libseccomp on other distributions), or set security_opts: [seccomp=unconfined]") from error
        library.seccomp_init.restype = ctypes.c_void_p
        library.seccomp_init.argtypes = (ctypes.c_uint32,)
        library.seccomp_release.argtypes = (ctypes.c_void_p,)
        library.seccomp_release.restype = None
        library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
        library.seccomp_arch_resolve_name.argtypes = (ctypes.c_char_p,)
        library.seccomp_arch_native.restype = ctypes.c_uint32
        library.seccomp_arch_add.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
        library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
        library.seccomp_syscall_resolve_name_arch.argtypes = (ctypes.c_uint32, ctypes.c_char_p)
        library.seccomp_rule_add_array.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
        library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
        library.seccomp_version.restype = ctypes.POINTER(_Version)
        _library = library
    return _library


def version():
    """libseccomp's version as a tuple of three, or None where it is not installed."""
    try:
        found = _load().seccomp_version().contents
    except Unsupported:
        return None
    return (found.major, found.minor, found.micro)


def compile_profile(profile, capabilities, roots):
    """The BPF program for a container.

    :param profile: ``default``, ``unconfined``, or a profile as a dict (Docker's or OCI's form).
    :param capabilities: the container's capabilities, a set of full names: they switch rules on and off.
    :returns: bytes, 8 an instruction; empty for ``unconfined``.
    :raises Unsupported: libseccomp is missing.
    """
    if profile == "unconfined":
        return b""
    memory_key = (profile or "default", frozenset(capabilities), roots.state) if not isinstance(profile, dict) else None
    if memory_key in _compiled:
        return _compiled[memory_key]
    resolved = resolve(profile, capabilities)
    key = digest_of([_FORMAT, version(), os.uname().machine, resolved])
    path = os.path.join(roots.state, "seccomp", key + ".bpf")
    program = _cached(path)
    if program is None:
        program = compile_resolved(resolved)
        write_bytes(path, hashlib.sha256(program).digest() + program, durable=False)
    if memory_key:
        _compiled[memory_key] = program
    return program


def _cached(path):
    """A cached program, or None where there is none or a power cut has cut it short."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except FileNotFoundError:
        return None
    digest, program = data[:32], data[32:]
    return program if program and hashlib.sha256(program).digest() == digest else None


def compile_resolved(resolved):
    """Compile the OCI form. System calls that this libseccomp does not know are left out (they get ENOSYS, see :func:`_unknown_calls`)."""
    library = _load()
    default = _action(resolved["defaultAction"], resolved.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    if not context:
        raise EngineError("seccomp: libseccomp refuses the default action %s" % resolved["defaultAction"])
    try:
        tokens = _add_architectures(library, context, resolved.get("architectures") or ())
        # a binary tree in place of a list: ten comparisons a call and not hundreds (libseccomp 2.5)
        library.seccomp_attr_set(context, _FLTATR_CTL_OPTIMIZE, 2)
        names = set()
        for rule in resolved.get("syscalls") or ():
            names.update(_add_rule(library, context, rule, default))
        program = _export(library, context)
    finally:
        library.seccomp_release(context)
    if resolved["defaultAction"] in ("SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"):
        program = _unknown_calls(library, tokens, names) + program
    if len(program) // 8 > _MAX_INSTRUCTIONS:
        raise EngineError("seccomp: the profile is %d instructions long, the kernel takes %d" % (len(program) // 8, _MAX_INSTRUCTIONS),
                          "leave out architectures or comparisons")
    return program


def _action(name, number=None):
    if name not in _ACTIONS:
        raise InvalidValue("security_opts", name, "is not a seccomp action that is supported", "one of %s" % ", ".join(sorted(_ACTIONS)))
    value = _ACTIONS[name]
    if name in _WITH_DATA:
        value |= (errno.EPERM if number is None else int(number)) & 0xFFFF
    return value


def _add_architectures(library, context, names):
    """Add the architectures to the filter, which has the native one already. Returns their tokens."""
    tokens = [library.seccomp_arch_native()]
    for name in names:
        token = library.seccomp_arch_resolve_name(name.replace("SCMP_ARCH_", "").lower().encode())
        if token == 0:
            continue
        result = library.seccomp_arch_add(context, token)
        if result not in (0, -errno.EEXIST):
            raise EngineError("seccomp: architecture %s cannot be added: %s" % (name, os.strerror(-result)))
        if token not in tokens:
            tokens.append(token)
    return tokens


def _add_rule(library, context, rule, default):
    """Add one OCI rule; returns the names that this libseccomp knows."""
    action = _action(rule["action"], rule.get("errnoRet"))
    conditions = [_Comparison(item["index"], _OPERATORS[item["op"].replace("SCMP_CMP_", "")], item["value"], item.get("valueTwo", 0))
                  for item in rule.get("args") or ()]
    # several comparisons of one argument are alternatives, as in runc; of different ones, all must hold
    indexes = [condition.arg for condition in conditions]
    groups = [[condition] for condition in conditions] if len(set(indexes)) < len(indexes) else [conditions]
    known = []
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            continue
        known.append(name)
        if action == default:
            continue
        for group in groups:
            array = (_Comparison * len(group))(*group)
            result = library.seccomp_rule_add_array(context, action, number, len(group), array if group else None)
            if result not in (0, -errno.EEXIST):
                raise EngineError("seccomp: the rule for %s cannot be added: %s" % (name, os.strerror(-result)))
    return known


def _export(library, context):
    fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        result = library.seccomp_export_bpf(context, fd)
        if result != 0:
            raise EngineError("seccomp: libseccomp cannot generate the program: %s" % os.strerror(-result))
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


def _unknown_calls(library, tokens, names):
    """Instructions that go before the filter: a system call newer than every one the profile names is answered with ENOSYS.

    With EPERM the C library would not fall back to an older call (fchmodat2, for one), and programs built later than this host would fail.
    """
    blocks = []
    for token in tokens:
        greatest = max((library.seccomp_syscall_resolve_name_arch(token, name.encode()) for name in names), default=-1)
        if 0 < greatest < _X32_BIT:
            blocks.append((token, greatest))
    return assemble_unknown_calls(blocks)


def assemble_unknown_calls(blocks):
    """The BPF for a list of (audit architecture, greatest known call): a call above it returns ENOSYS, all else goes on behind."""
    load, jump_equal, jump_greater, jump_not_less, jump, answer = 0x20, 0x15, 0x25, 0x35, 0x05, 0x06
    if not blocks:
        return b""
    total = 1 + 5 * len(blocks) + 1
    code = [(load, 0, 0, 4)]
    for architecture, greatest in blocks:
        code.append((jump_equal, 0, 4, architecture))
        code.append((load, 0, 0, 0))
        # to the filter where it is an x32 call, to the answer where it is unknown
        code.append((jump_not_less, total - len(code) - 1, 0, _X32_BIT))
        code.append((jump_greater, total - 1 - len(code) - 1, 0, greatest))
        code.append((jump, 0, 0, total - len(code) - 1))
    code.append((answer, 0, 0, _ACTIONS["SCMP_ACT_ERRNO"] | errno.ENOSYS))
    # an architecture that is in no block falls out of the last comparison onto the answer: step over it
    last = 1 + 5 * (len(blocks) - 1)
    operation, true, unused, value = code[last]
    code[last] = (operation, true, 5, value)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
