# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device rules as the kernel holds them: a process in a group makes and opens nodes. Whatever version of control groups the host has."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup import manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import bpf
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.devices import (
    DEFAULT,
    EVERYTHING,
    DeviceRule,
    container_rules,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

pytestmark = pytest.mark.fast

KMSG = ("c", 1, 11)
NULL = ("c", 1, 3)
LOOP = ("b", 7, 0)


@pytest.fixture
def group(tmp_path):
    roots = Roots(str(tmp_path))
    made = manager.open_manager(roots, "c1")
    made.create()
    yield made
    made.kill()
    made.delete()


@pytest.fixture
def attempt(group, tmp_path):
    """Function: in a process of the group make a node and open it. Returns (errno of mknod, errno of open); 0 is success."""

    def do(device, flags):
        kind, major, minor = device
        path = str(tmp_path / "node")
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            answer = []
            try:
                group.add(os.getpid())
                for step in (
                    lambda: os.mknod(path, 0o600 | {"c": stat.S_IFCHR, "b": stat.S_IFBLK}[kind], os.makedev(major, minor)),
                    lambda: os.close(os.open(path, flags | os.O_NONBLOCK)),
                ):
                    try:
                        step()
                        answer.append(0)
                    except OSError as error:
                        answer.append(error.errno)
                os.write(writing, bytes(answer))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            answer = tuple(stream.read())
        os.waitpid(pid, 0)
        if os.path.lexists(path):
            os.unlink(path)
        return answer

    return do


def without_rules(attempt, device, flags):
    """What this host answers to an open that no rule denies: a driver may be missing."""
    result = attempt(device, flags)
    assert result[1] != errno.EPERM
    return result


def test_default_rules(group, attempt):
    free = without_rules(attempt, LOOP, os.O_RDONLY)
    group.apply_devices(DEFAULT)
    assert attempt(NULL, os.O_RDWR) == (0, 0)
    assert attempt(KMSG, os.O_RDONLY) == (0, errno.EPERM)
    assert attempt(LOOP, os.O_RDONLY) == (0, errno.EPERM)
    group.apply_devices(EVERYTHING)
    assert attempt(LOOP, os.O_RDONLY) == free
    assert attempt(KMSG, os.O_RDONLY) == (0, 0)


def test_a_device_with_its_permissions(group, attempt):
    group.apply_devices(container_rules([(*KMSG, "r")], privileged=False))
    assert attempt(KMSG, os.O_RDONLY) == (0, 0)
    assert attempt(KMSG, os.O_WRONLY) == attempt(KMSG, os.O_RDWR) == (0, errno.EPERM)
    group.apply_devices(container_rules([(*KMSG, "w")], privileged=False))
    assert attempt(KMSG, os.O_WRONLY) == (0, 0)
    assert attempt(KMSG, os.O_RDONLY) == (0, errno.EPERM)


def test_mknod_is_refused_without_a_rule(group, attempt):
    group.apply_devices((DeviceRule(False), DeviceRule(True, *NULL)))
    assert attempt(NULL, os.O_RDWR) == (0, 0)
    assert attempt(KMSG, os.O_RDONLY)[0] == errno.EPERM


def test_denied_of_everything(group, attempt):
    group.apply_devices((DeviceRule(True), DeviceRule(False, *KMSG, access="r")))
    assert attempt(KMSG, os.O_RDONLY) == (0, errno.EPERM)
    assert attempt(KMSG, os.O_WRONLY) == (0, 0)


def programs(group):
    descriptor = os.open(group.directory, os.O_RDONLY)
    try:
        return bpf.attached(descriptor, bpf.CGROUP_DEVICE)
    finally:
        os.close(descriptor)


def test_one_program_however_often(group, attempt):
    if group.setup.version != "v2":
        pytest.skip("cgroup v1 has no programs")
    seen = set()
    for unused in range(3):
        group.apply_devices(DEFAULT)
        assert len(programs(group)) == 1
        seen.update(programs(group))
    assert len(seen) == 3
    # the group above is a group with rules of its own: the stricter ones count
    above = type(group)(group.setup, os.path.dirname(group.path))
    above.apply_devices((DeviceRule(False), DeviceRule(True, access="m")))
    assert attempt(NULL, os.O_RDWR) == (0, errno.EPERM)
    above.apply_devices(EVERYTHING)
    assert programs(above) == [] and attempt(NULL, os.O_RDWR) == (0, 0)
    group.apply_devices(EVERYTHING)
    assert programs(group) == []
