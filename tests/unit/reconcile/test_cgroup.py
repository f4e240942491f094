# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for control groups."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.plan import Plan
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.cgroup import (
    AddProcess,
    CreateGroup,
    DeleteGroup,
    DesiredGroup,
    Freeze,
    KillProcesses,
    ObservedGroup,
    SetLimits,
    Thaw,
    plan_group,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, Resources

LIMITS = Resources(memory_max=5, cpu_max_quota=50000, cpu_period=100000)
NOTHING = ObservedGroup("v2")


def there(**fields):
    return ObservedGroup("v2", exists=True, complete=True, **fields)


def test_a_missing_one_is_made_limited_filled_and_frozen_in_this_order():
    plan = plan_group(DesiredGroup("a/b", resources=LIMITS, processes=(7, 9), frozen=True), NOTHING)
    assert plan == Plan([CreateGroup("a/b"), SetLimits("a/b", LIMITS), AddProcess("a/b", 7), AddProcess("a/b", 9), Freeze("a/b")])
    assert plan.describe()[:2] == ["create control group a/b", "set cpu_max, memory_max of control group a/b"]
    assert plan.after["exists"] is True and plan.after["memory_max"] == 5


def test_one_that_is_right_stays():
    assert not plan_group(DesiredGroup("a", resources=LIMITS, processes=(7,), frozen=True), there(processes=(7, 8), frozen=True))
    assert not plan_group(DesiredGroup("a"), there(processes=(1,), frozen=True))


def test_only_what_differs_is_written():
    plan = plan_group(DesiredGroup("a", resources=LIMITS), there(differences={"memory_max": (MAX, 5)}))
    assert plan == Plan([SetLimits("a", Resources(memory_max=5))])
    assert (plan.before, plan.after) == ({"memory_max": "max"}, {"memory_max": 5})


def test_shares_that_v2_holds_as_a_weight():
    plan = plan_group(DesiredGroup("a", resources=Resources(cpu_shares=1024)), there(differences={"cpu_weight": (59, 100)}))
    assert plan == Plan([SetLimits("a", Resources(cpu_shares=1024))])


def test_a_half_made_one_is_completed():
    plan = plan_group(DesiredGroup("a", resources=LIMITS), ObservedGroup("v1", exists=True))
    assert plan == Plan([CreateGroup("a"), SetLimits("a", LIMITS)])


def test_thawing_comes_before_joining_and_freezing_after():
    desired = DesiredGroup("a", processes=(7,), frozen=False)
    assert plan_group(desired, there(frozen=True)) == Plan([Thaw("a"), AddProcess("a", 7)])


def test_absent():
    gone = DesiredGroup("a", state="absent")
    assert not plan_group(gone, NOTHING)
    assert plan_group(gone, there()) == Plan([DeleteGroup("a")])
    with pytest.raises(Conflict, match="a has processes: 7, 8"):
        plan_group(gone, there(processes=(7, 8)))
    assert plan_group(DesiredGroup("a", state="absent", force=True), there(processes=(7, 8))) == Plan(
        [KillProcesses("a", 2), DeleteGroup("a")]
    )


def test_what_cannot_be_is_said_before_anything_is_done():
    with pytest.raises(Unsupported, match="memory_high"):
        plan_group(DesiredGroup("a", resources=Resources(memory_high=1)), ObservedGroup("v1", lacking=("memory_high",)))
    with pytest.raises(InvalidValue, match="999"):
        plan_group(DesiredGroup("a", processes=(999,)), ObservedGroup("v1", missing_processes=(999,)))
