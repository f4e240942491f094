# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seccomp profiles: which rules hold, and the instructions in front of the filter, run by a small interpreter of classic BPF."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.security import seccomp, seccomp_default, seccomp_profile
from ansible_collections.agentless.containers.plugins.module_utils.engine.security.capabilities import ALL, DEFAULT
from ansible_collections.agentless.containers.plugins.module_utils.engine.security.paths import MASKED_PATHS, masked_paths
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

X86_64, X86, AARCH64 = 0xC000003E, 0x40000003, 0xC00000B7
ALLOW = 0x7FFF0000
ERRNO = 0x00050000

needs_library = pytest.mark.skipif(seccomp.version() is None, reason="libseccomp is not installed")
needs_x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")


def run(program, number, architecture=X86_64, arguments=(0, 0, 0, 0, 0, 0)):
    """What a filter answers to a system call; None if it runs off its end."""
    data = struct.pack("=iIQ6Q", number if number < 1 << 31 else number - (1 << 32), architecture, 0, *arguments)
    code = [struct.unpack_from("=HBBI", program, offset) for offset in range(0, len(program), 8)]
    accumulator, counter = 0, 0
    while counter < len(code):
        operation, true, false, value = code[counter]
        counter += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x06:
            return value
        elif operation == 0x05:
            counter += value
        elif operation == 0x54:
            accumulator &= value
        else:
            holds = {0x15: accumulator == value, 0x25: accumulator > value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[
                operation
            ]
            counter += true if holds else false
    return None


def rules(name, capabilities=DEFAULT, machine="x86_64", profile="default"):
    return [rule for rule in seccomp_profile.resolve(profile, capabilities, machine)["syscalls"] if name in rule["names"]]


def test_the_default_lets_namespaces_be_made_only_with_sys_admin():
    (clone,), (clone3,) = rules("clone"), rules("clone3")
    assert clone["args"] == [{"index": 0, "value": 0x7E020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    assert (clone3["action"], clone3["errnoRet"]) == ("SCMP_ACT_ERRNO", errno.ENOSYS)
    assert rules("unshare") == []
    assert [rule["action"] for name in ("clone", "clone3", "unshare", "mount") for rule in rules(name, ALL)] == ["SCMP_ACT_ALLOW"] * 4
    assert rules("clone", machine="s390x")[0]["args"][0]["index"] == 1


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("bpf", "CAP_BPF"),
        ("syslog", "CAP_SYSLOG"),
        ("chroot", "CAP_SYS_CHROOT"),
        ("settimeofday", "CAP_SYS_TIME"),
        ("mbind", "CAP_SYS_NICE"),
        ("kcmp", "CAP_SYS_PTRACE"),
        ("open_by_handle_at", "CAP_DAC_READ_SEARCH"),
        ("reboot", "CAP_SYS_BOOT"),
    ],
)
def test_capabilities_switch_rules_on(name, capability):
    assert rules(name, frozenset()) == []
    assert rules(name, frozenset({capability}))[0]["action"] == "SCMP_ACT_ALLOW"


def test_machines_switch_rules_on():
    assert rules("arch_prctl") and not rules("arch_prctl", machine="aarch64")
    assert rules("s390_pci_mmio_read", machine="s390x") and not rules("s390_pci_mmio_read")
    assert seccomp_profile.resolve("default", DEFAULT, "aarch64")["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]


def test_the_families_are_all_but_two():
    allowed = {family for family in range(64) for mask, value in seccomp_default.SOCKET_FAMILIES if family & mask == value}
    assert set(range(64)) - allowed == {38, 40}


def test_dockers_format():
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 5,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X32"]}],
        "syscalls": [
            {"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
            {"names": ["b"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_BPF"]}},
            {"names": ["c"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
            {"names": ["d"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["e"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.1"}},
            {"name": "f", "action": "SCMP_ACT_ERRNO", "errnoRet": 7, "excludes": {"minKernel": "99.1"}},
        ],
    }

    def names(*arguments):
        resolved = seccomp_profile.resolve(profile, *arguments, kernel="6.1.0-18-amd64")
        return "".join(name for rule in resolved["syscalls"] for name in rule["names"])

    assert names(frozenset(), "x86_64") == "bdf"
    assert names(frozenset({"CAP_BPF"}), "aarch64") == "acdf"
    resolved = seccomp_profile.resolve(profile, frozenset(), "x86_64")
    assert resolved["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"] and resolved["defaultErrnoRet"] == 5


def test_unconfined_is_no_filter(tmp_path):
    assert seccomp_profile.resolve("unconfined", DEFAULT) is None
    assert seccomp.compile_profile("unconfined", DEFAULT, Roots(str(tmp_path))) == b""


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "not json",
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"]}]}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "X", "args": [{"index": 9, "op": "SCMP_CMP_EQ"}]}]}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "X", "args": [{"index": 0, "op": "IS"}]}]}',
    ],
)
def test_files_that_are_no_profile(tmp_path, text):
    path = tmp_path / "profile.json"
    path.write_text(text)
    with pytest.raises(InvalidValue, match="security_opts"):
        seccomp_profile.load_profile(str(path))
    with pytest.raises(InvalidValue, match="missing"):
        seccomp_profile.load_profile(str(tmp_path / "missing"))


def test_calls_above_the_greatest_known_are_unknown():
    program = seccomp.assemble_unknown_calls([(X86_64, 450), (X86, 460)])
    assert run(program, 451) == run(program, 461, X86) == ERRNO | errno.ENOSYS
    assert run(program, 450) is run(program, 460, X86) is run(program, 0) is None
    # x32 calls have a bit set, and an architecture that is not ours is the filter's matter
    assert run(program, 0x40000000 | 5) is run(program, 9999, AARCH64) is None
    assert seccomp.assemble_unknown_calls([]) == b""


@needs_library
@needs_x86_64
def test_the_compiled_default(tmp_path):
    program = seccomp.compile_profile("default", DEFAULT, Roots(str(tmp_path)))
    assert len(program) % 8 == 0 and len(program) // 8 < 4096
    denied = ERRNO | errno.EPERM
    for number, arguments, answer in (
        (0, (), ALLOW),
        (59, (), ALLOW),
        (165, (), denied),
        (246, (), denied),
        (435, (), ERRNO | errno.ENOSYS),
        (9999, (), ERRNO | errno.ENOSYS),
        (41, (2,), ALLOW),
        (41, (38,), denied),
        (41, (40,), denied),
        (41, (1 << 32 | 40,), denied),
        (41, (45,), ALLOW),
        (41, (70,), denied),
        (135, (0xFFFFFFFF,), ALLOW),
        (135, (0x40000,), denied),
        (56, (17,), ALLOW),
        (56, (0x10000000,), denied),
        (161, (), ALLOW),
    ):
        assert run(program, number, arguments=(tuple(arguments) + (0,) * 6)[:6]) == answer, (number, arguments)
    assert run(program, 102, X86) == ALLOW and run(program, 0, AARCH64) == 0


@needs_library
def test_the_cache_is_used_and_a_cut_file_is_not(tmp_path, monkeypatch):
    roots = Roots(str(tmp_path))
    program = seccomp.compile_profile("default", DEFAULT, roots)
    (cached,) = (tmp_path / "seccomp").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(seccomp, "_compiled", {})
        patch.setattr(seccomp, "compile_resolved", lambda resolved: b"")
        assert seccomp.compile_profile("default", DEFAULT, roots) == program
    cached.write_bytes(cached.read_bytes()[:100])
    monkeypatch.setattr(seccomp, "_compiled", {})
    assert seccomp.compile_profile("default", DEFAULT, roots) == program
    assert len(seccomp.compile_profile("default", ALL, roots)) != len(program)


@needs_library
def test_profiles_of_ones_own(tmp_path):
    roots = Roots(str(tmp_path))
    program = seccomp.compile_profile(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["mkdir", "mkdirat", "not_a_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}],
        },
        DEFAULT,
        roots,
    )
    if os.uname().machine == "x86_64":
        assert run(program, 83) == ERRNO | 13 and run(program, 0) == ALLOW and run(program, 9999) == ALLOW
    with pytest.raises(InvalidValue, match="SCMP_ACT_NOTIFY"):
        seccomp.compile_profile({"defaultAction": "SCMP_ACT_NOTIFY"}, DEFAULT, roots)


def test_without_the_library(tmp_path, monkeypatch):
    def missing(name, **options):
        raise OSError("not found")

    monkeypatch.setattr(seccomp, "_library", None)
    monkeypatch.setattr(seccomp, "_compiled", {})
    monkeypatch.setattr(seccomp.ctypes, "CDLL", missing)
    assert seccomp.version() is None
    with pytest.raises(Unsupported, match="libseccomp") as caught:
        seccomp.compile_profile("default", DEFAULT, Roots(str(tmp_path)))
    assert "libseccomp2" in caught.value.hint


@needs_library
def test_one_that_is_too_long_for_the_kernel(monkeypatch):
    monkeypatch.setattr(seccomp, "_MAX_INSTRUCTIONS", 3)
    with pytest.raises(EngineError, match="instructions"):
        seccomp.compile_resolved({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})


def test_masked_paths_of_this_machine(tmp_path):
    (tmp_path / "devices/system/cpu/cpu3/thermal_throttle").mkdir(parents=True)
    (tmp_path / "devices/system/cpu/cpufreq").mkdir()
    assert masked_paths(str(tmp_path)) == MASKED_PATHS + ("/sys/devices/system/cpu/cpu3/thermal_throttle",)
    assert masked_paths(str(tmp_path / "none")) == MASKED_PATHS
