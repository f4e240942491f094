# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of the kernel's interface, under their man-page names (linux/sched.h, mount.h, prctl.h, securebits.h)."""

from __future__ import annotations

import os

# clone(2), unshare(2), setns(2)
CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

NAMESPACE_FLAGS = {
    "cgroup": CLONE_NEWCGROUP,
    "ipc": CLONE_NEWIPC,
    "mnt": CLONE_NEWNS,
    "net": CLONE_NEWNET,
    "pid": CLONE_NEWPID,
    "time": CLONE_NEWTIME,
    "user": CLONE_NEWUSER,
    "uts": CLONE_NEWUTS,
}

# mount(2)
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_MANDLOCK = 64
MS_DIRSYNC = 128
MS_NOSYMFOLLOW = 256
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_SILENT = 32768
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

# umount2(2)
MNT_FORCE = 1
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

# prctl(2)
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4

# capset(2)
LINUX_CAPABILITY_VERSION_3 = 0x20080522

# seccomp(2)
SECCOMP_MODE_FILTER = 2
SECCOMP_SET_MODE_FILTER = 1

# statfs(2) f_type
RAMFS_MAGIC = 0x858458F6
TMPFS_MAGIC = 0x01021994
OVERLAYFS_SUPER_MAGIC = 0x794C7630
CGROUP2_SUPER_MAGIC = 0x63677270
CGROUP_SUPER_MAGIC = 0x27E0EB
NSFS_MAGIC = 0x6E736673
PROC_SUPER_MAGIC = 0x9FA0

# ioctl_tty(2): architectures of the "powerpc" family have the direction bits the other way round
_POWERPC = os.uname().machine.startswith("ppc")
TIOCGPTN = 0x40045430 if _POWERPC else 0x80045430
TIOCSPTLCK = 0x80045431 if _POWERPC else 0x40045431

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

_SYSCALLS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "keyctl": 250, "seccomp": 317, "pidfd_open": 434, "pidfd_send_signal": 424, "setns": 308,
               "capset": 126, "capget": 125, "mount_setattr": 442, "close_range": 436, "openat2": 437, "bpf": 321, "execveat": 322},
    "aarch64": {"clone": 220, "pivot_root": 41, "keyctl": 219, "seccomp": 277, "pidfd_open": 434, "pidfd_send_signal": 424, "setns": 268,
                "capset": 91, "capget": 90, "mount_setattr": 442, "close_range": 436, "openat2": 437, "bpf": 280, "execveat": 281},
    "riscv64": {"clone": 220, "pivot_root": 41, "keyctl": 219, "seccomp": 277, "pidfd_open": 434, "pidfd_send_signal": 424, "setns": 268,
                "capset": 91, "capget": 90, "mount_setattr": 442, "close_range": 436, "openat2": 437, "bpf": 280, "execveat": 281},
    "ppc64le": {"clone": 120, "pivot_root": 203, "keyctl": 271, "seccomp": 358, "pidfd_open": 434, "pidfd_send_signal": 424, "setns": 350,
                "capset": 184, "capget": 183, "mount_setattr": 442, "close_range": 436, "openat2": 437, "bpf": 361, "execveat": 362},
    "s390x": {"clone": 120, "pivot_root": 217, "keyctl": 280, "seccomp": 348, "pidfd_open": 434, "pidfd_send_signal": 424, "setns": 339,
              "capset": 185, "capget": 184, "mount_setattr": 442, "close_range": 436, "openat2": 437, "bpf": 351, "execveat": 354},
}
MACHINE = os.uname().machine


def syscall_number(name):
    """The number of a system call on this machine, or None where it is not known."""
    return _SYSCALLS.get(MACHINE, {}).get(name)
