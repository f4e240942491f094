# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``docker inspect`` tells of a container, in its shape."""

from __future__ import annotations

import os

from ..state import listed, read_json
from .container import CREATED, PAUSED, RESTARTING, RUNNING

NANO = 10**9


def inspect(container):
    """The inspect document (dict) of a container."""
    spec, record, state = container.spec, container.record, container.state()
    config = read_json(container.path("config.json"), {})
    process = config.get("process", {})
    args = process.get("args", [])
    return {
        "Id": record.id,
        "Created": record.created,
        "Path": args[0] if args else "",
        "Args": args[1:],
        "State": _state(container, state),
        "Image": record.image_id,
        "ResolvConfPath": container.path("resolv.conf"),
        "HostnamePath": container.path("hostname"),
        "HostsPath": container.path("hosts"),
        "LogPath": container.path("logs", "container.log") if spec.logging.driver != "none" else "",
        "Name": "/" + record.name,
        "RestartCount": state.restart_count,
        "Driver": "overlay",
        "Platform": "linux",
        "GraphDriver": {"Name": "overlay", "Data": {
            "LowerDir": ":".join(os.path.realpath(container.path("lower", name))
                                 for name in sorted(listed(container.path("lower")), key=int)),
            "UpperDir": container.path("upper"), "WorkDir": container.path("work"), "MergedDir": container.path("merged")}},
        "Mounts": [_mount(container, entry) for entry in record.mounts],
        "Config": _config(container, config, process),
        "HostConfig": _host_config(container),
        "NetworkSettings": _network_settings(container, state),
    }


def _state(container, state):
    answer = {
        "Status": state.status,
        "Running": state.status in (RUNNING, PAUSED),
        "Paused": state.status == PAUSED,
        "Restarting": state.status == RESTARTING,
        "OOMKilled": state.oom_killed,
        "Dead": False,
        "Pid": state.pid if state.status in (RUNNING, PAUSED) else 0,
        "ExitCode": 0 if state.status in (RUNNING, PAUSED, CREATED) and not state.error else state.exit_code,
        "Error": state.error,
        "StartedAt": state.started_at,
        "FinishedAt": state.finished_at,
    }
    if container.record.healthcheck is not None:
        answer["Health"] = {"Status": state.health or "none", "FailingStreak": state.health_failures,
                            "Log": read_json(container.path("health.json"), [])}
    return answer


def _mount(container, entry):
    answer = {"Type": entry["type"], "Source": entry["source"], "Destination": entry["target"], "RW": not entry.get("read_only", False),
              "Mode": "",
              "Propagation": entry.get("propagation", "rprivate") if entry["type"] == "bind" else ""}
    if entry["type"] == "volume":
        from ..volume.store import VolumeStore

        volume = VolumeStore(container.roots).get(entry["source"])
        answer.update(Name=entry["source"], Source=volume.mountpoint if volume else "", Driver=volume.driver if volume else "local")
    return answer


def _config(container, config, process):
    spec, check = container.spec, container.record.healthcheck
    exposed = {"%d/%s" % (port.container_port, port.protocol): {} for port in spec.ports}
    exposed.update({port: {} for port in spec.exposed_ports})
    answer = {
        "Hostname": config.get("hostname") or "",
        "Domainname": spec.domainname or "",
        "User": spec.user or "",
        "Env": process.get("env", []),
        "Cmd": list(spec.command) if spec.command is not None else None,
        "Entrypoint": list(spec.entrypoint) if spec.entrypoint is not None else None,
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "WorkingDir": process.get("cwd", "/"),
        "Tty": spec.tty,
        "OpenStdin": spec.interactive,
        "StopSignal": container.record.stop_signal,
        "StopTimeout": spec.stop_timeout,
        "ExposedPorts": exposed,
        "Volumes": {entry["target"]: {} for entry in container.record.mounts if entry["type"] == "volume"},
    }
    if check is not None:
        answer["Healthcheck"] = {"Test": list(check.test), "Interval": int(check.interval * NANO), "Timeout": int(check.timeout * NANO),
                                 "StartPeriod": int(check.start_period * NANO), "StartInterval": int(check.start_interval * NANO),
                                 "Retries": check.retries}
    return answer


def _unlimited(value):
    """Docker writes 0 for a limit that is not there."""
    return 0 if value in (None, -1) else value


