# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cgroup v2 by the kernel's documentation, on a tree in a temporary directory."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup import manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue, TimedOut, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, IoMax, Resources

MIB = 1 << 20


def test_every_ancestor_enables_the_controllers_and_the_group_itself_does_not(tree):
    kernel, group = tree
    assert group.path == "agentless/c1"
    wanted = {"cpuset", "cpu", "io", "memory", "hugetlb", "pids"}
    assert set(kernel.get("cgroup.subtree_control").split()) == wanted
    assert set(kernel.get("agentless/cgroup.subtree_control").split()) == wanted
    assert kernel.get("agentless/c1/cgroup.subtree_control") == ""
    assert group.enabled() == wanted and group.refused == {}


def test_the_second_group_enables_nothing_again(tree):
    kernel, group = tree
    del kernel.writes[:]
    again = type(group)(group.setup, "agentless/c2")
    again.create()
    again.create()
    assert kernel.writes == []
    assert again.exists() and again.enabled() == group.enabled()


def test_a_parent_with_processes_of_its_own_passes_nothing_on(tree_of):
    kernel, roots = tree_of()
    os.mkdir(os.path.join(kernel.root, "busy"))
    kernel.write(os.path.join(kernel.root, "busy/cgroup.procs"), "42")
    group = manager.open_group(roots, "busy/child")
    group.create()
    group.apply(Resources(pids_max=MAX))
    with pytest.raises(Unsupported, match=r"pids_max.*busy does not pass it on: it has processes of its own"):
        group.apply(Resources(pids_max=5))


def test_no_threaded_subtree_is_made_of_a_parent_with_processes(tree_of):
    kernel, roots = tree_of(("cpu", "pids"))
    os.mkdir(os.path.join(kernel.root, "busy"))
    kernel.write(os.path.join(kernel.root, "busy/cgroup.procs"), "42")
    group = manager.open_group(roots, "busy/child")
    group.create()
    assert kernel.get("busy/cgroup.type") == kernel.get("busy/child/cgroup.type") == "domain"
    group.add(43)
    assert group.pids() == [43] and sorted(group.refused) == ["cpu", "pids"]


def test_a_group_with_limited_groups_below_takes_no_process(tree):
    kernel, group = tree
    with pytest.raises(Conflict, match="groups with limits below"):
        type(group)(group.setup, "agentless").add(1)
    group.add(4711)
    assert kernel.get("agentless/c1/cgroup.procs") == "4711" and group.pids() == [4711]


def test_a_threaded_group_is_refused(tree):
    kernel, group = tree
    kernel.put(group.directory, {"cgroup.type": "threaded"})
    with pytest.raises(Unsupported, match="threads only"):
        group.add(1)


def test_a_host_that_lacks_controllers(tree_of):
    unused, roots = tree_of(("cpu", "pids"))
    group = manager.open_manager(roots, "c1")
    assert group.unsupported(Resources(memory_max=5, pids_max=5)) == ("memory_max",)
    group.create()
    assert group.read() == Resources(cpu_max_quota=MAX, cpu_period=100000, cpu_max_burst=0, cpu_weight=100, cpu_idle=False, pids_max=MAX)
    group.apply(Resources().filled())
    with pytest.raises(Unsupported, match="memory_max") as caught:
        group.apply(Resources(memory_max=MIB))
    assert "memory" in caught.value.hint
    assert group.oom_kills() == 0 and group.stats().memory is None


