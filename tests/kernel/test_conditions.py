# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would fail half way is refused while the container that is there still runs as before."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError

TASK = {"image": "busybox", "network_mode": "none", "command": ["sleep", "1000"], "stop_timeout": 0}


@pytest.mark.parametrize(("changes", "message"), [
    ({"user": "nosuch"}, "user: 'nosuch'"),
    ({"user": "0:nosuch"}, "user: '0:nosuch'"),
    ({"groups": ["nosuch"]}, "groups: 'nosuch'"),
    ({"mounts": [{"target": "/x", "type": "bind", "source": "/nosuch"}]}, "mounts: '/nosuch'"),
    ({"network_mode": "container:box"}, "network_mode: 'container:box' leads back"),
    ({"network_mode": "container:joined"}, "network_mode: 'container:joined' leads back"),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_the_old_container_survives(machine, changes, message):
    machine.converge(name="box", **TASK)
    machine.converge(name="joined", **dict(TASK, network_mode="container:box"))
    before = machine.container("box")
    pid = before.state().pid
    with pytest.raises(EngineError, match=message):
        machine.converge(name="box", **dict(TASK, **changes))
    assert machine.container("box").id == before.id and machine.container("box").state().pid == pid
    assert machine.converge(name="box", **TASK)[0] is False


@pytest.mark.parametrize("address", ["192.0.2.77", "{network}0", "{gateway}"])
def test_an_address_that_does_not_fit_leaves_the_networks_as_they_are(machine, address):
    task = dict(TASK, network_mode=None)
    machine.converge(name="box", **task)
    network = machine.container("box")
    from ansible_collections.agentless.containers.plugins.module_utils.engine.net.store import NetworkStore

    store = NetworkStore(machine.roots)
    gateway = store.get("bridge").pool(4).gateway
    before = store.endpoints_of(network.id)
    wanted = address.format(gateway=gateway, network=gateway.rpartition(".")[0] + ".")
    with pytest.raises(EngineError, match="ipv4_address: "):
        machine.converge(name="box", **dict(task, networks=[{"name": "bridge", "ipv4_address": wanted}]))
    assert store.endpoints_of(network.id) == before
    assert machine.converge(name="box", **task)[0] is False


def test_output_that_is_no_text_is_answered(machine):
    from ansible_collections.agentless.containers.plugins.module_utils.module import container_exec

    machine.converge(name="box", **TASK)
    params = {name: entry.get("default") for name, entry in container_exec.ARGUMENTS.items()}
    outcome = container_exec.handle(dict(params, container="box", argv=["printf", "\\377x"]), machine.roots, False)
    outcome.plan.execute(machine.roots)
    assert outcome.result()["stdout"] == "\ufffdx"


def test_a_container_with_a_damaged_record_can_be_removed_and_one_without_its_bundle_is_made_anew(machine):
    machine.converge(name="box", **TASK)
    box = machine.container("box")
    pid = box.state().pid
    os.unlink(box.path("config.json"))
    changed, actions, unused_document = machine.converge(name="box", **TASK)
    assert changed and actions[0] == "remove container box" and not os.path.exists("/proc/%d" % pid)
    box = machine.container("box")
    pid = box.state().pid
    with open(box.path("container.json"), "w", encoding="ascii") as stream:
        stream.write("{")
    with pytest.raises(EngineError, match="is damaged"):
        machine.converge(name="box", **TASK)
    assert machine.converge(name="box", state="absent", force_kill=True)[1] == ["remove container box"]
    assert not os.path.exists("/proc/%d" % pid) and not os.path.exists(box.directory)
    assert machine.converge(name="box", **TASK)[0] is True


def test_anonymous_volumes_go_with_their_container_unless_another_mounts_them(machine):
    task = dict(TASK, volumes=["/one", "/two"])
    machine.converge(name="box", **task)
    kept = min(machine.container("box").record.anonymous_volumes)
    machine.converge(name="other", **dict(TASK, volumes=["%s:/kept" % kept]))
    assert machine.converge(name="box", state="absent", keep_volumes=False)[0] is True
    assert os.listdir(machine.roots.volumes) == [kept]
    machine.converge(name="other", state="absent", keep_volumes=False)
    assert os.listdir(machine.roots.volumes) == [kept]


def test_a_reference_that_is_not_here_is_refused_before_the_old_container_goes(machine):
    machine.converge(name="box", **TASK)
    identity = machine.container("box").id
    with pytest.raises(EngineError, match="nosuch:2"):
        machine.converge(name="box", **dict(TASK, image="nosuch:2", pull="never"))
    assert machine.container("box").id == identity and machine.converge(name="box", **TASK)[0] is False


def test_a_name_that_begins_another_s_id_is_a_name(machine):
    machine.converge(name="box", **TASK)
    identity = machine.container("box").id
    short = identity[:4]
    assert machine.converge(name=short, state="absent")[1] == []
    assert machine.converge(name=short, **TASK)[1][0].startswith("create container")
    assert machine.container("box").id == identity and machine.container(short).id != identity
    assert machine.converge(name=identity[:12], state="stopped", stop_timeout=0)[1] == ["stop container " + identity[:12]]
    assert machine.container("box").state().status == "exited" and machine.container(short).state().status == "running"
