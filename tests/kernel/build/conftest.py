# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A builder for every test of builds, which must leave nothing in the making."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine import state


def _load():
    spec = importlib.util.spec_from_file_location("agentless_builder", pathlib.Path(__file__).parent / "builder.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="plain_builder")
def _plain_builder(machine, tmp_path):
    """Without a look at what is left: for tests in which others clear up at the same time."""
    return _load().Builder(machine, tmp_path / "context")


@pytest.fixture(name="builder")
def _builder(machine, plain_builder):
    yield plain_builder
    left = [name for name in state.listed(machine.roots.layers) if name.startswith(".")]
    assert left == [], "a build left %s" % left