def test_all_limits_there_and_back(tree):
    kernel, group = tree
    limits = Resources(
        cpu_max_quota=50000,
        cpu_period=100000,
        cpu_weight=50,
        cpuset_cpus="0-1",
        cpuset_mems="0",
        memory_max=64 * MIB,
        memory_high=48 * MIB,
        memory_low=MIB,
        memory_min=0,
        memory_swap_max=0,
        memory_oom_group=True,
        pids_max=20,
        io_weight=200,
        io_max=(IoMax(8, 0, rbps=1000, wiops=5),),
        hugetlb_max=(("2MB", 4 * MIB),),
        cpu_max_burst=10000,
    )
    group.apply(limits)
    assert group.differences(limits) == {}
    for name, text in (
        ("cpu.max", "50000 100000"),
        ("cpu.weight", "50"),
        ("memory.max", str(64 * MIB)),
        ("memory.swap.max", "0"),
        ("pids.max", "20"),
        ("memory.oom.group", "1"),
        ("io.weight", "default 200"),
        ("io.max", "8:0 rbps=1000 wbps=max riops=max wiops=5"),
        ("hugetlb.2MB.max", str(4 * MIB)),
        ("cpuset.cpus", "0-1"),
        ("cpu.max.burst", "10000"),
    ):
        assert kernel.get("agentless/c1/" + name) == text
    group.apply(Resources(hugetlb_max=(("2MB", MAX),), cpu_max_burst=0, memory_high=MAX, memory_oom_group=False).filled())
    for name, text in (
        ("cpu.max", "max 100000"),
        ("cpu.weight", "100"),
        ("memory.max", "max"),
        ("memory.swap.max", "max"),
        ("pids.max", "max"),
        ("io.max", ""),
        ("io.weight", "default 100"),
        ("cpuset.cpus", ""),
        ("hugetlb.2MB.max", "max"),
    ):
        assert kernel.get("agentless/c1/" + name) == text


def test_an_empty_cpuset_is_written_as_a_newline(tree):
    kernel, group = tree
    group.apply(Resources(cpuset_cpus=""))
    assert kernel.writes[-1] == ("agentless/c1/cpuset.cpus", "\n")


def test_what_the_kernel_changed_is_seen(tree):
    kernel, group = tree
    limits = Resources(cpu_max_quota=50000, memory_max=64 * MIB, pids_max=20)
    group.apply(limits)
    kernel.put(group.directory, {"memory.max": "max", "pids.max": "7"})
    assert group.differences(limits) == {"memory_max": (MAX, 64 * MIB), "pids_max": (7, 20)}


def test_memory_is_rounded_to_pages_and_that_is_no_difference(tree):
    kernel, group = tree
    kernel.put(group.directory, {"memory.max": str(64 * MIB)})
    assert group.differences(Resources(memory_max=64 * MIB + 1)) == {}


def test_quota_and_period_alone_keep_the_other(tree):
    kernel, group = tree
    group.apply(Resources(cpu_max_quota=20000, cpu_period=50000))
    group.apply(Resources(cpu_max_quota=10000))
    assert kernel.get("agentless/c1/cpu.max") == "10000 50000"
    group.apply(Resources(cpu_period=100000))
    assert kernel.get("agentless/c1/cpu.max") == "10000 100000"


def test_a_lower_quota_takes_the_old_burst_off_first(tree):
    kernel, group = tree
    group.apply(Resources(cpu_max_quota=50000, cpu_max_burst=40000))
    group.apply(Resources(cpu_max_quota=20000))
    assert (kernel.get("agentless/c1/cpu.max"), kernel.get("agentless/c1/cpu.max.burst")) == ("20000 100000", "0")


def test_shares_become_a_weight(tree):
    kernel, group = tree
    group.apply(Resources(cpu_shares=1024))
    assert kernel.get("agentless/c1/cpu.weight") == "100"
    group.apply(Resources(cpu_shares=512))
    assert kernel.get("agentless/c1/cpu.weight") == "59"
    assert group.differences(Resources(cpu_shares=512)) == {}
    assert group.differences(Resources(cpu_shares=2)) == {"cpu_weight": (59, 1)}


def test_an_idle_group_has_no_weight(tree):
    kernel, group = tree
    group.apply(Resources(cpu_idle=True, cpu_weight=5))
    assert ("agentless/c1/cpu.weight", "5") not in kernel.writes
    assert group.differences(Resources(cpu_idle=True, cpu_weight=5)) == {}


def test_lowering_memory_reclaims_and_never_kills(tree):
    kernel, group = tree
    kernel.put(group.directory, {"memory.current": str(80 * MIB)})
    kernel.reclaimable = 10 * MIB
    with pytest.raises(Conflict, match="below the %d bytes" % (70 * MIB)):
        group.apply(Resources(memory_max=64 * MIB))
    assert kernel.get("agentless/c1/memory.max") == "max"
    kernel.reclaimable = 10 * MIB
    group.apply(Resources(memory_max=64 * MIB))
    assert kernel.get("agentless/c1/memory.max") == str(64 * MIB)


