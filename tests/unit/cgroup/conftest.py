# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cgroup v2 tree in a temporary directory, with the kernel's rules that matter.

Those are: which files a group has, who may enable what, and what is written where. It follows Documentation/admin-guide/cgroup-v2.rst.
The real kernel's turn comes in tests/kernel.
"""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup import files, manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

CORE = {
    "cgroup.procs": "",
    "cgroup.controllers": "",
    "cgroup.subtree_control": "",
    "cgroup.type": "domain",
    "cgroup.freeze": "0",
    "cgroup.events": "populated 0\nfrozen 0\n",
    "cgroup.kill": "",
    "cpu.stat": "usage_usec 7\nuser_usec 4\nsystem_usec 3\n",
}
THREADED = {"cpu", "cpuset", "pids", "perf_event"}
OF = {
    "cpu": {"cpu.max": "max 100000", "cpu.max.burst": "0", "cpu.weight": "100", "cpu.idle": "0"},
    "cpuset": {"cpuset.cpus": "", "cpuset.mems": ""},
    "memory": {
        "memory.max": "max",
        "memory.high": "max",
        "memory.low": "0",
        "memory.min": "0",
        "memory.swap.max": "max",
        "memory.oom.group": "0",
        "memory.current": "0",
        "memory.stat": "anon 11\nfile 22\ninactive_file 5\npgfault 9\n",
        "memory.swap.current": "0",
        "memory.peak": "33",
        "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
        "memory.reclaim": "",
    },
    "pids": {"pids.max": "max", "pids.current": "0"},
    "io": {"io.max": "", "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n", "io.weight": "default 100\n"},
    "hugetlb": {"hugetlb.2MB.max": "max", "hugetlb.1GB.max": "max", "hugetlb.2MB.rsvd.max": "max"},
}


class Tree:
    """The fake. ``writes`` is every write, as (path below the root, text)."""

    def __init__(self, root, controllers):
        self.root = root
        self.writes = []
        self.reclaimable = 0
        self.fill(root, controllers)
        for name in ("cgroup.type", "cgroup.freeze", "cgroup.events", "cgroup.kill"):
            os.unlink(os.path.join(root, name))

    def fill(self, directory, controllers):
        self.put(directory, CORE)
        self.put(directory, {"cgroup.controllers": " ".join(controllers)})
        if directory != self.root:
            for name in controllers:
                self.put(directory, OF[name])

    def put(self, directory, contents):
        for name, text in contents.items():
            with open(os.path.join(directory, name), "w", encoding="ascii") as stream:
                stream.write(text)

    def get(self, path):
        with open(os.path.join(self.root, path), encoding="ascii") as stream:
            return stream.read().strip()

    def write(self, path, text):
        """What replaces files.write."""
        directory, name = os.path.split(path)
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        self.writes.append((os.path.relpath(path, self.root), text))
        rule = getattr(self, "_" + name.replace(".", "_"), None)
        if rule is not None:
            rule(directory, text)
        else:
            self.put(directory, {name: text.strip()})

    def _cgroup_subtree_control(self, directory, text):
        names = [word[1:] for word in text.split()]
        have = self.get(os.path.join(directory, "cgroup.controllers")).split()
        if not set(names) <= set(have):
            raise OSError(errno.ENOENT, "no such controller")
        if directory != self.root and self.get(os.path.join(directory, "cgroup.procs")):
            if not set(names) <= THREADED:
                raise OSError(errno.EBUSY, "internal process")
            # cgroup_vet_subtree_control_enable(): allowed, and it makes a threaded subtree
            self.put(directory, {"cgroup.type": "domain threaded"})
            for entry in os.scandir(directory):
                if entry.is_dir():
                    self.put(entry.path, {"cgroup.type": "domain invalid"})
        enabled = self.get(os.path.join(directory, "cgroup.subtree_control")).split() + names
        self.put(directory, {"cgroup.subtree_control": " ".join(dict.fromkeys(enabled))})
        for entry in os.scandir(directory):
            if entry.is_dir():
                old = self.get(os.path.join(entry.path, "cgroup.controllers")).split()
                for name in names:
                    if name not in old:
                        self.put(entry.path, OF[name])
                self.put(entry.path, {"cgroup.controllers": " ".join(dict.fromkeys(old + names))})

    def _cgroup_procs(self, directory, text):
        if self.get(os.path.join(directory, "cgroup.subtree_control")):
            raise OSError(errno.EBUSY, "internal process")
        if self.get(os.path.join(directory, "cgroup.type")) != "domain":
            raise OSError(errno.EOPNOTSUPP, "threaded")
        with open(os.path.join(directory, "cgroup.procs"), "a", encoding="ascii") as stream:
            stream.write(text + "\n")
        self.put(directory, {"cgroup.events": "populated 1\nfrozen 0\n"})

    def _cgroup_freeze(self, directory, text):
        self.put(directory, {"cgroup.freeze": text, "cgroup.events": "populated 1\nfrozen %s\n" % text})

    def _cgroup_kill(self, directory, text):
        self.put(directory, {"cgroup.procs": "", "cgroup.events": "populated 0\nfrozen 0\n"})

    def _cpu_max(self, directory, text):
        quota, period = (text.split() + self.get(os.path.join(directory, "cpu.max")).split()[1:])[:2]
        if quota != "max" and int(quota) < int(self.get(os.path.join(directory, "cpu.max.burst"))):
            raise OSError(errno.EINVAL, "burst above quota")
        self.put(directory, {"cpu.max": "%s %s" % (quota, period)})

    def _memory_reclaim(self, directory, text):
        freed = min(int(text), self.reclaimable)
        self.put(directory, {"memory.current": str(int(self.get(os.path.join(directory, "memory.current"))) - freed)})
        if freed < int(text):
            raise OSError(errno.EAGAIN, "less was reclaimed")

    def _io_max(self, directory, text):
        device, *rates = text.split()
        if device == "1:1":
            raise OSError(errno.ENODEV, "no such device")
        lines = dict(line.split(" ", 1) for line in self.get(os.path.join(directory, "io.max")).splitlines())
        lines[device] = " ".join(rates)
        if all(rate.endswith("=max") for rate in rates):
            del lines[device]
        self.put(directory, {"io.max": "".join("%s %s\n" % item for item in lines.items())})


@pytest.fixture
def tree_of(tmp_path, monkeypatch):
    """Function: make a tree whose root has these controllers; returns (tree, roots)."""

    def make(controllers=("cpuset", "cpu", "io", "memory", "hugetlb", "pids")):
        root = str(tmp_path / "cgroup")
        os.mkdir(root)
        tree = Tree(root, controllers)
        real_mkdir, real_rmdir = os.mkdir, os.rmdir

        def mkdir(path, mode=0o777, **options):
            real_mkdir(path, mode, **options)
            if str(path).startswith(root + "/"):
                tree.fill(path, tree.get(os.path.join(os.path.dirname(path), "cgroup.subtree_control")).split())

        def rmdir(path, **options):
            if str(path).startswith(root + "/") and os.path.isdir(path):
                if tree.get(os.path.join(path, "cgroup.procs")) or any(entry.is_dir() for entry in os.scandir(path)):
                    raise OSError(errno.EBUSY, "busy", path)
                for entry in os.scandir(path):
                    os.unlink(entry.path)
            real_rmdir(path, **options)

        monkeypatch.setattr(os, "mkdir", mkdir)
        monkeypatch.setattr(os, "rmdir", rmdir)
        monkeypatch.setattr(files, "write", tree.write)
        manager._setups.clear()
        return tree, Roots(str(tmp_path / "state"), cgroup=root, cgroup_parent="agentless")

    return make


@pytest.fixture
def tree(tree_of):
    """(tree, group of container c1, made)."""
    made, roots = tree_of()
    group = manager.open_manager(roots, "c1")
    group.create()
    return made, group
