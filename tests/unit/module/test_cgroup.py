# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module cgroup: the kernel's words as options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, IoMax, Resources
from ansible_collections.agentless.containers.plugins.module_utils.module import cgroup


def params(**given_ones):
    return {**dict.fromkeys(cgroup.ARGUMENTS), **given_ones}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (None, None)),
        ("max", (MAX, 100000)),
        ("max 50000", (MAX, 50000)),
        ("50000", (50000, 100000)),
        (" 50000  200000 ", (50000, 200000)),
    ],
)
def test_cpu_max(text, expected):
    assert cgroup.parse_cpu_max(text) == expected


@given(st.text(alphabet="0123456789max -.\n", max_size=14))
def test_cpu_max_answers_or_names_the_option(text):
    try:
        quota, period = cgroup.parse_cpu_max(text)
    except InvalidValue as error:
        assert error.option == "cpu_max"
    else:
        assert (quota == MAX or quota >= 1000) and 1000 <= period <= 1000000


def test_nothing_given_is_nothing_set():
    assert cgroup.resources_of(params()) == Resources()


def test_every_option_finds_its_field():
    found = cgroup.resources_of(
        params(
            cpu_max="50000",
            cpu_weight=5,
            cpuset_cpus="1,0",
            memory_max="1g",
            memory_swap_max="0",
            memory_low="0",
            pids_max="max",
            hugetlb_max={"2MB": "4m"},
            io_max=[{"device": "8:0", "rbps": "1m", "wbps": "max", "riops": None, "wiops": 7}],
        )
    )
    assert found == Resources(
        cpu_max_quota=50000,
        cpu_period=100000,
        cpu_weight=5,
        cpuset_cpus="0-1",
        memory_max=1 << 30,
        memory_swap_max=0,
        memory_low=0,
        pids_max=MAX,
        hugetlb_max=(("2MB", 4 << 20),),
        io_max=(IoMax(8, 0, rbps=1 << 20, wiops=7),),
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [("cpu_weight", 10001), ("memory_max", "x"), ("hugetlb_max", {"2MB": "x"}), ("pids_max", "-7"), ("cpu_max_burst", -1)],
)
def test_bad_values_name_their_option(option, value):
    with pytest.raises(InvalidValue) as caught:
        cgroup.resources_of(params(**{option: value}))
    assert caught.value.option.startswith(option)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/does-not-exist", "8", "8:0:1"])
def test_devices_that_are_none(device):
    with pytest.raises(InvalidValue, match=r"io_max.device"):
        cgroup.resources_of(params(io_max=[{"device": device, "rbps": None, "wbps": None, "riops": None, "wiops": None}]))
