# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of containers: names, IDs, and what is believed of a stored state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, EngineError, NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import container as records
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime.container import Container, ContainerStore, Record, State
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import ContainerSpec, Healthcheck
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots, write_json

ONE, TWO = "a" * 64, "a" * 4 + "b" * 60


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"), run=str(tmp_path / "run"), cgroup=str(tmp_path / "cgroup"))


@pytest.fixture
def store(roots):
    return ContainerStore(roots)


def record(identity=ONE, name="web", created="2026-01-01"):
    return Record(id=identity, name=name, created=created, image_id="sha256:1", spec=ContainerSpec(name=name, image="x"),
                  healthcheck=Healthcheck(("CMD", "true")), mounts=({"type": "volume", "source": "d", "target": "/x"},))


def test_add_find_forget(store, roots):
    assert store.find("web") is None and store.list() == []
    made = store.add(record())
    for name in ("web", ONE, ONE[:12], ONE[:4]):
        assert store.find(name).record == made.record
    assert store.find("aaa") is None and store.find("bbbb") is None and store.find("../names/web") is None
    store.forget(made)
    store.forget(made)
    assert store.find("web") is None and os.listdir(roots.containers) == os.listdir(roots.names) == []


def test_an_unknown_name(store):
    with pytest.raises(NotFound, match="there is no container web") as caught:
        store.get("web")
    assert caught.value.hint


def test_a_name_is_given_once(store, roots):
    store.add(record())
    with pytest.raises(Conflict, match="the container name web is taken"):
        store.add(record(TWO))
    assert os.listdir(roots.containers) == [ONE] and os.listdir(roots.names) == ["web"]


def test_ambiguous_ids(store):
    store.add(record(created="2026-01-02"))
    store.add(record(TWO, "db", created="2026-01-01"))
    with pytest.raises(EngineError, match="container ID aaaa is ambiguous"):
        store.find("aaaa")
    assert store.find("aaaab").name == "db"
    assert [each.name for each in store.list()] == ["db", "web"]


def test_what_killed_makers_and_removers_leave(store, roots):
    store.add(record())
    assert not store.has_rubbish()
    # a name without a container is taken over
    os.symlink("c" * 64, os.path.join(roots.names, "db"))
    assert store.find("db") is None and store.has_rubbish()
    store.add(record(TWO, "db"))
    assert store.get("db").id == TWO
    # a container without a name
    os.unlink(os.path.join(roots.names, "db"))
    assert store.has_rubbish() and [each.id for each in store.leftovers()] == [TWO]
    # a directory without a record
    os.makedirs(os.path.join(roots.containers, "d" * 64, "upper"))
    store.clear_rubbish()
    assert sorted(os.listdir(roots.containers)) == sorted([ONE, TWO])


def test_the_name_of_another_container_is_not_unlinked(store, roots):
    made = store.add(record())
    os.unlink(os.path.join(roots.names, "web"))
    os.symlink(TWO, os.path.join(roots.names, "web"))
    store.forget(made)
    assert os.readlink(os.path.join(roots.names, "web")) == TWO


def test_records_and_states_survive_their_json():
    assert Record.from_json(json.loads(json.dumps(record().to_json()))) == record()
    state = State(status="running", pid=5, oom_killed=True, health="healthy")
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert State.from_json({}) == State()


@pytest.fixture
def container(roots):
    made = Container(roots, record())
    os.makedirs(made.directory)
    return made


def mine(roots, **changes):
    me = os.getpid()
    state = State(status="running", pid=me, pid_start=records.start_time(roots, me), boot_id=records.boot_id(roots))
    return state.replace(**changes)


def test_incomplete_until_a_state_is_written(container):
    assert not container.is_complete() and container.state() == State()
    write_json(container.path("config.json"), {})
    assert not container.is_complete()
    container.write_state(State())
    assert container.is_complete()


@pytest.mark.parametrize("changes", [{"pid": 0}, {"pid_start": 1}, {"boot_id": "another"}])
def test_a_process_that_is_gone_does_not_run(container, roots, changes):
    container.write_state(mine(roots, **changes))
    state = container.state()
    assert (state.status, state.pid, state.exit_code) == ("exited", 0, 255) and "supervisor was killed" in state.error


def test_a_stored_end_is_believed(container, roots):
    container.write_state(mine(roots, status="exited", exit_code=3))
    assert container.state().exit_code == 3 and container.state().status == "exited"


def test_between_two_runs(container, roots):
    me = mine(roots)
    container.write_state(me.replace(status="restarting", pid=0, pid_start=0, supervisor=me.pid, supervisor_start=me.pid_start))
    assert container.state().status == "restarting" and container.supervisor_alive()
    container.write_state(me.replace(status="restarting", pid=0, pid_start=0))
    assert container.state().status == "exited" and not container.supervisor_alive()


def test_a_zombie_is_gone(roots):
    pid = os.fork()
    if pid == 0:
        signal.pause()
    assert records.start_time(roots, pid) > 0
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert records.start_time(roots, pid) is None
    os.waitpid(pid, 0)
    assert records.start_time(roots, pid) is None


def test_names_of_processes_do_not_confuse(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_bytes(b"7 (a) b) R 1 2) S " + b" ".join(b"%d" % number for number in range(4, 30)))
    assert records.start_time(Roots("/x", proc=str(tmp_path)), 7) == 22


def test_the_wish(container):
    assert container.wanted() is False
    container.want(True)
    assert container.wanted() is True
    container.want(False)
    assert container.wanted() is False


def test_removing_a_tree_twice(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    records.remove_tree(str(tmp_path / "x"))
    records.remove_tree(str(tmp_path / "x"))
    assert os.listdir(tmp_path) == []


def test_an_end_that_the_supervisor_has_not_told_yet_is_waited_for(container, roots):
    supervisor = subprocess.Popen(["sleep", "60"])
    try:
        started = records.start_time(roots, supervisor.pid)
        running = mine(roots, pid=0, pid_start=0, supervisor=supervisor.pid, supervisor_start=started)
        container.write_state(running)
        told = threading.Timer(0.2, container.write_state, [running.replace(status="exited", exit_code=3)])
        told.start()
        state = container.state()
        told.join()
        assert (state.status, state.exit_code) == ("exited", 3)
    finally:
        supervisor.kill()
        supervisor.wait()
    # and not for a supervisor that will never tell
    container.write_state(running)
    before = time.monotonic()
    assert container.state().status == "exited" and time.monotonic() - before < 1


def test_a_damaged_record_hides_no_other(store):
    store.add(record())
    broken = store.add(record(TWO, name="other"))
    with open(broken.path("container.json"), "w", encoding="utf-8") as stream:
        stream.write("{")
    assert [each.name for each in store.list()] == ["web"]
    assert len(store.damaged) == 1 and TWO in store.damaged[0]
