# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default seccomp profile: the same system calls as Docker's default allows, everything else is EPERM.

A rule is (system calls, conditions). Conditions: ``caps`` (any of them is held), ``without`` (none of them is held), ``machines``
(os.uname().machine is one of them), ``not_machines``, ``args`` ((index, operator, value, second value) all of which hold), ``errno``
(answer with it instead of allowing).
"""

from __future__ import annotations

# Allowed to every container
ALWAYS = """
    _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
    clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close
    close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait
    epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
    fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr
    flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex
    futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents
    getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp
    getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname
    getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
    io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill
    landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount
    listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create
    memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
    mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
    munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe
    pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease
    pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg
    recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir
    rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
    rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
    sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg
    sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
    setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
    setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd
    signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
    sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
    timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill
    truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice
    wait4 waitid waitpid write writev
    process_vm_readv process_vm_writev ptrace
""".split()  # noqa: SIM905

# Address families of socket(2): all below 64 but AF_ALG (38, the kernel's cryptography) and AF_VSOCK (40, which reaches the hypervisor past
# every network namespace). (mask, value) pairs over the low 32 bits: the kernel ignores the high ones of an int, so "less than" and "not
# equal" over all 64 could be passed by setting them.
SOCKET_FAMILIES = (
    (0xFFFFFFE0, 0), (0xFFFFFFFC, 32), (0xFFFFFFFE, 36), (0xFFFFFFFF, 39), (0xFFFFFFFF, 41), (0xFFFFFFFE, 42),
    (0xFFFFFFFC, 44), (0xFFFFFFF0, 48),
)

# personality(2): PER_LINUX, PER_LINUX32, UNAME26, both, and asking for the present one
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NAMESPACES = 0x7E020000
_ENOSYS = 38
_X86 = ("x86_64", "i686", "i386")
_ARM = ("aarch64", "armv7l", "armv8l")
_S390 = ("s390x", "s390")

CONDITIONAL = (
    (("sync_file_range2", "swapcontext"), {"machines": ("ppc64le",)}),
    (("arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls"), {"machines": _ARM}),
    (("arch_prctl",), {"machines": ("x86_64",)}),
    (("modify_ldt",), {"machines": _X86}),
    (("s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr"), {"machines": _S390}),
    (("riscv_flush_icache",), {"machines": ("riscv64",)}),
    (("open_by_handle_at",), {"caps": ("CAP_DAC_READ_SEARCH",)}),
    (("bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie", "lsm_get_self_attr",
      "lsm_list_modules", "lsm_set_self_attr", "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl",
      "quotactl_fd", "setdomainname", "sethostname", "setns", "syslog", "umount", "umount2",
      "unshare"), {"caps": ("CAP_SYS_ADMIN",)}),
    # a new namespace is refused; the flags are the first argument, on s390 the second
    (("clone",), {"without": ("CAP_SYS_ADMIN",), "not_machines": _S390, "args": ((0, "masked_eq", _NAMESPACES, 0),)}),
    (("clone",), {"without": ("CAP_SYS_ADMIN",), "machines": _S390, "args": ((1, "masked_eq", _NAMESPACES, 0),)}),
    # its flags lie in memory, where a filter cannot look; with ENOSYS the C library falls back to clone
    (("clone3",), {"without": ("CAP_SYS_ADMIN",), "errno": _ENOSYS}),
    (("reboot",), {"caps": ("CAP_SYS_BOOT",)}),
    (("chroot",), {"caps": ("CAP_SYS_CHROOT",)}),
    (("delete_module", "init_module", "finit_module"), {"caps": ("CAP_SYS_MODULE",)}),
    (("acct",), {"caps": ("CAP_SYS_PACCT",)}),
    (("kcmp", "pidfd_getfd", "process_madvise"), {"caps": ("CAP_SYS_PTRACE",)}),
    (("iopl", "ioperm"), {"caps": ("CAP_SYS_RAWIO",)}),
    (("settimeofday", "stime", "clock_settime", "clock_settime64"), {"caps": ("CAP_SYS_TIME",)}),
    (("vhangup",), {"caps": ("CAP_SYS_TTY_CONFIG",)}),
    (("get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"), {"caps": ("CAP_SYS_NICE",)}),
    (("syslog",), {"caps": ("CAP_SYSLOG",)}),
    (("bpf",), {"caps": ("CAP_BPF",)}),
    (("perf_event_open",), {"caps": ("CAP_PERFMON",)}),
)

# machine -> the architectures of its 32-bit (and other) programs, which run under the same filter
ARCHITECTURES = {
    "x86_64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
    "aarch64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"),
    "s390x": ("SCMP_ARCH_S390X", "SCMP_ARCH_S390"),
    "ppc64le": ("SCMP_ARCH_PPC64LE",),
    "riscv64": ("SCMP_ARCH_RISCV64",),
    "loongarch64": ("SCMP_ARCH_LOONGARCH64",),
}
