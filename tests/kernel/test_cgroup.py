# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that the kernel holds: processes are slowed, killed, refused and frozen, in groups of the test's own."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup import files, manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, IoMax, Resources
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

MIB = 1 << 20
UNIFIED = "/sys/fs/cgroup/unified"


@pytest.fixture
def roots(tmp_path):
    made = Roots(str(tmp_path))
    yield made
    parent = manager.open_group(made, made.cgroup_parent)
    if parent.exists_anywhere():
        parent.kill()
        parent.delete()


@pytest.fixture
def group(roots):
    made = manager.open_manager(roots, "c1")
    made.create()
    return made


@pytest.fixture
def spawn():
    """Function: fork a process that waits until it is let go and then runs a function. Returns (pid, let go)."""
    children = []

    def make(function):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(writing)
                os.read(reading, 1)
                function()
            finally:
                os._exit(0)
        os.close(reading)
        children.append(pid)
        return pid, lambda: os.close(writing)

    yield make
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def burn():
    while True:
        pass


def needs(group, *fields):
    lacking = [field for field in fields if field not in group.supported()]
    if lacking:
        pytest.skip("this host cannot hold %s" % ", ".join(lacking))


@pytest.mark.fast
def test_limits_there_and_back(group):
    limits = Resources(
        cpu_max_quota=50000, cpu_period=100000, cpu_shares=512, memory_max=64 * MIB, memory_swap_max=0, pids_max=20, cpuset_cpus="0"
    )
    group.apply(limits)
    assert group.differences(limits) == {}
    group.apply(limits.replace(cpu_max_quota=150000, memory_max=128 * MIB, memory_swap_max=64 * MIB))
    held = group.read()
    assert (held.cpu_max_quota, held.memory_max, held.memory_swap_max, held.pids_max) == (150000, 128 * MIB, 64 * MIB, 20)
    group.apply(Resources(memory_max=32 * MIB))
    assert (group.read().memory_max, group.read().memory_swap_max) == (32 * MIB, 64 * MIB)
    group.apply(Resources().filled())
    assert group.differences(Resources().filled()) == {}
    assert group.read().memory_max == MAX


def test_every_weight_is_held(group):
    for weight in (1, 2, 39, 100, 101, 9999, 10000):
        group.apply(Resources(cpu_weight=weight))
        assert group.differences(Resources(cpu_weight=weight)) == {}, weight
    for shares in (2, 3, 1024, 262144):
        group.apply(Resources(cpu_shares=shares))
        assert group.differences(Resources(cpu_shares=shares)) == {}, shares


def test_what_somebody_else_changed_is_seen_and_repaired(group):
    limits = Resources(pids_max=20, memory_max=64 * MIB)
    group.apply(limits)
    group.apply(Resources(pids_max=MAX))
    assert group.differences(limits) == {"pids_max": (MAX, 20)}
    group.apply(limits)
    assert group.differences(limits) == {}


@pytest.mark.fast
def test_a_hog_is_held_to_its_quota(group, spawn):
    group.apply(Resources(cpu_max_quota=20000, cpu_period=100000))
    pid, go = spawn(burn)
    group.add(pid)
    go()
    start, before = time.monotonic(), group.stats().cpu.usage_usec
    time.sleep(1.0)
    share = (group.stats().cpu.usage_usec - before) / 1e6 / (time.monotonic() - start)
    assert 0.02 < share < 0.35
    assert group.stats().cpu.nr_throttled > 3
    # in place, while it runs
    group.apply(Resources(cpu_max_quota=5000))
    time.sleep(0.2)
    start, before = time.monotonic(), group.stats().cpu.usage_usec
    time.sleep(0.8)
    assert (group.stats().cpu.usage_usec - before) / 1e6 / (time.monotonic() - start) < 0.15


@pytest.mark.fast
def test_a_memory_hog_is_killed_and_counted(group, spawn):
    needs(group, "memory_max")
    group.apply(Resources(memory_max=32 * MIB).replace(memory_swap_max=0 if "memory_swap_max" in group.supported() else None))
    assert group.oom_kills() == 0

    def eat():
        held = []
        while len(held) < 256:
            held.append(b"x" * MIB)

    pid, go = spawn(eat)
    group.add(pid)
    go()
    unused, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert group.oom_kills() == 1 and group.stats().oom_kills == 1
    assert 16 * MIB < group.stats().memory.peak <= 32 * MIB