def _host_config(container):
    spec, resources = container.spec, container.spec.resources
    quota, period = resources.cpu_max_quota, resources.cpu_period or 100000
    memory = _unlimited(resources.memory_max)
    swap = resources.memory_swap_max
    return {
        "NetworkMode": spec.network_mode if spec.network_mode != "bridge" or not spec.networks else spec.networks[0].name,
        "RestartPolicy": {"Name": spec.restart_policy.name, "MaximumRetryCount": spec.restart_policy.retries},
        "PortBindings": _port_map(spec.ports),
        "Binds": ["%s:%s:%s" % (mount.source, mount.target, "ro" if mount.read_only else "rw")
                  for mount in spec.mounts if mount.type in ("bind", "volume")],
        "AutoRemove": spec.auto_remove,
        "Privileged": spec.privileged,
        "ReadonlyRootfs": spec.read_only,
        "CapAdd": list(spec.capabilities) or None,
        "CapDrop": list(spec.cap_drop) or None,
        "SecurityOpt": list(spec.security_opts) or None,
        "Dns": list(spec.dns_servers),
        "DnsOptions": list(spec.dns_opts),
        "DnsSearch": list(spec.dns_search_domains),
        "ExtraHosts": ["%s:%s" % item for item in spec.etc_hosts.items()] or None,
        "GroupAdd": list(spec.groups) or None,
        "IpcMode": spec.ipc_mode or "private",
        "PidMode": spec.pid_mode or "",
        "UTSMode": spec.uts or "",
        "CgroupnsMode": spec.cgroupns_mode or "private",
        "Memory": memory,
        "MemoryReservation": _unlimited(resources.memory_low),
        "MemorySwap": -1 if swap == -1 else (memory + swap if swap is not None and memory else 0),
        "CpuShares": resources.cpu_shares or 0,
        "CpuPeriod": 0,
        "CpuQuota": 0,
        "NanoCpus": int(quota * NANO / period) if quota not in (None, -1) else 0,
        "CpusetCpus": resources.cpuset_cpus or "",
        "CpusetMems": resources.cpuset_mems or "",
        "PidsLimit": None if resources.pids_max in (None, -1) else resources.pids_max,
        "BlkioWeight": resources.io_weight or 0,
        "OomScoreAdj": spec.oom_score_adj or 0,
        "ShmSize": spec.shm_size,
        "Sysctls": dict(spec.sysctls) or None,
        "Ulimits": [{"Name": each.type[len("RLIMIT_"):].lower(), "Soft": each.soft, "Hard": each.hard} for each in spec.ulimits] or None,
        "LogConfig": {"Type": spec.logging.driver,
                      "Config": {"max-size": str(spec.logging.max_size), "max-file": str(spec.logging.max_file)}},
    }


def _port_map(bindings):
    answer = {}
    for binding in bindings:
        key = "%d/%s" % (binding.container_port, binding.protocol)
        answer.setdefault(key, []).append({"HostIp": binding.host_ip or "0.0.0.0", "HostPort": str(binding.host_port or "")})
    return answer


def _network_settings(container, state):
    answer = {"SandboxID": container.id, "SandboxKey": container.netns, "Ports": {}, "Networks": {}, "IPAddress": "", "IPPrefixLen": 0,
              "Gateway": "",
              "MacAddress": ""}
    if container.spec.network_mode != "bridge":
        return answer
    from ..net import attach, ports

    live = state.status in (RUNNING, PAUSED, RESTARTING)
    for endpoint in attach.endpoints_of(container.roots, container.id):
        answer["Networks"][endpoint.network] = _endpoint(endpoint, live)
        if endpoint.network == "bridge" and live:
            answer.update(IPAddress=endpoint.ipv4_address or "", IPPrefixLen=endpoint.ipv4_prefix_length or 0,
                          Gateway=endpoint.ipv4_gateway or "", MacAddress=endpoint.mac_address)
    published = ports.published(container.roots, container.id)
    if published is not None and live:
        answer["Ports"] = _port_map(published.ports)
    return answer


def _endpoint(endpoint, live):
    """A stopped container shows its network, and no address, as Docker does."""
    return {
        "Aliases": list(endpoint.aliases) or None,
        "MacAddress": endpoint.mac_address if live else "",
        "NetworkID": endpoint.network_id,
        "EndpointID": endpoint.id if live else "",
        "Gateway": (endpoint.ipv4_gateway or "") if live else "",
        "IPAddress": (endpoint.ipv4_address or "") if live else "",
        "IPPrefixLen": (endpoint.ipv4_prefix_length or 0) if live else 0,
        "IPv6Gateway": (endpoint.ipv6_gateway or "") if live else "",
        "GlobalIPv6Address": (endpoint.ipv6_address or "") if live else "",
        "GlobalIPv6PrefixLen": (endpoint.ipv6_prefix_length or 0) if live else 0,
        "DNSNames": [endpoint.container_name] + list(endpoint.aliases) + [endpoint.container_id[:12]],
    }
