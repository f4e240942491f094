# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding the hierarchies, and v1 where it differs by what lies in a directory."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup import files, manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.setup import detect, mounted, unescape
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, IoMax, Resources
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
31 23 0:28 / {root} rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / {root}/cpu,cpuacct rw,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / {root}/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / {root}/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / {root}/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
50 31 0:39 / /elsewhere/pids rw,relatime - cgroup cgroup rw,pids
"""


def write(path, text=""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)


@pytest.fixture
def roots(tmp_path):
    manager._setups.clear()
    return Roots(str(tmp_path / "state"), cgroup=str(tmp_path / "cgroup"), cgroup_parent="agentless", proc=str(tmp_path / "proc"))


def test_v2_needs_no_look_at_the_mounts(roots):
    write(os.path.join(roots.cgroup, "cgroup.controllers"), "cpu memory\n")
    setup = detect(roots)
    assert (setup.version, setup.unified, setup.controllers) == ("v2", roots.cgroup, ["cpu", "memory"])


def test_hybrid_from_mountinfo(roots):
    write(os.path.join(roots.proc, "self/mountinfo"), MOUNTS.format(root=roots.cgroup))
    write(os.path.join(roots.cgroup, "unified/cgroup.controllers"), "hugetlb\n")
    setup = detect(roots)
    assert setup.version == "hybrid" and setup.unified == roots.cgroup + "/unified" and setup.unified_controllers == ("hugetlb",)
    assert setup.hierarchies == {
        "cpu": roots.cgroup + "/cpu,cpuacct",
        "cpuacct": roots.cgroup + "/cpu,cpuacct",
        "memory": roots.cgroup + "/memory",
    }
    group = manager.open_manager(roots, "c1")
    assert group.directories() == [roots.cgroup + "/cpu,cpuacct/agentless/c1", roots.cgroup + "/memory/agentless/c1"]


def test_v1_from_the_names_of_directories(roots):
    for name in ("memory", "cpu,cpuacct", "notes"):
        os.makedirs(os.path.join(roots.cgroup, name))
    for name in ("memory", "cpu,cpuacct"):
        write(os.path.join(roots.cgroup, name, "cgroup.procs"))
    setup = detect(roots)
    assert (setup.version, sorted(setup.hierarchies), setup.unified) == ("v1", ["cpu", "cpuacct", "memory"], None)


def test_none_is_mounted(roots):
    with pytest.raises(Unsupported, match="no control groups are mounted") as caught:
        detect(roots)
    assert "mount -t cgroup2" in caught.value.hint


def test_mount_points_with_spaces(tmp_path):
    write(str(tmp_path / "self/mountinfo"), "35 31 0:32 / /c\\040g/memory rw - cgroup cgroup rw,memory\n")
    assert mounted(str(tmp_path), "/c g") == ({"memory": "/c g/memory"}, None)
    assert unescape("a\\134b\\011c") == "a\\b\tc"


@pytest.mark.parametrize("path", ["", "/", "..", "a/../b", "./a", "a\0b"])
def test_paths_that_are_none(roots, path):
    with pytest.raises(InvalidValue, match="path"):
        manager.open_group(roots, path)


@pytest.fixture
def v1(roots):
    """A v1 group with ordinary files in it."""
    held = {
        "cpu": {
            "cpu.cfs_quota_us": "-1",
            "cpu.cfs_period_us": "100000",
            "cpu.shares": "1024",
            "cpu.stat": "nr_periods 4\nnr_throttled 2\nthrottled_time 9000\n",
        },
        "cpuacct": {"cpuacct.usage": "5000000", "cpuacct.stat": "user 1\nsystem 2\n"},
        "cpuset": {"cpuset.cpus": "", "cpuset.mems": ""},
        "memory": {
            "memory.limit_in_bytes": "9223372036854771712",
            "memory.memsw.limit_in_bytes": "9223372036854771712",
            "memory.soft_limit_in_bytes": "9223372036854771712",
            "memory.swappiness": "60",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "memory.usage_in_bytes": "100",
            "memory.memsw.usage_in_bytes": "130",
            "memory.stat": "cache 5\ntotal_cache 50\ntotal_rss 40\ntotal_inactive_file 30\n",
        },
        "blkio": {
            "blkio.bfq.weight": "100",
            "blkio.throttle.read_bps_device": "8:0 5\n",
            "blkio.throttle.write_bps_device": "",
            "blkio.throttle.read_iops_device": "",
            "blkio.throttle.write_iops_device": "",
            "blkio.throttle.io_service_bytes": "8:0 Read 7\n8:0 Write 8\n8:0 Total 15\nTotal 15\n",
            "blkio.throttle.io_serviced": "8:0 Read 1\n",
        },
    }
    for controller, contents in held.items():
        write(os.path.join(roots.cgroup, controller, "cgroup.procs"))
        for name, text in contents.items():
            write(os.path.join(roots.cgroup, controller, "agentless/c1", name), text)
            if name.startswith("cpuset.") or name == "memory.memsw.limit_in_bytes":
                write(os.path.join(roots.cgroup, controller, name), "0-3" if name == "cpuset.cpus" else "0")
                write(os.path.join(roots.cgroup, controller, "agentless", name), "")
    return manager.open_manager(roots, "c1")


def test_a_v1_cpuset_inherits_through_parents_that_have_none(v1, roots):
    v1.create()
    assert files.read(roots.cgroup + "/cpuset/agentless/cpuset.cpus") == "0-3"
    assert v1.read().cpuset_cpus == "0-3" and v1.read().cpuset_mems == "0"
    assert v1.differences(Resources(cpuset_cpus="")) == {}


def test_v1_reads_in_the_words_of_v2(v1):
    held = v1.read()
    assert (held.cpu_max_quota, held.cpu_weight, held.cpu_shares) == (MAX, 100, 1024)
    assert (held.memory_max, held.memory_swap_max, held.memory_low, held.io_weight) == (MAX, MAX, 0, 100)
    assert held.io_max == (IoMax(8, 0, rbps=5),)
    assert v1.oom_kills() == 3


def test_v1_stats(v1):
    stats = v1.stats()
    assert (stats.cpu.usage_usec, stats.cpu.nr_throttled, stats.cpu.throttled_usec) == (5000, 2, 9)
    assert (stats.memory.current, stats.memory.swap, stats.memory.anon, stats.memory.file, stats.memory.working_set) == (
        100,
        30,
        40,
        50,
        70,
    )
    assert (stats.io[0].rbytes, stats.io[0].wbytes, stats.io[0].rios, stats.io[0].wios, stats.pids) == (7, 8, 1, 0, None)


def test_v1_swap_is_memory_and_swap(v1):
    with pytest.raises(Unsupported, match="memory_swap_max"):
        v1.apply(Resources(memory_swap_max=1 << 20))
    v1.apply(Resources(memory_max=1 << 20, memory_swap_max=1 << 20))
    assert files.read(v1.directories()[-1].replace("blkio", "memory") + "/memory.memsw.limit_in_bytes") == str(2 << 20)
    assert v1.read().memory_swap_max == 1 << 20


@pytest.mark.parametrize(
    "resources", [Resources(memory_high=5), Resources(memory_min=5), Resources(memory_oom_group=True), Resources(pids_max=5)]
)
def test_v1_refuses_what_it_lacks(v1, resources):
    with pytest.raises(Unsupported, match=next(iter(resources.set_fields()))):
        v1.apply(resources)


def test_keyed_and_nested_files():
    assert files.keyed("a 1\nb -2\nc x\n\n") == {"a": 1, "b": -2}
    assert files.nested("8:0 rbps=1 wbps=max\n") == {"8:0": {"rbps": "1", "wbps": "max"}}
