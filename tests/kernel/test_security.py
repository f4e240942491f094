# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities, seccomp and rlimits as the kernel sees them, in forked children."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import calls
from ansible_collections.agentless.containers.plugins.module_utils.engine.security import capabilities, rlimits, seccomp
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

pytestmark = pytest.mark.fast


def in_child(function):
    """Run a function in a forked child; returns what it returns (JSON-able), or raises what it raised as text."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = {}
        try:
            answer["value"] = function()
        except BaseException as error:
            answer["error"] = repr(error)
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    unused, status = os.waitpid(pid, 0)
    assert data, "the child died of %s" % status
    answer = json.loads(data)
    assert "error" not in answer, answer["error"]
    return answer["value"]


def status(path="/proc/self/status"):
    with open(path, encoding="ascii", errors="replace") as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


def sets(fields):
    return {name[3:]: int(value, 16) for name, value in fields.items() if name.startswith("Cap")}


def executed():
    """The sets of a program that this process executes."""
    text = subprocess.run(["/bin/cat", "/proc/self/status"], check=True, capture_output=True, text=True).stdout
    return sets(dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line))


def given(names):
    return capabilities.mask(frozenset(names) & capabilities.available())


@pytest.mark.parametrize("uid", [0, 1000])
def test_exactly_these_capabilities(uid):
    def child():
        capabilities.apply(capabilities.DEFAULT, uid, uid, [])
        return sets(status())

    expected = given(capabilities.DEFAULT)
    assert in_child(child) == {"Inh": 0, "Prm": expected, "Eff": expected, "Bnd": expected, "Amb": 0}


def test_root_keeps_them_over_execve_and_others_do_not():
    expected = given({"CAP_CHOWN", "CAP_KILL"})

    def child(uid):
        capabilities.apply({"CAP_CHOWN", "CAP_KILL"}, uid, uid, [])
        return executed()

    assert in_child(lambda: child(0)) == {"Inh": 0, "Prm": expected, "Eff": expected, "Bnd": expected, "Amb": 0}
    assert in_child(lambda: child(1000)) == {"Inh": 0, "Prm": 0, "Eff": 0, "Bnd": expected, "Amb": 0}


def test_ambient_ones_reach_a_program_of_an_ordinary_user():
    bind = capabilities.mask({"CAP_NET_BIND_SERVICE"})

    def child():
        capabilities.apply({"CAP_NET_BIND_SERVICE", "CAP_CHOWN"}, 1000, 1000, [], ambient={"CAP_NET_BIND_SERVICE"})
        return executed()

    found = in_child(child)
    assert (found["Prm"], found["Eff"], found["Amb"], found["Inh"]) == (bind, bind, bind, bind)


def test_none_at_all():
    def child():
        capabilities.apply(frozenset())
        try:
            os.chown("/proc/self/fd", 1, 1)
        except OSError as error:
            return [executed(), error.errno]

    found, number = in_child(child)
    assert set(found.values()) == {0} and number == errno.EPERM


def test_all_of_them_are_as_many_as_the_host_has():
    def child():
        capabilities.apply(capabilities.ALL)
        return sets(status())

    found = in_child(child)
    assert found["Prm"] == found["Eff"] == given(capabilities.ALL)


@pytest.fixture
def program(tmp_path):
    return seccomp.compile_profile("default", capabilities.DEFAULT, Roots(str(tmp_path)))


def confined(program, function, uid=0):
    """Run a function behind the filter, with the default capabilities, in the order that a container has."""

    def child():
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long

        def call(number, *arguments):
            result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) for each in arguments])
            return 0 if result >= 0 else ctypes.get_errno()

        capabilities.drop_bounding(capabilities.DEFAULT)
        calls.seccomp_load(program)
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        capabilities.finish(capabilities.DEFAULT)
        return function(call)

    return in_child(child)


def test_the_filter_is_on(program):
    fields = confined(program, lambda call: status())
    assert (fields["Seccomp"], fields["NoNewPrivs"]) == ("2", "0")


def test_what_the_default_refuses(program):
    if os.uname().machine != "x86_64":
        pytest.skip("numbers of x86-64")

    def child(call):
        found = {
            "mount": call(165, 0, 0, 0, 0, 0),
            "unshare": call(272, 0x10000000),
            "keyctl": call(250, 0, 0),
            "bpf": call(321, 0, 0, 0),
            "clone3": call(435, 0, 0),
            "unknown": call(9999),
            "io_uring_setup": call(425, 0, 0),
            "personality": call(135, 0x40000),
        }
        for family in (socket.AF_INET, socket.AF_UNIX, socket.AF_ALG, socket.AF_VSOCK):
            try:
                socket.socket(family, socket.SOCK_STREAM if family != socket.AF_ALG else socket.SOCK_SEQPACKET).close()
                found[family.name] = 0
            except OSError as error:
                found[family.name] = error.errno
        return found

    found = confined(program, child)
    assert found == {
        "mount": errno.EPERM,
        "unshare": errno.EPERM,
        "keyctl": errno.EPERM,
        "bpf": errno.EPERM,
        "clone3": errno.ENOSYS,
        "unknown": errno.ENOSYS,
        "io_uring_setup": errno.EPERM,
        "personality": errno.EPERM,
        "AF_INET": 0,
        "AF_UNIX": 0,
        "AF_ALG": errno.EPERM,
        "AF_VSOCK": errno.EPERM,
    }


def test_ordinary_programs_run_behind_it(program, tmp_path):
    tmp_path.chmod(0o755)

    def child(unused_call):
        thread = threading.Thread(target=signal.getsignal, args=(signal.SIGTERM,))
        thread.start()
        thread.join()
        script = "import os, tempfile, subprocess; subprocess.run(['/bin/ls', '/'], check=True, stdout=-3); print(os.getuid())"
        return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout

    assert confined(program, child) == "0\n"


def test_unconfined_loads_nothing(tmp_path):
    assert seccomp.compile_profile("unconfined", capabilities.DEFAULT, Roots(str(tmp_path))) == b""


def test_a_profile_of_ones_own(tmp_path):
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EROFS}],
    }
    program = seccomp.compile_profile(profile, capabilities.DEFAULT, Roots(str(tmp_path)))

    def child(unused_call):
        try:
            os.mkdir(str(tmp_path / "new"))
        except OSError as error:
            return error.errno

    assert confined(program, child) == errno.EROFS


def test_rlimits_are_set():
    import resource

    def child():
        rlimits.apply(rlimits.parse_ulimits(["nofile:64:128", "core:0"]))
        return [resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)]

    assert in_child(child) == [[64, 128], [0, 0]]


def test_a_hard_limit_that_cannot_be_raised_is_named():
    def child():
        capabilities.apply(capabilities.DEFAULT)
        rlimits.apply(rlimits.parse_ulimits(["nofile:10:10"]))
        try:
            rlimits.apply(rlimits.parse_ulimits(["nofile:20:20"]))
        except Unsupported as error:
            return str(error)

    assert in_child(child).startswith("RLIMIT_NOFILE: soft 20, hard 20 cannot be set")
