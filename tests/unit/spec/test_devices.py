# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device rules as documents."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.devices import (
    DEFAULT,
    EVERYTHING,
    DeviceRule,
    allow_everything,
    container_rules,
    from_resources,
)


def test_oci_form_there_and_back():
    for rule in (*DEFAULT, *EVERYTHING, DeviceRule(False, "b", 8, None, "mr")):
        assert DeviceRule.from_json(rule.to_json()) == rule
    assert DeviceRule(True, "c", 136).to_json() == {"allow": True, "type": "c", "major": 136, "access": "rwm"}


def test_oci_form_of_others():
    assert DeviceRule.from_json({"allow": False, "access": "rwm"}) == DeviceRule(False)
    any_minor = {"allow": True, "type": "c", "major": 5, "minor": -1, "access": "rw"}
    assert DeviceRule.from_json(any_minor) == DeviceRule(True, "c", 5, None, "rw")
    assert from_resources({"devices": [{"allow": True}]}) == EVERYTHING
    assert from_resources({"devices": []}) == ()


@pytest.mark.parametrize("resources", [None, {}, {"memory": {"limit": 5}}])
def test_a_configuration_that_says_nothing_has_the_default_rules(resources):
    assert from_resources(resources) == DEFAULT


@pytest.mark.parametrize("values", [("x",), ("c", 4096), ("b", 0, 1 << 20), ("c", -2), ("c", 1, 3, ""), ("c", 1, 3, "rx")])
def test_bad_rules_are_refused(values):
    with pytest.raises(InvalidValue, match="devices"):
        DeviceRule(True, *values)


def test_nothing_but_privileged_allows_everything():
    assert allow_everything(container_rules((), True))
    assert not allow_everything(container_rules((), False)) and not allow_everything(())
    assert not allow_everything((*EVERYTHING, DeviceRule(False, "b", 8, 0)))
    assert allow_everything((DeviceRule(False), DeviceRule(True), DeviceRule(True, "c", 1, 3)))
    assert not allow_everything((DeviceRule(False), DeviceRule(True, access="rw")))