def test_a_limit_below_what_is_used_is_refused_and_the_old_one_stays(group, spawn):
    needs(group, "memory_max", "memory_swap_max")
    group.apply(Resources(memory_max=64 * MIB, memory_swap_max=0))
    ready, announce = os.pipe()

    def eat():
        held = b"x" * (32 * MIB)
        os.write(announce, b"1")
        while held:
            signal.pause()

    pid, go = spawn(eat)
    group.add(pid)
    go()
    os.read(ready, 1)
    with pytest.raises(Conflict, match="is below the"):
        group.apply(Resources(memory_max=8 * MIB))
    assert group.read().memory_max == 64 * MIB and group.oom_kills() == 0
    os.close(ready)
    os.close(announce)


@pytest.mark.fast
def test_a_fork_bomb_stops_at_the_limit_and_is_killed_whole(group, spawn):
    group.apply(Resources(pids_max=10))
    refused, count = os.pipe()

    def bomb():
        failures = 0
        for unused in range(40):
            try:
                if os.fork() == 0:
                    signal.pause()
            except OSError as error:
                failures += error.errno == errno.EAGAIN
        os.write(count, b"%d" % failures)
        signal.pause()

    pid, go = spawn(bomb)
    group.add(pid)
    go()
    assert os.read(refused, 10) == b"31"
    assert len(group.pids()) == 10 and group.stats().pids.current == 10
    group.kill()
    assert group.pids() == []
    os.waitpid(pid, 0)
    group.delete()
    os.close(refused)
    os.close(count)


def test_rates_of_a_disk(group):
    needs(group, "io_max")
    disks = sorted(name for name in os.listdir("/sys/block") if name.startswith(("vd", "sd", "nvme", "xvd")))
    if not disks:
        pytest.skip("this host has no disk")
    major, minor = (int(part) for part in files.read("/sys/block/%s/dev" % disks[0]).split(":"))
    limits = Resources(io_max=(IoMax(major, minor, rbps=MIB, wiops=100),))
    group.apply(limits)
    assert group.differences(limits) == {} and group.read().io_max == limits.io_max
    group.apply(Resources(io_max=(IoMax(major, minor, wbps=2 * MIB),)))
    assert group.read().io_max == (IoMax(major, minor, wbps=2 * MIB),)
    group.apply(Resources(io_max=()))
    assert group.read().io_max == ()
    with pytest.raises(InvalidValue, match="1:250"):
        group.apply(Resources(io_max=(IoMax(1, 250, rbps=MIB),)))


@pytest.mark.fast
def test_frozen_processes_stand_still_and_go_on(group, spawn):
    counter = mmap.mmap(-1, 8)

    def count():
        number = 0
        while True:
            number += 1
            counter[:] = number.to_bytes(8, "little")

    pid, go = spawn(count)
    group.add(pid)
    go()
    time.sleep(0.1)
    group.freeze()
    assert group.frozen()
    stopped = bytes(counter)
    time.sleep(0.2)
    assert bytes(counter) == stopped != bytes(8)
    group.freeze()
    group.thaw()
    time.sleep(0.2)
    assert not group.frozen() and bytes(counter) != stopped


def test_a_frozen_group_can_be_killed(group, spawn):
    pid, go = spawn(burn)
    group.add(pid)
    go()
    group.freeze()
    group.kill()
    unused, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_delete_refuses_processes_and_takes_what_is_below(group, spawn):
    pid, unused = spawn(burn)
    group.add(pid)
    with pytest.raises(Conflict, match=str(pid)):
        group.delete(timeout=0.02)
    group.kill()
    os.waitpid(pid, 0)
    for directory in group.directories():
        os.makedirs(os.path.join(directory, "below", "deep"))
    group.delete()
    assert not group.exists_anywhere()
    group.delete()
    assert group.pids() == []


def test_a_half_made_group_is_completed(group):
    os.rmdir(group.directories()[-1])
    assert not group.exists() or len(group.directories()) == 1
    group.create()
    group.create()
    assert group.exists()


