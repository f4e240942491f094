# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls that Python 3.9 lacks, under their man-page names. Every failure goes through one funnel: oserror().

Failures are OSError with the errno, the kernel's text and, as ``filename``, what the call was about (``mount /proc``).
"""

from __future__ import annotations

import ctypes
import errno
import os

from . import consts

_libc = ctypes.CDLL(None, use_errno=True)
# PyDLL keeps the interpreter lock over the call: needed where the child of clone(2) goes on in Python.
_locked = ctypes.PyDLL(None, use_errno=True)

_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.unshare.argtypes = (ctypes.c_int,)
_libc.setns.argtypes = (ctypes.c_int, ctypes.c_int)
_libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong)
_libc.syscall.restype = ctypes.c_long
_libc.sethostname.argtypes = (ctypes.c_char_p, ctypes.c_size_t)


def oserror(what, number=None):
    """The OSError for the errno of the call just made. ``what`` names call and object."""
    number = ctypes.get_errno() if number is None else number
    return OSError(number, os.strerror(number), what)


def _bytes(value):
    return None if value is None else os.fsencode(value)


def mount(source, target, fstype=None, flags=0, data=None):
    """mount(2). ``data`` is the file system's own option string."""
    if _libc.mount(_bytes(source), _bytes(target), _bytes(fstype), flags, _bytes(data)) != 0:
        raise oserror("mount %s" % os.fsdecode(target))


def umount2(target, flags=0):
    """umount2(2)."""
    if _libc.umount2(_bytes(target), flags) != 0:
        raise oserror("umount %s" % os.fsdecode(target))


def pivot_root(new_root, put_old):
    """pivot_root(2). EINVAL where the present root is the initial ramfs."""
    _syscall("pivot_root", "pivot_root %s" % new_root, ctypes.c_char_p(_bytes(new_root)), ctypes.c_char_p(_bytes(put_old)))


def unshare(flags):
    """unshare(2)."""
    if _libc.unshare(flags) != 0:
        raise oserror("unshare 0x%x" % flags)


def setns(fd, flags=0):
    """setns(2). ``fd`` is of a /proc/PID/ns file, or (from Linux 5.8) a pidfd with several flags."""
    if _libc.setns(fd, flags) != 0:
        raise oserror("setns 0x%x" % flags)


def sethostname(name):
    """sethostname(2)."""
    data = os.fsencode(name)
    if _libc.sethostname(data, len(data)) != 0:
        raise oserror("sethostname %s" % name)


def setdomainname(name):
    """setdomainname(2)."""
    data = os.fsencode(name)
    if _libc.setdomainname(data, len(data)) != 0:
        raise oserror("setdomainname %s" % name)


def prctl(option, *arguments):
    """prctl(2) with up to four integer arguments; returns its result."""
    values = (tuple(arguments) + (0, 0, 0, 0))[:4]
    result = _libc.prctl(option, *values)
    if result < 0:
        raise oserror("prctl %d" % option)
    return result


def set_name(name):
    """The name of this process as ps and top show it (15 bytes)."""
    buffer = ctypes.create_string_buffer(os.fsencode(name)[:15])
    _libc.prctl(consts.PR_SET_NAME, ctypes.addressof(buffer), 0, 0, 0)


