# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired x observed -> actions, as a table. Nothing here touches the machine."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import container
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import container_actions as actions
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime.container import Record
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import (
    IN_PLACE,
    Attachment,
    ContainerSpec,
    Healthcheck,
    Logging,
    RestartPolicy,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import PortBinding
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import Resources
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.runtime import Rlimit
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.volume import Mount

IMAGE = "docker.io/library/web:1"
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
CREATE, START, REMOVE = "create container web from " + IMAGE, "start container web", "remove container web"


def spec(**changes):
    return ContainerSpec(name="web", image=IMAGE).replace(**changes)


def desired(changes=None, **options):
    return container.Desired(**{"name": "web", "spec": spec(**(changes or {})), "image_name_mismatch": "ignore", **options})


def there(changes=None, status="running", **facts):
    """A container of this spec, in order unless ``facts`` say otherwise."""
    record = Record(id="a" * 64, name="web", created="2026-01-01T00:00:00Z", image_id=ONE, spec=spec(**(changes or {})))
    up = status in ("running", "paused", "restarting")
    return container.Observed(**{"record": record, "status": status, "supervised": up, "wanted": up, "image_id": ONE, **facts})


def absent(image_id=ONE, **facts):
    return container.Observed(image_id=image_id, **facts)


PAIRS = [
    ("nothing there", desired(), absent(), [CREATE, START]),
    ("nothing there, no image", desired(), absent(None), ["pull image " + IMAGE, CREATE, START]),
    ("nothing there, no image, no pull", desired(pull="never"), absent(None), [CREATE, START]),
    ("an ID is pulled from nowhere", desired({"image": TWO}), absent(None), ["create container web from " + TWO, START]),
    ("only present", desired(state="present"), absent(), [CREATE]),
    ("made and stopped", desired(state="stopped"), absent(), [CREATE]),
    ("made and paused", desired(paused=True), absent(), [CREATE, START, "pause container web"]),
    ("present and to be paused", desired(state="present", paused=True), absent(), [CREATE]),
    ("in order", desired(), there(), []),
    ("in order, healthy", desired(state="healthy"), there(), []),
    ("in order, present", desired(state="present"), there(status="exited"), []),
    ("in order, stopped", desired(state="stopped"), there(status="exited"), []),
    ("absent and gone", desired(state="absent"), absent(), []),
    ("absent", desired(state="absent"), there(), [REMOVE]),
    ("stopped is started", desired(), there(status="exited"), [START]),
    ("created is started", desired(), there(status="created"), [START]),
    ("running is stopped", desired(state="stopped"), there(), ["stop container web"]),
    ("paused is stopped", desired(state="stopped"), there(status="paused"), ["stop container web"]),
    ("restarting is stopped", desired(state="stopped"), there(status="restarting"), ["stop container web"]),
    ("paused stays paused", desired(), there(status="paused"), []),
    ("pause", desired(paused=True), there(), ["pause container web"]),
    ("paused already", desired(paused=True), there(status="paused"), []),
    ("unpause", desired(paused=False), there(status="paused"), ["unpause container web"]),
    ("not paused already", desired(paused=False), there(), []),
    ("pause what is stopped", desired(state="stopped", paused=True), there(status="exited"), []),
    ("restart", desired(restart=True), there(), ["restart container web"]),
    ("restart what is stopped", desired(restart=True), there(status="exited"), [START]),
    ("restart what is only present", desired(state="present", restart=True), there(), ["restart container web"]),
    ("recreate", desired(recreate=True), there(), [REMOVE, CREATE, START]),
    ("recreate what is stopped", desired(recreate=True, state="stopped"), there(status="exited"), [REMOVE, CREATE]),
    ("half made", desired(), there(status="created", complete=False), [REMOVE, CREATE, START]),
    ("no supervisor", desired(), there(supervised=False), ["take over container web, whose supervisor is gone"]),
    ("a killed stop", desired(), there(wanted=False), ["keep container web running"]),
    ("broken network", desired(), there(network_faults=("link gone",)), ["repair the network of container web (link gone)"]),
    ("changed by others", desired(), there(limits={"pids_max": (5, 9)}), ["set the limits of container web"]),
    ("another image", desired(), there(image_id=TWO), [REMOVE, CREATE, START]),
    ("another image, ignored", desired(ignore=("image",)), there(image_id=TWO), []),
    ("another image in the registry", desired(pull="always"), there(update=True), ["pull image " + IMAGE, REMOVE, CREATE, START]),
    ("image gone", desired(pull="never"), there(image_id=None), []),
    ("another name", desired(), there({"image": "docker.io/library/web:2"}), ["set image of container web"]),
    ("another name that counts", desired(image_name_mismatch="recreate"), there({"image": "docker.io/library/web:2"}),
     [REMOVE, CREATE, START]),
    ("a new name that is not here", desired(), there({"image": "docker.io/library/web:2"}, image_id=None),
     ["pull image " + IMAGE, REMOVE, CREATE, START]),
    ("a new name that is not here, no pull", desired(pull="never"), there({"image": "docker.io/library/web:2"}, image_id=None),
     [REMOVE, CREATE, START]),
    ("a new name that is not here, ignored", desired(pull="never", ignore=("image",)),
     there({"image": "docker.io/library/web:2"}, image_id=None), []),
    ("only its state", desired(state="stopped", spec=None), there({"env": {"A": "1"}}), ["stop container web"]),
    ("only its state, recreated", desired(spec=None), there({"env": {"A": "1"}}, status="exited"), [START]),
]


@pytest.mark.parametrize(("wanted", "observed", "expected"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS])
def test_actions(wanted, observed, expected):
    assert container.plan(wanted, observed).describe() == expected


@pytest.mark.parametrize(("wanted", "observed"), [row[1:3] for row in PAIRS], ids=[row[0] for row in PAIRS])
def test_planning_is_pure(wanted, observed):
    before = copy.deepcopy((wanted, observed))
    assert container.plan(wanted, observed) == container.plan(wanted, observed)
    assert (wanted, observed) == before


PORT = PortBinding(80, "tcp", "0.0.0.0", 8080)
OTHER_VALUES = {
    "command": ("sleep",), "entrypoint": ("sh",), "env": {"A": "1"}, "labels": {"a": "b"}, "hostname": "h", "domainname": "d", "user": "1",
    "groups": ("1",), "working_dir": "/x", "mounts": (Mount(type="volume", source="data", target="/x"),), "read_only": True,
    "network_mode": "none", "networks": (Attachment("shop"),), "ports": (PORT,), "exposed_ports": ("80/tcp",),
    "etc_hosts": {"a": "10.0.0.1"}, "dns_servers": ("10.0.0.1",), "dns_search_domains": ("d",), "dns_opts": ("rotate",),
    "restart_policy": RestartPolicy("always"), "healthcheck": Healthcheck(("CMD", "true")), "privileged": True,
    "capabilities": ("CAP_KILL",), "cap_drop": ("CAP_KILL",), "security_opts": ("no-new-privileges",), "devices": ("x",), "tty": True,
    "interactive": True,
    "sysctls": {"net.a": "1"}, "ulimits": (Rlimit("RLIMIT_NOFILE", 1, 1),), "shm_size": 1, "resources": Resources(pids_max=5),
    "oom_score_adj": 5, "stop_signal": "SIGINT", "stop_timeout": 3, "pid_mode": "host", "ipc_mode": "host", "uts": "host",
    "cgroupns_mode": "host", "logging": Logging("none"), "auto_remove": True,
}


def test_the_table_of_fields_is_whole():
    assert set(OTHER_VALUES) | {"name", "image"} == set(ContainerSpec.__dataclass_fields__)


@pytest.mark.parametrize("name", sorted(OTHER_VALUES))
def test_a_difference_changes_in_place_or_makes_anew(name):
    for wanted, observed in ((desired({name: OTHER_VALUES[name]}), there()), (desired(), there({name: OTHER_VALUES[name]}))):
        plan = container.plan(wanted, observed)
        if name in IN_PLACE:
            assert plan and not {REMOVE, CREATE, START} & set(plan.describe())
        else:
            assert plan.describe() == [REMOVE, CREATE, START]
        assert name in plan.before or name in plan.after
        ignoring = container.Desired(**{**vars(wanted), "ignore": (name,)})
        assert not container.plan(ignoring, observed)


def test_networks_and_ports_in_place():
    red, blue, late = Attachment("red"), Attachment("blue"), Attachment("late", aliases=("x",))
    plan = container.plan(desired({"networks": (red, late), "ports": (PORT,)}), there({"networks": (red, blue)}))
    assert plan.actions == (
        actions.DisconnectNetwork("web", "blue"), actions.ConnectNetwork("web", late),
        actions.UpdateSettings("web", ("networks",), plan.actions[2].spec), actions.PublishPorts("web", (PORT,)))


def test_settings_of_one_task_are_one_action():
    plan = container.plan(desired({"labels": {"a": "b"}, "restart_policy": RestartPolicy("always"), "stop_timeout": 3}), there())
    assert [type(step) for step in plan.actions] == [actions.UpdateSettings]
    assert set(plan.actions[0].fields) == {"labels", "restart_policy", "stop_timeout"}


@pytest.mark.parametrize(
    ("name", "wanted", "stored", "same"),
    [
        ("env", {"A": "1"}, {"A": "1", "B": "2"}, True),
        ("env", {"A": "1"}, {"A": "2", "B": "2"}, False),
        ("env", {"A": "1"}, {"B": "2"}, False),
        ("env", {}, {"B": "2"}, True),
        ("capabilities", ("CAP_KILL",), ("CAP_CHOWN", "CAP_KILL"), True),
        ("capabilities", ("CAP_KILL",), ("CAP_CHOWN",), False),
        ("hostname", None, "x", True),
        ("hostname", "y", "x", False),
    ],
)
def test_allow_more_present(name, wanted, stored, same):
    observed = there({name: stored})
    assert (not container.plan(desired({name: wanted}, subset=(name,)), observed)) is same
    assert container.plan(desired({name: wanted}), observed)


def test_removal_keeps_volumes_unless_the_task_says_otherwise():
    def removal(**options):
        return container.plan(desired(**options), there()).actions[0]

    assert removal(state="absent").volumes is False
    assert removal(state="absent", keep_volumes=False).volumes is True
    # making it anew never takes a volume
    assert removal(recreate=True, keep_volumes=False).volumes is False
    given = removal(state="absent", stop_timeout=3, force_kill=True, kill_signal="TERM")
    assert given == actions.RemoveContainer("web", 3, True, "TERM", False)


def test_image_is_needed_for_a_container_that_is_not_there():
    with pytest.raises(InvalidValue, match="container web does not exist yet") as caught:
        container.plan(desired(spec=None), absent())
    assert caught.value.option == "image" and caught.value.hint


def test_diff_names_keys_of_the_environment_and_no_values():
    plan = container.plan(desired({"env": {"SECRET": "new value", "SAME": "1"}}), there({"env": {"SECRET": "old value", "SAME": "1"}}))
    assert plan.before["env"] == {"SECRET": "(old)"} and plan.after["env"] == {"SECRET": "(new)"}


@pytest.mark.parametrize(
    ("wanted", "observed", "before", "after"),
    [
        (desired(), there(status="exited"), "exited", "running"),
        (desired(state="stopped"), there(), "running", "exited"),
        (desired(recreate=True, state="present"), there(), "running", "created"),
        (desired(paused=True), there(), "running", "paused"),
    ],
)
def test_diff_shows_the_status(wanted, observed, before, after):
    plan = container.plan(wanted, observed)
    assert (plan.before["status"], plan.after["status"]) == (before, after)


def test_diff_of_a_container_that_was_never_started_says_nothing_of_its_status():
    plan = container.plan(desired({"labels": {"a": "b"}}, state="present"), there(status="created"))
    assert plan and "status" not in plan.before