def test_rates_that_are_not_named_are_taken_off(tree):
    kernel, group = tree
    group.apply(Resources(io_max=(IoMax(8, 0, rbps=10, wbps=20), IoMax(8, 16, riops=5))))
    group.apply(Resources(io_max=(IoMax(8, 0, rbps=10),)))
    assert kernel.get("agentless/c1/io.max") == "8:0 rbps=10 wbps=max riops=max wiops=max"
    assert group.differences(Resources(io_max=(IoMax(8, 0, rbps=10), IoMax(8, 32)))) == {}
    with pytest.raises(InvalidValue, match="1:1"):
        group.apply(Resources(io_max=(IoMax(1, 1, rbps=10),)))


def test_without_swap_accounting_the_swap_limit_is_named(tree):
    unused, group = tree
    os.unlink(os.path.join(group.directory, "memory.swap.max"))
    group.apply(Resources(memory_max=MIB).filled())
    group.apply(Resources(memory_max=MIB, memory_swap_max=MIB))
    with pytest.raises(Unsupported, match="memory_swap_max"):
        group.apply(Resources(memory_swap_max=0))


@pytest.mark.parametrize("resources", [Resources(memory_swappiness=10), Resources(oom_kill_disable=True)])
def test_what_only_v1_has_is_refused(tree, resources):
    with pytest.raises(Unsupported):
        tree[1].apply(resources)


def test_freeze_waits_and_thaws(tree):
    kernel, group = tree
    group.freeze()
    assert group.frozen() and kernel.get("agentless/c1/cgroup.freeze") == "1"
    group.thaw()
    assert not group.frozen()


def test_a_group_that_does_not_freeze_is_thawed_again(tree, monkeypatch):
    kernel, group = tree
    monkeypatch.setattr(kernel, "_cgroup_freeze", lambda directory, text: kernel.put(directory, {"cgroup.freeze": text}))
    with pytest.raises(TimedOut, match="c1 could not be frozen"):
        group.freeze(timeout=0.05)
    assert kernel.get("agentless/c1/cgroup.freeze") == "0"


def test_kill_and_delete(tree):
    kernel, group = tree
    group.add(4711)
    with pytest.raises(Conflict, match="4711"):
        group.delete(timeout=0.01)
    group.kill()
    assert ("agentless/c1/cgroup.kill", "1") in kernel.writes and group.pids() == []
    os.mkdir(os.path.join(group.directory, "below"))
    group.delete()
    group.delete()
    group.kill()
    assert not group.exists_anywhere()


def test_the_last_container_takes_the_group_above_along(tree):
    kernel, group = tree
    second = type(group)(group.setup, "agentless/c2")
    second.sweeps_parent = True
    second.create()
    group.delete()
    assert second.exists()
    second.delete()
    assert not os.path.exists(os.path.join(kernel.root, "agentless"))
    second.create()
    assert second.enabled() == {"cpuset", "cpu", "io", "memory", "hugetlb", "pids"}


def test_stats(tree):
    kernel, group = tree
    kernel.put(group.directory, {"memory.events": "oom 1\noom_kill 2\n", "memory.current": "20", "pids.current": "3"})
    stats = group.stats()
    assert (stats.cpu.usage_usec, stats.cpu.nr_throttled) == (7, 0)
    assert (stats.memory.current, stats.memory.anon, stats.memory.working_set, stats.memory.peak, stats.memory.limit) == (
        20,
        11,
        15,
        33,
        MAX,
    )
    assert (stats.pids.current, stats.pids.limit, stats.oom_kills) == (3, MAX, 2)
    assert [(io.device, io.rbytes, io.wios) for io in stats.io] == [("8:0", 1, 4)]
    assert stats.to_json()["io"][0]["device"] == "8:0"


def test_bfq_weights_keep_their_default(tree):
    kernel, group = tree
    kernel.put(group.directory, {"io.bfq.weight": "default 100"})
    group.apply(Resources(io_weight=100))
    assert kernel.get("agentless/c1/io.bfq.weight") == "default 100"
    group.apply(Resources(io_weight=10000))
    assert kernel.get("agentless/c1/io.bfq.weight") == "default 1000"
    assert group.differences(Resources(io_weight=10000)) == {}
