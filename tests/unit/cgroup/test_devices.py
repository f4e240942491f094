# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device rules in both kernels' forms against one plain reading of them: the v2 program is interpreted, the v1 list is kept as the kernel
keeps it."""

from __future__ import annotations

import itertools
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup import files, manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.setup import Setup
from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.v1 import devices as v1
from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.v1.group import Group
from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.v2 import devices as v2
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import bpf
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.devices import (
    DEFAULT,
    EVERYTHING,
    DeviceRule,
    container_rules,
)

# few numbers, so that rules meet each other and the requests
NUMBERS = st.sampled_from((0, 1, 3, 136, 4095))
LETTERS = st.sets(st.sampled_from("rwm"), min_size=1).map("".join)
RULES = st.lists(
    st.builds(DeviceRule, st.booleans(), st.sampled_from("acb"), st.none() | NUMBERS, st.none() | NUMBERS, LETTERS), max_size=8
)
REQUESTS = st.tuples(st.sampled_from("cb"), NUMBERS, NUMBERS, LETTERS)


def allowed(rules, request):
    """The plain reading."""
    kind, major, minor, letters = request
    for letter in letters:
        verdict = False
        for rule in rules:
            if rule.type in ("a", kind) and rule.major in (None, major) and rule.minor in (None, minor) and letter in rule.access:
                verdict = rule.allow
        if not verdict:
            return False
    return True


def interpret(program, request):
    """What the kernel's interpreter makes of a program (instruction-set.rst), for the operations that device programs have."""
    kind, major, minor, letters = request
    access = sum({"m": 1, "r": 2, "w": 4}[letter] for letter in letters)
    context = struct.pack("=III", access << 16 | {"b": 1, "c": 2}[kind], major, minor)
    registers, at, steps = {1: "context"}, 0, 0
    while True:
        code, both, offset, immediate = struct.unpack_from("=BBhi", program, at * 8)
        to, source = both & 15, both >> 4
        at, steps = at + 1, steps + 1
        assert steps <= len(program) // 8, "device programs have no loops"
        if code == 0x61:
            assert registers[source] == "context" and offset in (0, 4, 8)
            registers[to] = struct.unpack_from("=I", context, offset)[0]
        elif code == 0xB7:
            registers[to] = immediate % 2**64
        elif code == 0xBC:
            registers[to] = registers[source] % 2**32
        elif code == 0x54:
            registers[to] = registers[to] & immediate % 2**32
        elif code == 0x74:
            registers[to] = registers[to] % 2**32 >> immediate
        elif code == 0x95:
            return registers[0]
        else:
            # JA names no register, and the others none that was not set
            value = 0 if code == 0x05 else registers[to]
            taken = {0x05: True, 0x55: value != immediate % 2**64, 0x45: bool(value & immediate % 2**64)}[code]
            assert offset >= 0, "backward jump"
            at += offset if taken else 0


class List:
    """The list of one v1 group as security/device_cgroup.c keeps it, below a group that allows everything."""

    def __init__(self):
        self.allow, self.exceptions = True, {}

    def write(self, name, text):
        allow = {"devices.allow": True, "devices.deny": False}[name]
        if text == "a":
            self.allow, self.exceptions = allow, {}
            return
        kind, numbers, letters = text.split()
        assert kind in "bc" and 0 < len(letters) <= 3
        key = (kind, *numbers.split(":"))
        held = self.exceptions.setdefault(key, set())
        if allow == self.allow:
            held.difference_update(letters)
        else:
            held.update(letters)

    def permits(self, request):
        kind, major, minor, letters = request
        named = [
            held
            for (its_kind, its_major, its_minor), held in self.exceptions.items()
            if its_kind == kind and its_major in ("*", str(major)) and its_minor in ("*", str(minor))
        ]
        if self.allow:
            return not any(held & set(letters) for held in named)
        return any(held >= set(letters) for held in named)


@given(RULES, REQUESTS)
def test_the_program_decides_as_the_rules_read(rules, request):
    assert interpret(v2.program(rules), request) == allowed(rules, request)


@given(RULES, REQUESTS)
def test_the_list_never_permits_more_and_decides_each_access_as_the_rules_read(rules, request):
    try:
        writes = v1.plan(rules)
    except Unsupported:
        return
    held = List()
    for name, text in writes:
        held.write(name, text)
    if held.permits(request):
        assert allowed(rules, request)
    for letter in request[3]:
        single = (*request[:3], letter)
        assert held.permits(single) == allowed(rules, single)


@pytest.mark.parametrize("form", ["program", "list"])
def test_what_a_container_may(form):
    rules = container_rules([("b", 8, 1, "r"), ("c", 10, 229, "rw")], privileged=False)
    held = List()
    for write in v1.plan(rules):
        held.write(*write)
    code = v2.program(rules)
    decide = (lambda request: bool(interpret(code, request))) if form == "program" else held.permits
    for minor in (3, 5, 7, 8, 9):
        assert decide(("c", 1, minor, "rw"))
    assert not decide(("c", 1, 1, "r")), "/dev/mem"
    assert not decide(("c", 10, 200, "rw")), "/dev/net/tun"
    assert decide(("c", 5, 2, "rw")) and decide(("c", 136, 7, "rw"))
    assert decide(("b", 254, 0, "m")) and not decide(("b", 254, 0, "r")) and not decide(("b", 254, 0, "rm"))
    assert decide(("b", 8, 1, "r")) and not decide(("b", 8, 1, "w")) and not decide(("b", 8, 1, "rw")) and not decide(("b", 8, 2, "r"))
    assert decide(("c", 10, 229, "rw"))


