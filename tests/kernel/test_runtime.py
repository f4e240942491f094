# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers on the real kernel, through the glue of module container: what they see, what they may, how they live and end."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, EngineError, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import exec as execution
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import restore

SLEEP = ["sleep", "1000"]


def until(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in %d s" % seconds
        time.sleep(0.02)


def run(machine, name, *argv, **options):
    return execution.run(machine.container(name), argv, **options)


def text(machine, name, *argv, **options):
    result = run(machine, name, *argv, **options)
    assert result.returncode == 0, result
    return result.stdout.decode()


def namespaces(pid):
    return {name: os.readlink("/proc/%s/ns/%s" % (pid, name)) for name in ("mnt", "uts", "ipc", "pid", "net", "cgroup")}


@pytest.mark.fast
def test_start_again_stop_remove(machine):
    task = {"name": "one", "image": "busybox", "command": SLEEP, "network_mode": "none", "stop_timeout": 0}
    planned = ["create container one from docker.io/library/busybox:latest", "start container one"]
    assert machine.converge(check_mode=True, **task)[:2] == (True, planned)
    assert machine.container("one") is None
    changed, unused_actions, document = machine.converge(**task)
    assert changed and document["State"]["Running"] and document["Config"]["Hostname"] == document["Id"][:12]
    assert machine.converge(**task)[0] is False
    assert machine.converge(check_mode=True, **task)[0] is False
    unused_changed, actions, document = machine.converge(name="one", state="stopped", stop_timeout=0)
    assert actions == ["stop container one"] and document["State"]["Status"] == "exited" and document["State"]["ExitCode"] == 137
    assert machine.converge(name="one", state="stopped")[0] is False
    assert machine.converge(name="one", state="started")[1] == ["start container one"]
    assert machine.converge(check_mode=True, name="one", state="absent")[1] == ["remove container one"]
    assert machine.converge(name="one", state="absent", stop_timeout=0)[2] is None
    assert machine.converge(name="one", state="absent")[0] is False
    assert machine.leftovers() == []


@pytest.mark.fast
def test_isolation(machine):
    document = machine.converge(name="iso", image="busybox", command=SLEEP, network_mode="none", hostname="inside", stop_timeout=0)[2]
    mine, theirs = namespaces("self"), namespaces(document["State"]["Pid"])
    assert all(mine[name] != theirs[name] for name in mine)
    assert text(machine, "iso", "hostname").strip() == "inside"
    assert text(machine, "iso", "cat", "/proc/1/comm").strip() == "sleep"
    assert text(machine, "iso", "ls", "/").split() == sorted(text(machine, "iso", "ls", "/").split())
    devices = {"null", "zero", "full", "random", "urandom", "tty", "pts", "shm", "mqueue", "ptmx", "fd"}
    assert set(text(machine, "iso", "ls", "/dev").split()) >= devices
    mounts = text(machine, "iso", "cat", "/proc/self/mountinfo")
    assert " / / rw" in mounts
    others = "".join(line for line in mounts.splitlines() if " - overlay " not in line and "/etc/" not in line)
    assert machine.roots.state not in others
    # the group that it sees is its own root
    assert {line.split(":")[2] for line in text(machine, "iso", "cat", "/proc/self/cgroup").split() if "systemd" not in line} == {"/"}
    assert text(machine, "iso", "ls", "/proc/self/fd").split() == ["0", "1", "2", "3"]


def test_capabilities_seccomp_and_masks(machine):
    machine.converge(name="sec", image="busybox", command=SLEEP, network_mode="none", stop_timeout=0)
    status = text(machine, "sec", "cat", "/proc/self/status")
    fields = dict(re.findall(r"^(\w+):\s*(\S+)", status, re.MULTILINE))
    assert fields["CapEff"] == fields["CapPrm"] == fields["CapBnd"] == "00000000a80425fb"
    assert fields["CapInh"] == fields["CapAmb"] == "0000000000000000"
    assert fields["Seccomp"] == "2"
    assert run(machine, "sec", "mount", "-t", "tmpfs", "none", "/tmp").returncode != 0
    assert run(machine, "sec", "sh", "-c", "echo 1 > /proc/sys/kernel/panic").returncode != 0
    assert text(machine, "sec", "sh", "-c", "cat /proc/keys /proc/timer_list | wc -c").strip() == "0"
    assert text(machine, "sec", "ls", "/sys/firmware") == ""


def test_unprivileged_user_has_no_capabilities(machine):
    machine.converge(name="user", image="busybox", command=SLEEP, network_mode="none", user="65534:65534", groups=["10"], stop_timeout=0)
    fields = dict(re.findall(r"^(\w+):\s*(.*?)\s*$", text(machine, "user", "cat", "/proc/self/status"), re.MULTILINE))
    assert fields["Uid"].split() == ["65534"] * 4 and fields["Gid"].split() == ["65534"] * 4
    assert fields["Groups"].split() == ["10"]
    assert fields["CapEff"] == fields["CapPrm"] == "0000000000000000"


def test_streams_are_logged_with_exit_status(machine):
    machine.converge(name="log", image="busybox", command=["sh", "-c", "echo out; echo err >&2; printf rest; exit 7"], network_mode="none")
    until(lambda: machine.container("log").state().status == "exited")
    assert machine.log("log", wait="rest") == ("out\nrest\n", "err\n")
    assert machine.container("log").state().exit_code == 7


def test_long_line_is_cut_into_parts_and_read_back_whole(machine):
    machine.converge(name="long", image="busybox", command=["sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo"], network_mode="none")
    assert machine.log("long", wait="x\n")[0] == "x" * 40000 + "\n"
    with open(machine.container("long").path("logs", "container.log"), encoding="utf-8") as stream:
        assert [line.split()[2] for line in stream] == ["P", "P", "F"]


def test_log_rotation(machine):
    machine.converge(name="rot", image="busybox", network_mode="none", log_options={"max-size": "4k", "max-file": "2"},
                     command=["sh", "-c", "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; echo end"])
    assert machine.log("rot", wait="end")[0].endswith("line 399\nend\n")
    logs = machine.container("rot").path("logs")
    assert sorted(os.listdir(logs)) == ["container.log", "container.log.1"]
    assert all(os.path.getsize(os.path.join(logs, name)) <= 4096 for name in os.listdir(logs))


@pytest.mark.fast
def test_limits_change_in_place(machine):
    task = {"name": "lim", "image": "busybox", "command": SLEEP, "network_mode": "none", "memory": "64m", "cpus": 0.5, "pids_limit": 20,
            "stop_timeout": 0}
    pid = machine.converge(**task)[2]["State"]["Pid"]
    task.update(memory="128m", cpus=1.5, pids_limit=30)
    changed, actions, document = machine.converge(**task)
    assert changed and actions == ["set the limits of container lim"]
    assert document["State"]["Pid"] == pid
    assert document["HostConfig"]["Memory"] == 128 << 20 and document["HostConfig"]["NanoCpus"] == 1500000000
    from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.manager import open_manager

    manager = open_manager(machine.roots, machine.container("lim").id)
    assert manager.read().memory_max == 128 << 20 and manager.read().pids_max == 30
    assert machine.converge(**task)[0] is False
    # somebody else changes the kernel's value: seen and repaired
    manager.apply(manager.read().replace(pids_max=99))
    assert machine.converge(**task)[1] == ["set the limits of container lim"]
    assert manager.read().pids_max == 30
    # an option that is taken out of the task is a change, too
    del task["pids_limit"]
    assert machine.converge(**task)[0] is True
    assert manager.read().pids_max == -1
    assert machine.converge(**task)[0] is False


def test_settings_change_in_place_and_env_recreates(machine):
    task = {"name": "set", "image": "busybox", "command": SLEEP, "network_mode": "none", "stop_timeout": 0}
    first = machine.converge(**task)[2]
    unused_changed, actions, document = machine.converge(restart_policy="always", labels={"a": "b"}, **task)
    assert actions == ["set labels, restart_policy of container set"]
    assert document["State"]["Pid"] == first["State"]["Pid"] and document["Config"]["Labels"] == {"a": "b"}
    changed, actions, document = machine.converge(env={"A": "1"}, **task)
    assert changed and actions[0] == "remove container set" and document["Id"] != first["Id"]
    assert "A=1" in text(machine, "set", "env").split()


def test_another_image_under_the_same_tag_recreates(machine, base_images, import_image):
    task = {"name": "img", "image": "busybox", "command": SLEEP, "network_mode": "none", "stop_timeout": 0}
    first = machine.converge(**task)[2]
    import_image(machine.roots, base_images / "busybox.tar", "busybox", cmd=["sh"], env={"NEW": "1"})
    changed, unused_actions, document = machine.converge(**task)
    assert changed and document["Image"] != first["Image"] and "NEW=1" in text(machine, "img", "env")
    assert machine.converge(**task)[0] is False


def test_pause(machine):
    task = {"name": "ice", "image": "busybox", "command": SLEEP, "network_mode": "none", "stop_timeout": 0}
    machine.converge(**task)
    assert machine.converge(paused=True, **task)[1] == ["pause container ice"]
    assert machine.container("ice").state().status == "paused"
    assert machine.converge(paused=True, **task)[0] is False
    with pytest.raises(Conflict, match="paused"):
        run(machine, "ice", "true")
    assert machine.converge(paused=False, **task)[2]["State"]["Status"] == "running"
    machine.converge(paused=True, **task)
    assert machine.converge(name="ice", state="stopped", stop_timeout=0)[2]["State"]["Status"] == "exited"


def test_restart_policy(machine):
    task = {"name": "again", "image": "busybox", "network_mode": "none", "restart_policy": "on-failure", "restart_retries": 2,
            "command": ["sh", "-c", "echo run; exit 3"]}
    machine.converge(**task)
    until(lambda: machine.container("again").state().status == "exited" and not machine.container("again").supervisor_alive())
    assert machine.log("again")[0] == "run\n" * 3
    assert machine.container("again").state().restart_count == 2 and machine.container("again").state().exit_code == 3


def test_always_restarts_until_it_is_stopped(machine):
    machine.converge(name="ever", image="busybox", network_mode="none", restart_policy="always",
                     command=["sh", "-c", "echo run; sleep 0.05"])
    until(lambda: machine.log("ever")[0].count("run") >= 3)
    machine.converge(name="ever", state="stopped")
    count = machine.log("ever")[0].count("run")
    time.sleep(0.5)
    assert machine.log("ever")[0].count("run") == count and not machine.container("ever").supervisor_alive()


@pytest.mark.fast
def test_health(machine):
    check = {"test": ["CMD", "test", "-e", "/tmp/ok"], "interval": "100ms", "start_interval": "100ms", "retries": 2}
    task = {"name": "well", "image": "busybox", "network_mode": "none",
            "command": ["sh", "-c", "mkdir -p /tmp; sleep 0.3; touch /tmp/ok; sleep 1000"],
            "stop_timeout": 0, "healthcheck": dict(check, start_period="5s")}
    document = machine.converge(state="healthy", **task)[2]
    assert document["State"]["Health"]["Status"] == "healthy" and document["State"]["Health"]["Log"][-1]["ExitCode"] == 0
    run(machine, "well", "rm", "/tmp/ok")
    until(lambda: machine.container("well").state().health == "unhealthy")
    with pytest.raises(EngineError, match="container well is unhealthy"):
        machine.converge(state="healthy", **task)
    # a changed check changes in place
    pid = machine.container("well").state().pid
    task["healthcheck"] = dict(check, test="true")
    document = machine.converge(state="healthy", **task)[2]
    assert document["State"]["Pid"] == pid


def test_killed_supervisor_is_replaced_without_a_restart(machine):
    task = {"name": "orphan", "image": "busybox", "network_mode": "none", "stop_timeout": 0,
            "command": ["sh", "-c", "i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.1; done"]}
    pid = machine.converge(**task)[2]["State"]["Pid"]
    container = machine.container("orphan")
    os.kill(container.stored_state().supervisor, signal.SIGKILL)
    until(lambda: not container.supervisor_alive())
    changed, actions, document = machine.converge(**task)
    assert changed and actions == ["take over container orphan, whose supervisor is gone"] and document["State"]["Pid"] == pid
    until(container.supervisor_alive)
    before = machine.log("orphan")[0].count("tick")
    until(lambda: machine.log("orphan")[0].count("tick") > before + 2)
    assert machine.converge(**task)[0] is False
    machine.converge(name="orphan", state="stopped", stop_timeout=0)
    assert container.state().status == "exited"


def test_oom_is_reported(machine):
    machine.converge(name="hog", image="busybox", network_mode="none", memory="16m", memory_swap="16m",
                     command=["sh", "-c", "x=$(head -c 64000000 /dev/zero | tr '\\0' x); echo survived"])
    until(lambda: machine.container("hog").state().status == "exited", 20)
    state = machine.container("hog").state()
    assert state.oom_killed and state.exit_code == 137


def test_volume_is_filled_shared_and_kept(machine):
    task = {"image": "busybox", "network_mode": "none", "command": SLEEP, "stop_timeout": 0, "volumes": ["data:/etc", "/tmp/x:/ro:ro"]}
    machine.converge(name="va", **task)
    assert "root:x:0:0" in text(machine, "va", "cat", "/etc/passwd")
    run(machine, "va", "sh", "-c", "echo kept > /etc/own")
    assert run(machine, "va", "touch", "/ro/file").returncode != 0
    machine.converge(name="vb", **task)
    assert text(machine, "vb", "cat", "/etc/own") == "kept\n"
    for name in ("va", "vb"):
        machine.converge(name=name, state="absent", keep_volumes=False, stop_timeout=0)
    machine.converge(name="va", **task)
    assert text(machine, "va", "cat", "/etc/own") == "kept\n"
    os.rmdir("/tmp/x")


def test_writes_stay_in_the_upper_layer(machine):
    task = {"image": "busybox", "network_mode": "none", "command": SLEEP, "stop_timeout": 0}
    machine.converge(name="wa", **task)
    machine.converge(name="wb", **task)
    run(machine, "wa", "sh", "-c", "echo mine > /new; rm /etc/passwd")
    assert run(machine, "wb", "cat", "/new").returncode != 0 and "root" in text(machine, "wb", "cat", "/etc/passwd")
    machine.converge(name="wa", state="stopped", stop_timeout=0)
    machine.converge(name="wa", state="started")
    assert text(machine, "wa", "cat", "/new") == "mine\n"


def test_read_only_root_and_tmpfs(machine):
    machine.converge(name="ro", image="busybox", network_mode="none", command=SLEEP, read_only=True, tmpfs=["/run:size=1m,mode=700"],
                     stop_timeout=0)
    assert run(machine, "ro", "touch", "/file").returncode != 0
    assert text(machine, "ro", "sh", "-c", "touch /run/file; stat -c %a /run").strip() == "700"


def test_terminal(machine):
    machine.converge(name="tty", image="busybox", network_mode="none", tty=True, stop_timeout=0,
                     command=["sh", "-c", "test -t 0 && test -t 1 && echo terminal; sleep 1000"])
    assert machine.log("tty", wait="terminal")[0] == "terminal\r\n"
    assert machine.container("tty").state().status == "running"


def test_host_modes(machine):
    document = machine.converge(name="hm", image="busybox", network_mode="host", pid_mode="host", uts="host", ipc_mode="host",
                                command=SLEEP, stop_timeout=0)[2]
    mine, theirs = namespaces("self"), namespaces(document["State"]["Pid"])
    assert theirs["pid"] == mine["pid"] and theirs["uts"] == mine["uts"] and theirs["ipc"] == mine["ipc"]
    with netns.entered(machine.path):
        assert theirs["net"] == os.readlink("/proc/thread-self/ns/net")


@pytest.mark.fast
def test_bridge_names_ports_and_changes_in_place(machine):
    server = {"image": "busybox", "command": ["httpd", "-f", "-p", "80", "-h", "/etc"], "stop_timeout": 0}
    machine.converge(name="srv", published_ports=["8080:80"], **server)
    pid = machine.container("srv").state().pid
    machine.converge(name="cli", image="busybox", command=SLEEP, stop_timeout=0)
    assert "root:x:0:0" in text(machine, "cli", "wget", "-q", "-O", "-", "http://srv/passwd")
    unused_changed, actions, document = machine.converge(name="srv", published_ports=["8081:80"], **server)
    assert actions == ["publish ports of container srv"] and document["State"]["Pid"] == pid
    assert document["NetworkSettings"]["Ports"] == {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8081"}]}
    assert machine.converge(name="srv", published_ports=["8081:80"], **server)[0] is False
    gateway = document["NetworkSettings"]["Gateway"]
    assert "root" in text(machine, "cli", "wget", "-q", "-O", "-", "http://%s:8081/passwd" % gateway)
    with pytest.raises(Conflict, match=r"published_ports: host port 8081 .* in use by container srv"):
        machine.converge(name="other", published_ports=["8081:80"], **server)
    assert machine.container("other") is None


def test_network_connected_and_disconnected_in_place(machine):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.net import network
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import NetworkSpec

    with netns.entered(machine.path):
        for name in ("red", "blue"):
            network.create(machine.roots, network.resolve(machine.roots, NetworkSpec(name=name)))
    task = {"name": "net", "image": "busybox", "command": SLEEP, "stop_timeout": 0}
    pid = machine.converge(networks=[{"name": "red"}], **task)[2]["State"]["Pid"]
    unused_changed, actions, document = machine.converge(networks=[{"name": "red"}, {"name": "blue", "aliases": ["b"]}], **task)
    assert actions == ["connect container net to network blue", "set networks of container net"]
    assert document["State"]["Pid"] == pid and set(document["NetworkSettings"]["Networks"]) == {"red", "blue"}
    assert "eth1" in text(machine, "net", "ip", "addr")
    unused_changed, actions, document = machine.converge(networks=[{"name": "red"}], **task)
    assert actions[0] == "disconnect container net from network blue" and document["State"]["Pid"] == pid
    assert "eth1" not in text(machine, "net", "ip", "addr")
    assert machine.converge(networks=[{"name": "red"}], **task)[0] is False


def test_network_of_another_container(machine):
    machine.converge(name="main", image="busybox", command=SLEEP, stop_timeout=0)
    machine.converge(name="side", image="busybox", command=SLEEP, network_mode="container:main", stop_timeout=0)
    pids = [machine.container(name).state().pid for name in ("main", "side")]
    assert namespaces(pids[0])["net"] == namespaces(pids[1])["net"]
    assert text(machine, "side", "cat", "/etc/hosts") == text(machine, "main", "cat", "/etc/hosts")


def test_address_survives_stop_and_start(machine):
    task = {"image": "busybox", "command": SLEEP, "stop_timeout": 0}
    address = machine.converge(name="a", **task)[2]["NetworkSettings"]["IPAddress"]
    machine.converge(name="a", state="stopped", stop_timeout=0)
    assert machine.converge(name="b", **task)[2]["NetworkSettings"]["IPAddress"] != address
    assert machine.converge(name="a", state="started")[2]["NetworkSettings"]["IPAddress"] == address


def test_failed_start_names_the_command_and_leaves_nothing_running(machine):
    with pytest.raises(EngineError, match=r"container bad did not start: run /nosuch: /nosuch: no such command"):
        machine.converge(name="bad", image="busybox", command=["/nosuch"])
    state = machine.container("bad").state()
    assert state.status == "created" and "no such command" in state.error
    assert not netns.is_pinned(machine.container("bad").netns)


def test_unknown_user_is_refused_before_anything_is_made(machine):
    with pytest.raises(InvalidValue, match="user: 'ghost' names a user"):
        machine.converge(name="ghost", image="busybox", command=SLEEP, user="ghost")
    assert machine.container("ghost") is None


def test_sysctl_of_the_host_is_refused(machine):
    with pytest.raises(EngineError, match=r"kernel\.panic"):
        machine.converge(name="sys", image="busybox", command=SLEEP, sysctls={"kernel.panic": "1"})
    machine.converge(name="sys", image="busybox", command=SLEEP, sysctls={"net.ipv4.ip_forward": "1"}, network_mode="none", stop_timeout=0)
    assert text(machine, "sys", "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"


def test_exec(machine):
    machine.converge(name="ex", image="busybox", command=SLEEP, network_mode="none", env={"A": "1"}, working_dir="/tmp", stop_timeout=0)
    result = run(machine, "ex", "sh", "-c", "cat; echo $A $B; pwd; echo e >&2; exit 5", stdin=b"in\n", env={"B": "2"})
    assert (result.returncode, result.stdout, result.stderr) == (5, b"in\n1 2\n/tmp\n", b"e\n")
    assert text(machine, "ex", "id", "-u", user="65534").strip() == "65534"
    result = run(machine, "ex", "sleep", "10", timeout=0.2)
    assert result.timed_out and result.returncode == 137
    with pytest.raises(EngineError, match="no such command"):
        run(machine, "ex", "nosuch")
    assert len(text(machine, "ex", "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' y")) == 300000


def test_boot_starts_what_should_run(machine):
    task = {"image": "busybox", "network_mode": "none", "command": SLEEP, "stop_timeout": 0}
    machine.converge(name="keep", restart_policy="unless-stopped", **task)
    machine.converge(name="plain", **task)
    machine.converge(name="quiet", restart_policy="always", **task)
    machine.converge(name="quiet", state="stopped", stop_timeout=0)
    for name in ("keep", "plain"):
        state = machine.container(name).stored_state()
        # what a power cut does
        os.kill(state.supervisor, signal.SIGKILL)
        os.kill(state.pid, signal.SIGKILL)
    until(lambda: all(machine.container(name).state().status == "exited" for name in ("keep", "plain")))
    with netns.entered(machine.path):
        assert list(restore.restore(machine.roots)) == [("keep", None)]
    assert machine.container("keep").state().status == "running"
    assert machine.container("quiet").state().status == "exited"


def test_a_watcher_that_does_not_listen_yet_survives_a_signal(machine):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import kill
    from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import start as starting

    machine.converge(name="early", image="busybox", command=SLEEP, stop_timeout=0)
    container = machine.container("early")
    for unused in range(3):
        kill.stop(container)
        container.want(True)
        with netns.entered(machine.path):
            starting.start(container)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            os.kill(container.stored_state().supervisor, number)
        time.sleep(0.2)
        assert container.supervisor_alive() and container.state().status == "running"
