# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ulimits as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.security.rlimits import (
    UNLIMITED,
    Rlimit,
    parse_ulimit,
    parse_ulimits,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nofile:1024:2048", Rlimit("RLIMIT_NOFILE", 1024, 2048)),
        ("nofile=1024:2048", Rlimit("RLIMIT_NOFILE", 1024, 2048)),
        ("NPROC:5", Rlimit("RLIMIT_NPROC", 5, 5)),
        ("core:0:unlimited", Rlimit("RLIMIT_CORE", 0, UNLIMITED)),
        ("memlock:-1:-1", Rlimit("RLIMIT_MEMLOCK", UNLIMITED, UNLIMITED)),
    ],
)
def test_ulimits(text, expected):
    assert parse_ulimit(text) == expected


@pytest.mark.parametrize(
    "text", ["nofile", "nofile:", "files:1", "nofile:2:1", "nofile:-1:5", "nofile:a", "nofile:1:2:3", "nofile:-5", "", "nofile:1e3"]
)
def test_ulimits_that_are_none(text):
    with pytest.raises(InvalidValue) as caught:
        parse_ulimit(text)
    assert caught.value.option == "ulimits"


def test_the_last_of_a_name_counts():
    assert parse_ulimits(["nproc:1", "nofile:1", "nproc:2"]) == (Rlimit("RLIMIT_NOFILE", 1, 1), Rlimit("RLIMIT_NPROC", 2, 2))
    assert parse_ulimits(None) == ()


@given(st.integers(-1, 1 << 62), st.integers(-1, 1 << 62))
def test_json_there_and_back(soft, hard):
    limit = Rlimit("RLIMIT_NOFILE", soft, hard)
    assert Rlimit.from_json(limit.to_json()) == limit
    assert limit.to_json()["soft"] >= 0
