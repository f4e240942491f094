#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container
short_description: Make, change, start, stop and remove a container
version_added: 0.1.0
author:
  - The agentless.containers authors (@agentless)
description:
  - Holds one container on the host in the wanted state, without a daemon and without a container runtime on the host.
  - Limits, published ports, networks, labels, the restart policy and the health check change on a running container, whose process keeps
    its ID. Any other difference makes the container anew.
  - The container is compared with what the last run asked for, option by option, so an option that is taken out of the task is a change,
    too. See O(comparisons).
  - A container whose O(image) means another image than the one that it was made from is made anew.
options:
  name:
    description: Name of the container, or at least 12 digits of the ID of one that exists. A leading slash is left out.
    type: str
    required: true
  image:
    description:
      - Image to make the container from, as C([REGISTRY/]REPOSITORY[:TAG][@DIGEST]) or an image ID.
      - Needed to make a container, and whenever another option than those of its state is given.
    type: str
  state:
    description:
      - V(absent) removes the container; a running one is stopped before.
      - V(present) makes it and leaves it as it is, running or not.
      - V(started) makes it and starts it.
      - V(healthy) is V(started), and waits until its health check succeeds (or, without one, until it runs).
      - V(stopped) makes it and stops it.
    type: str
    choices: [absent, present, started, stopped, healthy]
    default: started
  paused:
    description: Whether all of its processes are frozen. Where it is not given, they stay as they are.
    type: bool
  restart:
    description: Stop and start a running container. Such a task is always changed.
    type: bool
    default: false
  recreate:
    description: Make an existing container anew. Such a task is always changed.
    type: bool
    default: false
  pull:
    description:
      - V(missing) pulls the image if it is not on the host, V(never) fails then.
      - V(always) asks the registry every time, by one HEAD request; it is a change only where the registry has another image.
    type: str
    choices: [never, missing, always]
    default: missing
  image_name_mismatch:
    description: What to do where O(image) is another name of the same image.
    type: str
    choices: [ignore, recreate]
    default: ignore
  comparisons:
    description:
      - How options are compared, option name to V(strict), V(ignore) or, for lists and dictionaries, V(allow_more_present). C(*) stands for
        all.
      - Everything is V(strict) by default.
    type: dict
  healthy_wait_timeout:
    description: Seconds that O(state=healthy) waits.
    type: float
    default: 300
  restart_policy:
    description:
      - When the container is started again after it ended. A stop by a task is never undone, not even by V(always) and not by a reboot.
      - After a reboot V(always) and V(unless-stopped) start it, and V(on-failure), because the reboot ended it.
    type: str
    choices: ["no", on-failure, always, unless-stopped]
    default: "no"
  restart_retries:
    description: How often O(restart_policy=on-failure) tries; 0 is without end.
    type: int
  stop_timeout:
    description: Seconds between the stop signal and SIGKILL. 10 where it is not given.
    type: int
  force_kill:
    description: Kill instead of stopping.
    type: bool
    default: false
    aliases: [forcekill]
  kill_signal:
    description: Signal of O(force_kill), SIGKILL where it is not given.
    type: str
  keep_volumes:
    description: Whether anonymous volumes stay when the container is removed. Named volumes always stay.
    type: bool
    default: true
  command:
    description: Command, as a list of words or as a string that is split as a shell splits it. Replaces the image's.
    type: raw
  entrypoint:
    description: Entry point as a list of words. Replaces the image's, and drops the image's command, too.
    type: list
    elements: str
  env:
    description: Environment variables. Values are strings; quote what YAML would take for something else.
    type: dict
  env_file:
    description: File on the host with lines C(NAME=value). O(env) wins.
    type: path
  labels:
    description: Labels.
    type: dict
  hostname:
    description: Host name inside. The first 12 digits of the container's ID where it is not given.
    type: str
  domainname:
    description: NIS domain name inside.
    type: str
  user:
    description: User, or C(user:group), by name in the image or number. The image's where it is not given.
    type: str
  groups:
    description: Additional groups, by name in the image or number.
    type: list
    elements: str
  working_dir:
    description: Working directory, absolute. The image's where it is not given. Made if it is missing.
    type: str
  volumes:
    description:
      - Mounts in the short form, C(name:/path), C(/host/path:/path:ro), or C(/path) for an anonymous volume.
      - A host path that is missing is made as a directory.
    type: list
    elements: str
  mounts:
    description: Mounts in the long form.
    type: list
    elements: dict
    suboptions:
      target:
        description: Absolute path in the container.
        type: str
        required: true
      source:
        description: Host path of a bind, or name of a volume. An anonymous volume where it is not given.
        type: str
      type:
        description: Kind of mount.
        type: str
        choices: [bind, tmpfs, volume]
        default: volume
      read_only:
        description: Whether it is read-only.
        type: bool
      propagation:
        description: Mount propagation of a bind. V(rprivate) where it is not given.
        type: str
        choices: [private, rprivate, shared, rshared, slave, rslave]
      no_copy:
        description: Do not fill a new volume with what the image has at O(mounts[].target).
        type: bool
      labels:
        description: Labels of a volume that is made.
        type: dict
      volume_driver:
        description: Driver of a volume that is made.
        type: str
      volume_options:
        description: Options of that driver.
        type: dict
      tmpfs_size:
        description: Size of a tmpfs, such as V(64m).
        type: str
      tmpfs_mode:
        description: Mode of a tmpfs, octal.
        type: str
      create_mountpoint:
        description: Make a missing host path of a bind.
        type: bool
      non_recursive:
        description: Leave out what is mounted below the host path.
        type: bool
      subpath:
        description: Directory in the volume to mount, relative.
        type: str
  tmpfs:
    description: Mounts of type tmpfs as C(/path) or C(/path:size=64m,mode=1777).
    type: list
    elements: str
  read_only:
    description: Whether the root file system is read-only.
    type: bool
    default: false
  network_mode:
    description:
      - V(bridge), V(host), V(none), C(container:NAME), or the name of a network.
      - V(bridge) is used where it is not given, with O(networks), or with the default network C(bridge) where there are none.
    type: str
  networks:
    description: Networks to attach, the first one with the default route.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of a network.
        type: str
        required: true
      aliases:
        description: More names for the container in that network.
        type: list
        elements: str
      ipv4_address:
        description: Static IPv4 address.
        type: str
      ipv6_address:
        description: Static IPv6 address.
        type: str
      mac_address:
        description: MAC address.
        type: str
  published_ports:
    description:
      - Ports of the container on the host, as C(8080:80), C(127.0.0.1:8080:80), C(53:53/udp), C(9000-9009:80-89), or C(80) for a free host
        port.
      - C(::1) is no address to publish on, because the kernel routes nothing from there into a container.
    type: list
    elements: str
    aliases: [ports]
  exposed_ports:
    description: Ports that the container listens on, for information only.
    type: list
    elements: str
    aliases: [exposed, expose]
  etc_hosts:
    description: Additional names in C(/etc/hosts), name to address.
    type: dict
  dns_servers:
    description: Name servers. The host's where they are not given.
    type: list
    elements: str
  dns_search_domains:
    description: Search domains. The host's where they are not given.
    type: list
    elements: str
  dns_opts:
    description: Options of the resolver. The host's where they are not given.
    type: list
    elements: str
  healthcheck:
    description: A command that tells whether the container is healthy. The image's where it is not given.
    type: dict
    suboptions:
      test:
        description:
          - V(["CMD", "program", "argument"]), V(["CMD-SHELL", "line"]) or a line for the shell. V(["NONE"]) switches the image's off.
        type: raw
      interval:
        description: Time from the end of one check to the next, such as V(30s) or V(1m30s). 30 s where it is not given.
        type: str
      timeout:
        description: Time after which a check has failed. 30 s where it is not given.
        type: str
      start_period:
        description: Time after the start in which failures do not count.
        type: str
      start_interval:
        description: Time between checks until the first success, at most O(healthcheck.interval). 5 s where it is not given.
        type: str
      retries:
        description: Failures in a row that make the container unhealthy. 3 where it is not given.
        type: int
  privileged:
    description: All capabilities and devices, no seccomp filter, nothing masked or read-only.
    type: bool
    default: false
  capabilities:
    description: Capabilities to add, such as V(NET_ADMIN).
    type: list
    elements: str
    aliases: [cap_add]
  cap_drop:
    description: Capabilities to drop, V(all) for all.
    type: list
    elements: str
  security_opts:
    description: V(no-new-privileges), V(seccomp=unconfined) or C(seccomp=/path/of/profile.json) on the host.
    type: list
    elements: str
  devices:
    description:
      - Devices of the host, as C(/dev/fuse), C(/dev/sda:/dev/xvda) or C(/dev/sda:/dev/xvda:r).
      - The third part is what the container may do with it, of C(r) (read), C(w) (write) and C(m) (make a node), all three by default.
      - Device nodes that are not given here can be made by a container's root and not be opened, except those that every container has.
    type: list
    elements: str
  tty:
    description: Give it a terminal.
    type: bool
    default: false
  interactive:
    description: Keep its standard input open.
    type: bool
    default: false
  sysctls:
    description: Kernel parameters of its own namespaces. Others are refused.
    type: dict
  ulimits:
    description: Limits of setrlimit(2), as C(nofile:1024:2048).
    type: list
    elements: str
  shm_size:
    description: Size of C(/dev/shm). 64m where it is not given.
    type: str
  cpus:
    description: Processors that it may use, such as V(1.5).
    type: float
  cpu_shares:
    description: Weight against other containers, from 2 to 262144; 1024 is normal.
    type: int
  cpu_period:
    description: Period of O(cpu_quota) in microseconds.
    type: int
  cpu_quota:
    description: Processor time in each period in microseconds.
    type: int
  cpuset_cpus:
    description: Processors to run on, such as V(0-2,4).
    type: str
  cpuset_mems:
    description: Memory nodes to use.
    type: str
  memory:
    description: Memory limit, such as V(512m).
    type: str
  memory_reservation:
    description: Memory that reclaim leaves to it while others can give some.
    type: str
  memory_swap:
    description: Limit of memory and swap together. Twice O(memory) where it is not given, V(-1) for no limit.
    type: str
  pids_limit:
    description: Limit of processes and threads, V(-1) for none.
    type: int
  blkio_weight:
    description: Weight of its disk accesses, from 10 to 1000.
    type: int
  oom_score_adj:
    description: Preference of the kernel's out-of-memory killer, from -1000 to 1000.
    type: int
  stop_signal:
    description: Signal that stops it. The image's, or SIGTERM, where it is not given.
    type: str
  pid_mode:
    description: V(host) shares the host's process IDs.
    type: str
  ipc_mode:
    description: V(private) or V(host).
    type: str
  uts:
    description: V(host) shares the host's name.
    type: str
  cgroupns_mode:
    description: Whether it sees the control groups of the host. Its own only where it is not given.
    type: str
    choices: [host, private]
  log_driver:
    description: V(cri) writes files in the format of Kubernetes' container runtime interface, V(none) writes nothing.
    type: str
    choices: [cri, none]
    default: cri
  log_options:
    description: C(max-size) of a log file (10m) and C(max-file), the number of files (3).
    type: dict
    aliases: [log_opt]
  auto_remove:
    description: Remove the container when it ends.
    type: bool
    default: false
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
  - agentless.containers.common.registry
