# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specification of module container, and which of its options shape a container."""

from __future__ import annotations

from .argspec import REGISTRY

_LIST = {"type": "list", "elements": "str"}

SHAPE_ARGUMENTS = {
    "command": {"type": "raw"},
    "entrypoint": _LIST,
    "env": {"type": "dict"},
    "env_file": {"type": "path"},
    "labels": {"type": "dict"},
    "hostname": {"type": "str"},
    "domainname": {"type": "str"},
    "user": {"type": "str"},
    "groups": _LIST,
    "working_dir": {"type": "str"},
    "volumes": _LIST,
    "mounts": {"type": "list", "elements": "dict", "options": {
        "target": {"type": "str", "required": True},
        "source": {"type": "str"},
        "type": {"type": "str", "choices": ["bind", "tmpfs", "volume"], "default": "volume"},
        "read_only": {"type": "bool"},
        "propagation": {"type": "str", "choices": ["private", "rprivate", "shared", "rshared", "slave", "rslave"]},
        "no_copy": {"type": "bool"},
        "labels": {"type": "dict"},
        "volume_driver": {"type": "str"},
        "volume_options": {"type": "dict"},
        "tmpfs_size": {"type": "str"},
        "tmpfs_mode": {"type": "str"},
        "create_mountpoint": {"type": "bool"},
        "non_recursive": {"type": "bool"},
        "subpath": {"type": "str"},
    }},
    "tmpfs": _LIST,
    "read_only": {"type": "bool", "default": False},
    "network_mode": {"type": "str"},
    "networks": {"type": "list", "elements": "dict", "options": {
        "name": {"type": "str", "required": True},
        "aliases": _LIST,
        "ipv4_address": {"type": "str"},
        "ipv6_address": {"type": "str"},
        "mac_address": {"type": "str"},
    }},
    "published_ports": {"type": "list", "elements": "str", "aliases": ["ports"]},
    "exposed_ports": {"type": "list", "elements": "str", "aliases": ["exposed", "expose"]},
    "etc_hosts": {"type": "dict"},
    "dns_servers": _LIST,
    "dns_search_domains": _LIST,
    "dns_opts": _LIST,
    "healthcheck": {"type": "dict", "options": {
        "test": {"type": "raw"},
        "interval": {"type": "str"},
        "timeout": {"type": "str"},
        "start_period": {"type": "str"},
        "start_interval": {"type": "str"},
        "retries": {"type": "int"},
    }},
    "privileged": {"type": "bool", "default": False},
    "capabilities": {"type": "list", "elements": "str", "aliases": ["cap_add"]},
    "cap_drop": _LIST,
    "security_opts": _LIST,
    "devices": _LIST,
    "tty": {"type": "bool", "default": False},
    "interactive": {"type": "bool", "default": False},
    "sysctls": {"type": "dict"},
    "ulimits": _LIST,
    "shm_size": {"type": "str"},
    "cpus": {"type": "float"},
    "cpu_shares": {"type": "int"},
    "cpu_period": {"type": "int"},
    "cpu_quota": {"type": "int"},
    "cpuset_cpus": {"type": "str"},
    "cpuset_mems": {"type": "str"},
    "memory": {"type": "str"},
    "memory_reservation": {"type": "str"},
    "memory_swap": {"type": "str"},
    "pids_limit": {"type": "int"},
    "blkio_weight": {"type": "int"},
    "oom_score_adj": {"type": "int"},
    "stop_signal": {"type": "str"},
    "pid_mode": {"type": "str"},
    "ipc_mode": {"type": "str"},
    "uts": {"type": "str"},
    "cgroupns_mode": {"type": "str", "choices": ["host", "private"]},
    "log_options": {"type": "dict", "aliases": ["log_opt"]},
    "auto_remove": {"type": "bool", "default": False},
}

SHAPE = tuple(SHAPE_ARGUMENTS)
"""Options that need ``image`` beside them."""

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "image": {"type": "str"},
    "state": {"type": "str", "choices": ["absent", "present", "started", "stopped", "healthy"], "default": "started"},
    "paused": {"type": "bool"},
    "restart": {"type": "bool", "default": False},
    "recreate": {"type": "bool", "default": False},
    "pull": {"type": "str", "choices": ["never", "missing", "always"], "default": "missing"},
    "image_name_mismatch": {"type": "str", "choices": ["ignore", "recreate"], "default": "ignore"},
    "comparisons": {"type": "dict"},
    "healthy_wait_timeout": {"type": "float", "default": 300},
    "restart_policy": {"type": "str", "choices": ["no", "on-failure", "always", "unless-stopped"], "default": "no"},
    "restart_retries": {"type": "int"},
    "stop_timeout": {"type": "int"},
    "force_kill": {"type": "bool", "default": False, "aliases": ["forcekill"]},
    "kill_signal": {"type": "str"},
    "keep_volumes": {"type": "bool", "default": True},
    "log_driver": {"type": "str", "choices": ["cri", "none"], "default": "cri"},
    **SHAPE_ARGUMENTS,
    **REGISTRY,
}
# ``timeout`` means the registry's, ``image`` pulls with it
_RESOURCES = ("cpus", "cpu_shares", "cpu_period", "cpu_quota", "cpuset_cpus", "cpuset_mems", "memory", "memory_reservation", "memory_swap",
              "pids_limit", "blkio_weight")

COMPARABLE = {
    **{name: name for name in SHAPE if name not in ("env_file", "volumes", "tmpfs", "published_ports", "log_options", *_RESOURCES)},
    **dict.fromkeys(_RESOURCES, "resources"),
    "image": "image", "volumes": "mounts", "tmpfs": "mounts", "published_ports": "ports", "ports": "ports",
    "restart_policy": "restart_policy", "restart_retries": "restart_policy", "stop_timeout": "stop_timeout", "log_driver": "logging",
    "log_options": "logging",
}
"""Names that ``comparisons`` takes -> the field of ContainerSpec that they are compared by."""
