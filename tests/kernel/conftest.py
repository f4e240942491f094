# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel tests: root and a real kernel, never a mock. Everything here is marked ``root``; without root nothing is silently passed."""

from __future__ import annotations

import os
import pathlib

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items):
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.root)
            if os.geteuid() != 0:
                item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session")
def base_images():
    """Directory of the root file systems that ``make setup`` built: busybox.tar and debian.tar."""
    directory = CHECKOUT / ".cache" / "images"
    for name in ("busybox.tar", "debian.tar"):
        assert (directory / name).is_file(), "%s is missing: run 'make setup'" % (directory / name)
    return directory
