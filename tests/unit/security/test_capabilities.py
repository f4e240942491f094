# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of capabilities by Docker's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.security import capabilities
from ansible_collections.agentless.containers.plugins.module_utils.engine.security.capabilities import ALL, DEFAULT, resolve


def test_numbers_are_the_kernels():
    assert len(capabilities.NAMES) == 41 and len(DEFAULT) == 14
    numbers = capabilities.NUMBERS
    assert (
        numbers["CAP_CHOWN"],
        numbers["CAP_NET_ADMIN"],
        numbers["CAP_SYS_ADMIN"],
        numbers["CAP_SETFCAP"],
        numbers["CAP_CHECKPOINT_RESTORE"],
    ) == (0, 12, 21, 31, 40)
    # what /proc/PID/status shows in a container of Docker's
    assert capabilities.mask(DEFAULT) == 0xA80425FB


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        ((), (), DEFAULT),
        (("net_admin",), (), DEFAULT | {"CAP_NET_ADMIN"}),
        (("CAP_NET_ADMIN",), ("mknod",), (DEFAULT | {"CAP_NET_ADMIN"}) - {"CAP_MKNOD"}),
        ((), ("all",), frozenset()),
        (("CHOWN",), ("ALL",), frozenset({"CAP_CHOWN"})),
        (("ALL",), (), ALL),
        (("all",), ("sys_admin",), ALL - {"CAP_SYS_ADMIN"}),
        (("KILL",), ("KILL",), DEFAULT),
    ],
)
def test_dockers_rules(add, drop, expected):
    assert resolve(add, drop) == expected


def test_privileged_is_everything():
    assert resolve((), ("ALL",), privileged=True) == ALL


@pytest.mark.parametrize(("add", "drop", "option"), [(("NET_ROOT",), (), "capabilities"), ((), ("CAP_",), "cap_drop")])
def test_unknown_names_are_refused(add, drop, option):
    with pytest.raises(InvalidValue) as caught:
        resolve(add, drop)
    assert caught.value.option == option


@given(st.sets(st.sampled_from(capabilities.NAMES)))
def test_masks_there_and_back(names):
    assert capabilities.names_of(capabilities.mask(names)) == names
    assert capabilities.names_of(capabilities.mask(names) | 1 << 60) == names


def test_what_the_host_cannot_give(tmp_path):
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tx\nCapPrm:\t00000000a80425fb\nCapBnd:\t00000000a80425fa\n")
    assert capabilities.missing(DEFAULT, str(tmp_path)) == ["CAP_CHOWN"]
