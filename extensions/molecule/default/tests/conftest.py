# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: ``server`` and ``client`` are testinfra hosts inside the scenario's containers; ``host`` is the machine."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
os.environ.setdefault("AGENTLESS_STATE_ROOT", "/var/lib/agentless-molecule")

import agentless_backend
import testinfra

agentless_backend.register()


@pytest.fixture(scope="session")
def namespace():
    """What the engine of the scenario's state root calls its nftables table and its control group."""
    return agentless_backend.Roots(os.environ["AGENTLESS_STATE_ROOT"]).namespace


@pytest.fixture(scope="session")
def server():
    return testinfra.get_host("agentless://server")


@pytest.fixture(scope="session")
def client():
    return testinfra.get_host("agentless://client")
