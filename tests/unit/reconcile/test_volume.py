# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for volumes."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.plan import Plan
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.volume import (
    CreateVolume,
    DesiredVolume,
    ObservedVolume,
    RemoveVolume,
    SetVolumeLabels,
    differing_options,
    plan_volume,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.volume import Volume

NOTHING = ObservedVolume()
BIND = {"type": "none", "o": "bind", "device": "/"}


def there(users=(), **fields):
    return ObservedVolume(Volume("data", **fields), users)


def test_a_missing_one_is_made():
    plan = plan_volume(DesiredVolume("data", labels={"a": "b"}), NOTHING)
    assert plan == Plan([CreateVolume("data", "local", {}, {"a": "b"})])
    assert plan.describe() == ["create volume data"]


@pytest.mark.parametrize(
    "desired",
    [
        DesiredVolume("data"),
        DesiredVolume("data", labels={"a": "b"}),
        DesiredVolume("data", recreate="options-changed"),
    ],
)
def test_one_that_is_right_stays(desired):
    assert not plan_volume(desired, there(labels={"a": "b"}))


def test_labels_that_are_not_asked_for_go_and_the_content_stays():
    assert plan_volume(DesiredVolume("data", labels={}, recreate="options-changed"), there(("web",), labels={"a": "b"})) == Plan(
        [SetVolumeLabels("data", {})]
    )


def test_absent():
    assert plan_volume(DesiredVolume("data", state="absent"), there()) == Plan([RemoveVolume("data")])
    assert not plan_volume(DesiredVolume("data", state="absent"), NOTHING)


def test_content_is_lost_only_where_it_is_asked_for():
    assert not plan_volume(DesiredVolume("data", options=BIND), there())
    again = [RemoveVolume("data"), CreateVolume("data", "local", BIND, {})]
    assert plan_volume(DesiredVolume("data", options=BIND, recreate="options-changed"), there()) == Plan(again)
    assert plan_volume(DesiredVolume("data", options=BIND, recreate="always"), there(options=BIND)) == Plan(again)
    assert not plan_volume(DesiredVolume("data", options=BIND, recreate="options-changed"), there(options=BIND))


@pytest.mark.parametrize(
    "desired",
    [
        DesiredVolume("data", state="absent"),
        DesiredVolume("data", recreate="always"),
        DesiredVolume("data", options=BIND, recreate="options-changed"),
    ],
)
def test_one_in_use_is_refused_by_name(desired):
    with pytest.raises(Conflict, match="data is used by container web"):
        plan_volume(desired, there(("web",)))


def test_what_differs_is_named():
    assert differing_options(DesiredVolume("data", options=BIND), Volume("data")) == [
        "driver_options.device",
        "driver_options.o",
        "driver_options.type",
    ]
    assert differing_options(DesiredVolume("data"), Volume("data", options=BIND)) == []


def test_bad_values():
    with pytest.raises(InvalidValue, match="volume_name"):
        DesiredVolume("a/b")
    with pytest.raises(Unsupported, match="rexray"):
        DesiredVolume("data", driver="rexray")