def clone(flags, exit_signal):
    """fork(2) with namespaces: clone(2) without a stack of its own. Returns 0 in the child, its pid in the parent.

    The interpreter's own hooks around fork run, as os.fork() would run them.
    """
    api = ctypes.pythonapi
    number = consts.syscall_number("clone")
    if number is None:
        raise oserror("clone on %s" % consts.MACHINE, errno.ENOSYS)
    api.PyOS_BeforeFork()
    # s390x swaps the first two arguments of clone(2)
    first, second = ((0, flags | exit_signal) if consts.MACHINE == "s390x" else (flags | exit_signal, 0))
    pid = _locked.syscall(ctypes.c_long(number), ctypes.c_ulong(first), ctypes.c_ulong(second),
                          ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise oserror("clone 0x%x" % flags, number)
    return pid


def pidfd_open(pid):
    """pidfd_open(2): a descriptor that names this process and no later one of the same number."""
    return _syscall("pidfd_open", "pidfd_open %d" % pid, ctypes.c_int(pid), ctypes.c_uint(0))


def syncfs(fd):
    """syncfs(2): write everything of the file system that ``fd`` lies on to its disk."""
    if _libc.syncfs(ctypes.c_int(fd)) < 0:
        raise oserror("syncfs")


def pidfd_send_signal(fd, signal):
    """pidfd_send_signal(2)."""
    _syscall("pidfd_send_signal", "pidfd_send_signal", ctypes.c_int(fd), ctypes.c_int(signal), None, ctypes.c_uint(0))


def capset(effective, permitted, inheritable):
    """capset(2) for this thread; each set is a bit mask, bit N being capability N."""
    header = (ctypes.c_uint32 * 2)(consts.LINUX_CAPABILITY_VERSION_3, 0)
    words = []
    for shift in (0, 32):
        words += [(mask >> shift) & 0xFFFFFFFF for mask in (effective, permitted, inheritable)]
    data = (ctypes.c_uint32 * 6)(*words)
    _syscall("capset", "capset", ctypes.byref(header), ctypes.byref(data))


def new_session_keyring(name):
    """keyctl(KEYCTL_JOIN_SESSION_KEYRING): a keyring of its own, so that no key leaks in. Refused or absent is no error."""
    number = consts.syscall_number("keyctl")
    if number is not None:
        _libc.syscall(ctypes.c_long(number), ctypes.c_int(1), ctypes.c_char_p(os.fsencode(name)))


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def seccomp_load(program):
    """seccomp(SECCOMP_SET_MODE_FILTER): ``program`` is the bytes of a classic BPF program (8 bytes an instruction)."""
    buffer = ctypes.create_string_buffer(program, len(program))
    description = _Filter(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _syscall("seccomp", "seccomp", ctypes.c_uint(consts.SECCOMP_SET_MODE_FILTER), ctypes.c_uint(0), ctypes.byref(description))


def bpf(command, what, attributes):
    """bpf(2): ``attributes`` is a ctypes buffer of the command's part of union bpf_attr, which the kernel may write to."""
    return _syscall("bpf", what, ctypes.c_int(command), ctypes.byref(attributes), ctypes.c_uint(ctypes.sizeof(attributes)))


def close_range(first, last=0xFFFFFFFF):
    """close_range(2), or a loop over /proc/self/fd before Linux 5.9."""
    try:
        _syscall("close_range", "close_range", ctypes.c_uint(first), ctypes.c_uint(last), ctypes.c_uint(0))
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
        for name in os.listdir("/proc/self/fd"):
            if first <= int(name) <= last:
                try:
                    os.close(int(name))
                except OSError:
                    continue


def execveat(directory, name, arguments, environment, flags=0):
    """execveat(2): ``name`` in an open directory. Returns only by OSError.

    :param environment: list of ``NAME=value``.
    """
    argv = (ctypes.c_char_p * (len(arguments) + 1))(*[_bytes(each) for each in arguments], None)
    envp = (ctypes.c_char_p * (len(environment) + 1))(*[_bytes(each) for each in environment], None)
    _syscall("execveat", name, ctypes.c_int(directory), ctypes.c_char_p(_bytes(name)), argv, envp, ctypes.c_int(flags))


class _MountAttr(ctypes.Structure):
    _fields_ = [("attr_set", ctypes.c_uint64), ("attr_clr", ctypes.c_uint64),
                ("propagation", ctypes.c_uint64), ("userns_fd", ctypes.c_uint64)]


def mount_setattr(path, attr_set=0, attr_clr=0, propagation=0, recursive=False, userns_fd=0):
    """mount_setattr(2), from Linux 5.12: change the flags of a mount and, recursively, of those below it."""
    attributes = _MountAttr(attr_set, attr_clr, propagation, userns_fd)
    _syscall("mount_setattr", "mount_setattr %s" % path, ctypes.c_int(consts.AT_FDCWD), ctypes.c_char_p(_bytes(path)),
             ctypes.c_uint(consts.AT_RECURSIVE if recursive else 0), ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)))


def _syscall(name, what, *arguments):
    number = consts.syscall_number(name)
    if number is None:
        raise oserror("%s on %s" % (what, consts.MACHINE), errno.ENOSYS)
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise oserror(what)
    return result