def test_a_long_list():
    rules = DEFAULT + tuple(DeviceRule(number % 2 == 0, "b", number, None, "rw") for number in range(400))
    assert interpret(v2.program(rules), ("b", 398, 1, "r")) == 1 and interpret(v2.program(rules), ("b", 399, 1, "r")) == 0


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Group c1 of a v1 host with this one controller: (the group, list of its writes)."""
    directory = tmp_path / "devices" / "agentless" / "c1"
    directory.mkdir(parents=True)
    for name, text in (("devices.list", "a *:* rwm\n"), ("devices.allow", ""), ("devices.deny", "")):
        (directory / name).write_text(text)
    writes, real = [], files.write

    def write(path, text):
        real(path, text)
        writes.append((os.path.relpath(path, directory), text))

    monkeypatch.setattr(files, "write", write)
    return Group(Setup("v1", {"devices": str(tmp_path / "devices")}), "agentless/c1"), writes, directory


def test_v1_denies_all_first_and_then_allows(tree):
    group, writes, unused = tree
    group.apply_devices(container_rules([("b", 8, 1, "rm")], privileged=False))
    assert writes[:4] == [("devices.deny", "a"), ("devices.allow", "c *:* m"), ("devices.allow", "b *:* m"), ("devices.allow", "c 1:3 rwm")]
    assert writes[-2:] == [("devices.allow", "c 136:* rwm"), ("devices.allow", "b 8:1 rm")]
    assert {name for name, unused in writes[1:]} == {"devices.allow"}


def test_v1_leaves_a_group_that_has_everything(tree):
    group, writes, directory = tree
    group.apply_devices(EVERYTHING)
    assert writes == []
    (directory / "devices.list").write_text("c 1:3 rwm\n")
    group.apply_devices(EVERYTHING)
    assert writes == [("devices.allow", "a")]


def test_v1_limited_from_above(tree, monkeypatch):
    group, unused, directory = tree

    def refuse(path, text):
        if path.endswith("devices.allow") and text in ("a", "b 8:1 rwm"):
            raise PermissionError(1, "not permitted", path)

    monkeypatch.setattr(files, "write", refuse)
    with pytest.raises(Unsupported, match=r"device rule b 8:1 rwm: the control group above does not allow it"):
        group.apply_devices(container_rules([("b", 8, 1, "rwm")], privileged=False))
    (directory / "devices.list").write_text("c 1:3 rwm\n")
    group.apply_devices(EVERYTHING)


def test_v1_refuses_what_its_list_cannot_say():
    hole = (DeviceRule(False), DeviceRule(True, "c", 1, None), DeviceRule(False, "c", 1, 1, "w"))
    with pytest.raises(Unsupported, match=r"device rule 3 \(deny c 1:1 w\)"):
        v1.plan(hole)
    assert v1.plan((*hole, DeviceRule(True))) == (("devices.allow", "a"),)


def test_a_host_without_the_controller_runs_only_what_may_everything(tmp_path):
    group = Group(Setup("v1", {"pids": str(tmp_path)}), "agentless/c1")
    with pytest.raises(Unsupported, match="no devices controller"):
        group.apply_devices(DEFAULT)
    group.apply_devices(EVERYTHING)


class Kernel:
    """bpf(2) for one group. ``lacks``: errno of every call."""

    def __init__(self, monkeypatch, lacks=None):
        self.lacks, self.attached, self.log = lacks, [], []
        for name in ("attached", "load", "attach", "detach"):
            monkeypatch.setattr(bpf, name, getattr(self, "do_" + name))
        self.numbers = itertools.count(1)

    def _fail(self):
        if self.lacks:
            raise OSError(self.lacks, os.strerror(self.lacks), "bpf")

    def do_attached(self, group, kind):
        self._fail()
        return list(self.attached)

    def do_load(self, kind, program):
        self._fail()
        return os.open("/dev/null", os.O_RDONLY)

    def do_attach(self, group, program, kind, flags=bpf.F_ALLOW_MULTI):
        self.attached.append(next(self.numbers))
        self.log.append("attach %d" % self.attached[-1])

    def do_detach(self, group, identifier, kind):
        self.attached.remove(identifier)
        self.log.append("detach %d" % identifier)


@pytest.fixture
def v2_group(tree_of):
    unused, roots = tree_of(())
    group = manager.open_manager(roots, "c1")
    group.create()
    return group


def test_v2_attaches_the_new_program_before_the_old_one_goes(v2_group, monkeypatch):
    kernel = Kernel(monkeypatch)
    v2_group.apply_devices(DEFAULT)
    v2_group.apply_devices(DEFAULT)
    assert kernel.log == ["attach 1", "attach 2", "detach 1"]
    v2_group.apply_devices(EVERYTHING)
    assert kernel.attached == []


@pytest.mark.parametrize("number", [1, 22, 38])
def test_v2_kernel_that_takes_no_program(v2_group, monkeypatch, number):
    Kernel(monkeypatch, lacks=number)
    with pytest.raises(Unsupported, match=r"the kernel takes no program for control group .*agentless/c1"):
        v2_group.apply_devices(DEFAULT)
    v2_group.apply_devices(EVERYTHING)
    Kernel(monkeypatch, lacks=5)
    with pytest.raises(OSError, match="Input/output"):
        v2_group.apply_devices(DEFAULT)