seealso:
  - module: agentless.containers.container_info
  - module: agentless.containers.container_exec
  - module: agentless.containers.network
  - module: agentless.containers.volume
"""

EXAMPLES = r"""
- name: A web server with limits and a published port
  agentless.containers.container:
    name: web
    image: registry.example.com/web:1.4
    published_ports: ["8080:80"]
    memory: 256m
    cpus: 0.5
    pids_limit: 100
    restart_policy: unless-stopped

- name: The same with more memory; its process keeps running
  agentless.containers.container:
    name: web
    image: registry.example.com/web:1.4
    published_ports: ["8080:80"]
    memory: 512m
    cpus: 0.5
    pids_limit: 100
    restart_policy: unless-stopped

- name: A database on its own network, waited for
  agentless.containers.container:
    name: db
    image: registry.example.com/postgres:16
    env:
      POSTGRES_PASSWORD: "{{ vault_password }}"
    volumes: ["pgdata:/var/lib/postgresql/data"]
    networks:
      - name: backend
        aliases: [database]
    healthcheck:
      test: ["CMD", "pg_isready", "-U", "postgres"]
      interval: 5s
    state: healthy

- name: Freeze a container
  agentless.containers.container:
    name: web
    paused: true

- name: Remove it
  agentless.containers.container:
    name: web
    state: absent
"""

RETURN = r"""
container:
  description:
    - The container in the shape of C(docker inspect), or null where there is none (after O(state=absent), or in check mode).
  returned: success
  type: dict
  sample:
    Id: 4c01db0b339c9ad0e0e4b9e9e1f7c0d7b1a6b2d1c6a47f1a52d3a9c3c1a2b3c4
    Name: /web
    State:
      Status: running
      Running: true
      Pid: 4711
actions:
  description: What was done or, in check mode, would be done, in order.
  returned: success
  type: list
  elements: str
  sample: ["set the limits of container web"]
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.container_arguments import ARGUMENTS
from ansible_collections.agentless.containers.plugins.module_utils.module.start import start


def main():
    module = start(ARGUMENTS)
    # only now, so that they come from byte code where it is installed; payload is what carries the engine to the host
    from ansible_collections.agentless.containers.plugins.module_utils.module import payload  # noqa: F401
    from ansible_collections.agentless.containers.plugins.module_utils.module.container import handle
    from ansible_collections.agentless.containers.plugins.module_utils.module.run import finish

    finish(module, handle, installs=True)


if __name__ == "__main__":
    main()
