# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's root can do to the devices of the host."""

from __future__ import annotations

import json
import os
import stat
import subprocess

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.manager import open_manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import exec as execution

TASK = {"image": "busybox", "network_mode": "none", "command": ["sleep", "1000"], "stop_timeout": 0}


def run(machine, name, script):
    """(exit status, text of both streams) of a shell script in the container."""
    result = execution.run(machine.container(name), ["sh", "-c", script + " 2>&1"])
    return result.returncode, result.stdout.decode(errors="replace")


@pytest.fixture
def node(tmp_path):
    """Function: make a device node on the host; returns its path."""

    def make(name, kind, major, minor):
        path = str(tmp_path / name)
        os.mknod(path, 0o600 | kind, os.makedev(major, minor))
        return path

    return make


@pytest.fixture
def disk(tmp_path):
    """(major, minor) of a disk of the host: a loop device over a file of 4 KiB. The host's root reads it, so only rules can refuse."""
    image = tmp_path / "disk.img"
    image.write_bytes(b"secret\n" * 585 + b"\n")
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip("this host has no loop devices: " + made.stderr.strip())
    path = made.stdout.strip()
    try:
        with open(path, "rb") as stream:
            assert stream.read(7) == b"secret\n"
        number = os.stat(path).st_rdev
        yield os.major(number), os.minor(number)
    finally:
        subprocess.run(["losetup", "--detach", path], check=True)


@pytest.mark.fast
def test_a_disk_of_the_host_can_be_made_and_not_opened(machine, disk):
    major, minor = disk
    machine.converge(name="dev", **TASK)
    assert run(machine, "dev", "mknod /disk b %d %d" % (major, minor)) == (0, "")
    for script in ("head -c 512 /disk", "dd if=/disk of=/dev/null bs=512 count=1", "exec 3<>/disk", "exec 3>>/disk"):
        status, text = run(machine, "dev", "{ %s; }" % script)
        assert status != 0 and "peration not permitted" in text, script
    status, text = run(machine, "dev", "mknod /mem c 1 1; head -c 1 /mem")
    assert status != 0 and "peration not permitted" in text
    # nor by an image's or another container's node, which mknod had no part in
    os.mknod(os.path.join(machine.container("dev").directory, "upper", "ready"), 0o666 | stat.S_IFBLK, os.makedev(major, minor))
    status, text = run(machine, "dev", "head -c 512 /ready")
    assert status != 0 and "peration not permitted" in text


def test_devices_of_every_container_work(machine):
    machine.converge(name="dev", **TASK)
    script = "echo x >/dev/null && head -c 4 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c && head -c 4 /dev/random | wc -c"
    assert run(machine, "dev", script) == (0, "4\n4\n4\n")
    assert "No space left" in run(machine, "dev", "{ echo x >/dev/full; }")[1]
    command = ["sh", "-c", "echo out >/dev/tty; echo console >/dev/console; sleep 1000"]
    machine.converge(name="tty", tty=True, **dict(TASK, command=command))
    assert machine.log("tty", wait="console")[0] == "out\r\nconsole\r\n"


def test_a_device_has_the_permissions_that_it_is_given_with(machine, node):
    # CAP_SYSLOG: kmsg asks for it beside the rules
    task = dict(TASK, name="given", capabilities=["SYSLOG"])
    path = node("kmsg", stat.S_IFCHR, 1, 11)
    machine.converge(devices=[path + ":/dev/given:r"], **task)
    assert run(machine, "given", "{ exec 3</dev/given; }") == (0, "")
    # opened only: nothing is written
    for script in ("{ exec 3>/dev/given; }", "{ exec 3<>/dev/given; }"):
        status, text = run(machine, "given", script)
        assert status != 0 and "peration not permitted" in text
    with open(machine.container("given").path("config.json"), encoding="utf-8") as stream:
        listed = json.load(stream)["linux"]["resources"]["devices"]
    assert listed[0] == {"allow": False, "type": "a", "access": "rwm"}
    assert listed[-1] == {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}
    machine.converge(devices=[path + ":/dev/given:rw"], **task)
    assert run(machine, "given", "{ exec 3<>/dev/given; }") == (0, "")


def test_privileged_may_everything(machine, disk):
    major, minor = disk
    machine.converge(name="all", privileged=True, **TASK)
    assert run(machine, "all", "mknod /disk b %d %d && head -c 512 /disk | wc -c" % (major, minor)) == (0, "512\n")


def test_rules_come_back_with_every_start(machine, disk):
    major, minor = disk
    probe = "test -e /disk || mknod /disk b %d %d; head -c 1 /disk" % (major, minor)
    machine.converge(name="again", **TASK)
    assert "peration not permitted" in run(machine, "again", probe)[1]
    machine.converge(name="again", state="stopped", stop_timeout=0)
    machine.converge(name="again", state="started")
    assert "peration not permitted" in run(machine, "again", probe)[1]


def test_exec_as_privileged_stays_within_the_rules(machine, disk):
    major, minor = disk
    machine.converge(name="dev", **TASK)
    argv = ["sh", "-c", "mknod /disk b %d %d; head -c 1 /disk 2>&1" % (major, minor)]
    result = execution.run(machine.container("dev"), argv, privileged=True)
    assert result.returncode != 0 and b"peration not permitted" in result.stdout


def test_no_start_without_rules(machine, monkeypatch):
    """A host that cannot hold device rules runs privileged containers only: an image may bring nodes even where MKNOD is dropped."""
    from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Unsupported

    def refuse(self, rules):
        if not rules[-1].covers_everything:
            raise Unsupported("device rules: this host has no devices controller")

    monkeypatch.setattr(type(open_manager(machine.roots, "any")), "apply_devices", refuse)
    with pytest.raises(EngineError, match="container open did not start: device rules: this host has no devices controller"):
        machine.converge(name="open", cap_drop=["MKNOD"], **TASK)
    machine.converge(name="open", state="absent")
    machine.converge(name="open", privileged=True, **TASK)
