# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a container: compared by value, whole after a turn through JSON."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import (
    IN_PLACE,
    Attachment,
    ContainerSpec,
    DeviceMapping,
    Healthcheck,
    Logging,
    RestartPolicy,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import PortBinding
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import Resources
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.runtime import Rlimit
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.volume import Mount

TEXT = st.text(max_size=8)
WORDS = st.lists(TEXT, max_size=3).map(tuple)
TABLE = st.dictionaries(TEXT, TEXT, max_size=3)
SPECS = st.builds(
    ContainerSpec, name=TEXT, image=TEXT, command=st.none() | WORDS, entrypoint=st.none() | WORDS, env=TABLE, labels=TABLE,
    hostname=st.none() | TEXT, read_only=st.booleans(), networks=st.lists(st.builds(Attachment, TEXT, WORDS), max_size=2).map(tuple),
    ports=st.lists(st.builds(PortBinding, st.integers(1, 65535), st.just("tcp"), st.just("0.0.0.0"), st.integers(0, 65535)),
                   max_size=2).map(tuple),
    mounts=st.lists(st.builds(Mount, type=st.just("bind"), source=TEXT, target=TEXT, read_only=st.booleans()), max_size=2).map(tuple),
    restart_policy=st.builds(RestartPolicy, st.sampled_from(["no", "always"]), st.integers(0, 5)),
    healthcheck=st.none() | st.builds(Healthcheck, WORDS, st.floats(0, 100)), ulimits=st.lists(
        st.builds(Rlimit, TEXT, st.integers(0, 9), st.integers(0, 9)), max_size=2).map(tuple),
    devices=st.lists(st.builds(DeviceMapping, TEXT, TEXT), max_size=2).map(tuple),
    resources=st.builds(Resources, memory_max=st.none() | st.integers(1, 99), pids_max=st.none() | st.integers(1, 99)),
    logging=st.builds(Logging, st.sampled_from(["cri", "none"]), st.integers(0, 99)), oom_score_adj=st.none() | st.integers(-9, 9))


@settings(max_examples=25)
@given(SPECS)
def test_json_keeps_everything(spec):
    assert ContainerSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert spec.differences(spec) == []


@settings(max_examples=25)
@given(SPECS, SPECS)
def test_differences_are_the_fields_that_differ(one, two):
    names = one.differences(two)
    assert names == two.differences(one)
    assert names == [name for name in ContainerSpec.__dataclass_fields__ if name in names]
    assert one.replace(**{name: getattr(two, name) for name in names}) == two
    assert (one == two) is (not names)


def test_a_document_of_an_older_version_gets_the_defaults():
    assert ContainerSpec.from_json({"name": "web", "image": "x", "no longer known": 1}) == ContainerSpec("web", "x")


def test_in_place_fields_exist_and_change_no_namespace():
    assert set(ContainerSpec.__dataclass_fields__) > IN_PLACE
    assert not IN_PLACE & {"image", "command", "env", "mounts", "privileged", "capabilities", "network_mode", "user"}


def test_documents_can_be_keys():
    assert len({ContainerSpec("a", "x"), ContainerSpec("a", "x"), ContainerSpec("b", "x", env={"A": "1"})}) == 2
