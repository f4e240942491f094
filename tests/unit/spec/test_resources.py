# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: what people type, and the conversions between the two versions of control groups."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec import resources
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, IoMax, Resources


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512 << 20),
        ("512m", 512 << 20),
        ("1g", 1 << 30),
        ("1.5g", 3 << 29),
        ("64k", 65536),
        ("100", 100),
        ("100b", 100),
        ("1GiB", 1 << 30),
        ("2kb", 2048),
        (1048576, 1048576),
        ("0", 0),
        ("-1", MAX),
        ("max", MAX),
        ("unlimited", MAX),
        (None, None),
        ("", None),
    ],
)
def test_memory(text, size):
    assert resources.parse_memory(text) == size


@pytest.mark.parametrize("text", ["abc", "-5", "1x", "1 2", "m", "1.m", "0x10", "1e3", "5ib", "99999999p", True, "1,5g"])
def test_memory_that_is_none(text):
    with pytest.raises(InvalidValue) as caught:
        resources.parse_memory(text, "memory_reservation")
    assert caught.value.option == "memory_reservation"
    assert repr(text) in str(caught.value)


@given(st.integers(0, 1 << 40), st.sampled_from(["", "b", "k", "m", "K", "M"]))
def test_memory_scales_by_powers_of_1024(number, unit):
    assert resources.parse_memory("%d%s" % (number, unit)) == number * {"": 1, "b": 1, "k": 1024, "m": 1 << 20}[unit.lower()]


@given(st.text(max_size=12))
def test_memory_takes_anything_and_answers_or_names_the_option(text):
    try:
        size = resources.parse_memory(text)
    except InvalidValue as error:
        assert error.option == "memory"
    else:
        assert size is None or size >= MAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", (150000, 100000)),
        (2, (200000, 100000)),
        ("0.01", (1000, 100000)),
        ("0", (MAX, 100000)),
        ("max", (MAX, 100000)),
        (None, None),
        ("", None),
    ],
)
def test_cpus(text, expected):
    assert resources.parse_cpus(text) == expected


@pytest.mark.parametrize("text", ["two", "-1", "nan", "inf", "0.001", "1,5", True])
def test_cpus_that_are_none(text):
    with pytest.raises(InvalidValue, match="cpus"):
        resources.parse_cpus(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("0,1", "0-1"), ("3,0-1", "0-1,3"), ("0-2,1-4", "0-4"), (" 1 , 2 ", "1-2"), ("", ""), ("7", "7"), (None, None)]
)
def test_cpuset(text, expected):
    assert resources.parse_cpuset(text) == expected


@pytest.mark.parametrize("text", ["a", "1-", "-1", "2-1", "0,,1", "0-99999999", "1;2"])
def test_cpuset_that_is_none(text):
    with pytest.raises(InvalidValue, match="cpuset_cpus"):
        resources.parse_cpuset(text)


@given(st.sets(st.integers(0, 300), max_size=40))
def test_cpuset_keeps_its_numbers(numbers):
    text = resources.format_cpuset(numbers)
    assert resources.parse_cpuset(text) == text
    spread = set()
    for part in text.split(",") if text else ():
        first, unused, last = part.partition("-")
        spread.update(range(int(first), int(last or first) + 1))
    assert spread == numbers


@pytest.mark.parametrize(("value", "expected"), [(100, 100), ("100", 100), (0, MAX), (-1, MAX), ("max", MAX), (None, None)])
def test_pids(value, expected):
    assert resources.parse_pids(value) == expected


@pytest.mark.parametrize("value", ["many", -2, "1.5"])
def test_pids_that_are_none(value):
    with pytest.raises(InvalidValue, match="pids_limit"):
        resources.parse_pids(value)


@pytest.mark.parametrize(
    ("memory", "memory_swap", "expected"),
    [
        (100, None, 100),
        (100, 0, 100),
        (100, 100, 0),
        (100, 300, 200),
        (100, MAX, MAX),
        (None, MAX, MAX),
        (None, None, None),
        (MAX, None, None),
    ],
)
def test_dockers_memory_swap_is_memory_and_swap(memory, memory_swap, expected):
    assert resources.swap_max_from_docker(memory, memory_swap) == expected


@pytest.mark.parametrize(("memory", "memory_swap"), [(None, 100), (100, 50), (MAX, 100)])
def test_memory_swap_needs_memory_below_it(memory, memory_swap):
    with pytest.raises(InvalidValue, match="memory_swap"):
        resources.swap_max_from_docker(memory, memory_swap)


def test_shares_and_weight_meet_at_the_ends_and_at_the_default():
    assert [resources.weight_from_shares(shares) for shares in (2, 1024, 262144)] == [1, 100, 10000]
    assert [resources.shares_from_weight(weight) for weight in (1, 100, 10000)] == [2, 1024, 262144]


def test_every_weight_survives_the_way_through_shares():
    assert all(resources.weight_from_shares(resources.shares_from_weight(weight)) == weight for weight in range(1, 10001))


@given(st.integers(10, 1000))
def test_every_blkio_weight_survives_the_way_through_io_weight(weight):
    assert resources.blkio_from_io_weight(resources.io_weight_from_blkio(weight)) == weight
    assert 1 <= resources.io_weight_from_blkio(weight) <= 10000


def test_json_there_and_back():
    everything = Resources(
        cpu_max_quota=50000,
        cpu_period=100000,
        cpu_weight=10,
        cpuset_cpus="0-1",
        memory_max=1 << 20,
        memory_swap_max=0,
        pids_max=MAX,
        io_max=(IoMax(8, 0, rbps=5), IoMax(8, 16, wiops=1)),
        hugetlb_max=(("2MB", 4096),),
        cpu_idle=False,
    )
    assert Resources.from_json(json.loads(json.dumps(everything.to_json()))) == everything
    assert Resources().to_json() == {}
    assert Resources.from_json(None) == Resources()


def test_filled_gives_what_was_taken_off_its_default():
    filled = Resources(memory_max=5, cpu_shares=512).filled()
    assert (filled.memory_max, filled.pids_max, filled.cpu_max_quota, filled.cpu_shares, filled.cpu_weight) == (5, MAX, MAX, 512, None)
    assert Resources().filled().cpu_weight == 100
