# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same Dockerfiles built by the engine and by its peers give equal file trees and equal configurations."""

from __future__ import annotations

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dockerfile_cases import cases, compare
from dockerfile_session import PEER_ROOT, Session

CASES = cases()
pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if not (PEER_ROOT / ".complete").exists():
        pytest.skip("the builders to compare with are missing: run scripts/peer_root.sh")
    with Session(tmp_path_factory.mktemp("dockerfiles")) as found:
        yield found


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_ours_is_what_its_peer_builds(session, case, tmp_path):
    assert compare(case, session.ours, session.peers, tmp_path).lines == ()


def test_there_are_many_and_they_say_what_they_cover():
    assert len(CASES) >= 60 and all(case.covers for case in CASES)
