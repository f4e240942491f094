# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals by their names, and waiting for processes that are not ours."""

from __future__ import annotations

import os
import signal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import container as records
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import kill
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots


@pytest.mark.parametrize(("text", "number"), [
    ("SIGTERM", 15), ("TERM", 15), ("term", 15), ("15", 15), (15, 15), ("sigkill", 9), ("SIGRTMIN+3", signal.SIGRTMIN + 3),
    ("RTMIN+3", signal.SIGRTMIN + 3), ("SIGRTMIN", signal.SIGRTMIN), ("RTMAX", 64), ("64", 64),
])
def test_signals(text, number):
    assert kill.signal_number(text) == number


@pytest.mark.parametrize("text", [
    "", "0", "65", "-1", "SIG", "NOTHING", "SIG_DFL", "_IGN", "SIGSIGTERM", "TERM+3", "RTMIN+", "RTMIN+99", "RTMIN+x", "²", "NAL", "MASK",
])
def test_what_is_no_signal(text):
    with pytest.raises(InvalidValue) as caught:
        kill.signal_number(text, "kill_signal")
    assert caught.value.option == "kill_signal" and caught.value.value == text


@given(st.text(max_size=10))
def test_any_text_answers_or_is_refused(text):
    try:
        assert 0 < kill.signal_number(text) < 65
    except InvalidValue as error:
        assert error.option == "stop_signal"


@pytest.fixture
def child():
    pid = os.fork()
    if pid == 0:
        time.sleep(30)
        os._exit(0)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_waiter(child):
    roots = Roots("/nonexistent")
    boot, started = records.boot_id(roots), records.start_time(roots, child)
    waiter = kill.Waiter(roots, boot, child, started)
    before = time.monotonic()
    assert waiter.wait(0.05) is False and 0.05 <= time.monotonic() - before < 2
    os.kill(child, signal.SIGKILL)
    assert waiter.wait(5) is True
    waiter.close()
    assert waiter.wait(0) is True


def test_waiter_does_not_wait_for_a_recycled_number(child):
    roots = Roots("/nonexistent")
    boot, started = records.boot_id(roots), records.start_time(roots, child)
    assert kill.Waiter(roots, boot, child, started + 1).wait(0)
    assert kill.Waiter(roots, "another boot", child, started).wait(0)
    assert kill.Waiter(roots, boot, 0, 0).wait(0)