def test_makers_and_removers_at_the_same_time(roots):
    def work(name):
        for unused in range(60):
            made = manager.open_manager(roots, name)
            made.create()
            made.apply(Resources(pids_max=5))
            made.delete()

    children = []
    for name in ("a", "b", "c"):
        pid = os.fork()
        if pid == 0:
            failed = 1
            try:
                work(name)
                failed = 0
            finally:
                os._exit(failed)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    assert not manager.open_group(roots, roots.cgroup_parent).exists_anywhere()


def test_what_this_host_cannot_hold_is_named(group):
    if "memory_high" in group.supported():
        pytest.skip("cgroup v2 has memory.high")
    with pytest.raises(Unsupported, match="memory_high"):
        group.apply(Resources(memory_high=MIB))


def test_what_only_v2_has(group):
    needs(group, "memory_high", "memory_min", "memory_oom_group")
    limits = Resources(memory_high=48 * MIB, memory_min=MIB, memory_oom_group=True, memory_max=64 * MIB, cpu_idle=True, cpuset_cpus="")
    group.apply(limits)
    assert group.differences(limits) == {}
    group.apply(Resources(cpu_idle=False))
    group.apply(Resources(memory_high=MAX, memory_min=0, memory_oom_group=False, cpu_weight=7))
    assert (group.read().memory_high, group.read().memory_min, group.read().memory_oom_group, group.read().cpu_weight) == (
        MAX,
        0,
        False,
        7,
    )


def test_an_ancestor_with_processes_passes_no_controllers_on(roots, spawn):
    above = manager.open_manager(roots, "above")
    if above.setup.version != "v2":
        pytest.skip("a rule of cgroup v2")
    above.create()
    pid, unused = spawn(burn)
    above.add(pid)
    below = manager.open_manager(roots, "above/below")
    below.create()
    with pytest.raises(Unsupported, match="above does not pass it on: it has processes of its own"):
        below.apply(Resources(pids_max=5))
    above.kill()
    os.waitpid(pid, 0)
    below.create()
    below.apply(Resources(pids_max=5))
    with pytest.raises(Conflict, match="groups with limits below"):
        above.add(os.getpid())


@pytest.fixture
def unified(tmp_path):
    """A group in the real v2 tree of a hybrid host, whatever controllers it has; the root's subtree_control is left as it was."""
    if not os.path.exists(UNIFIED + "/cgroup.controllers"):
        pytest.skip("no v2 tree at %s" % UNIFIED)
    before = files.read(UNIFIED + "/cgroup.subtree_control").split()
    roots = Roots(str(tmp_path), cgroup=UNIFIED)
    made = manager.open_manager(roots, "c1")
    made.create()
    yield made
    parent = manager.open_group(roots, roots.cgroup_parent)
    parent.kill()
    parent.delete()
    for name in files.read(UNIFIED + "/cgroup.subtree_control").split():
        if name not in before:
            files.write(UNIFIED + "/cgroup.subtree_control", "-" + name)


def test_the_v2_tree_freezes_kills_and_deletes(unified, spawn):
    counter = mmap.mmap(-1, 8)

    def count():
        number = 0
        while True:
            number += 1
            counter[:] = number.to_bytes(8, "little")

    assert unified.setup.version == "v2"
    pid, go = spawn(count)
    unified.add(pid)
    go()
    assert unified.pids() == [pid]
    time.sleep(0.05)
    unified.freeze()
    stopped = bytes(counter)
    time.sleep(0.1)
    assert unified.frozen() and bytes(counter) == stopped
    unified.thaw()
    time.sleep(0.1)
    assert bytes(counter) != stopped
    # the parent, which has the groups below it, is killed whole
    manager.Manager.kill_once(unified, [], freeze_first=False)
    type(unified)(unified.setup, os.path.dirname(unified.path)).kill()
    unused, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    unified.delete()
    assert not unified.exists_anywhere()


def test_the_v2_tree_holds_huge_pages(unified):
    needs(unified, "hugetlb_max")
    limits = Resources(hugetlb_max=(("2MB", 4 * MIB),))
    unified.apply(limits)
    assert unified.differences(limits) == {}
    unified.apply(Resources(hugetlb_max=(("2MB", MAX),)))
    assert unified.read().hugetlb_max == ()
