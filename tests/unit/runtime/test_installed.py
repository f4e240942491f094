# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's copy on the host: one directory a content, whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import installed
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"), run=str(tmp_path / "run"))


def test_what_is_installed():
    files = installed.sources()
    assert {"agentless_engine/__init__.py", "agentless_engine/supervisor/watch.py", "agentless_engine/runtime/init.py"} <= set(files)
    assert all(name.endswith(".py") and "__pycache__" not in name for name in files)


def test_hash_of_content():
    files = {"a.py": b"1", "b.py": b"2"}
    first = installed.content_hash(files)
    assert first == installed.content_hash(dict(reversed(files.items()))) and len(first) == 16
    others = [{"a.py": b"1"}, {"a.py": b"12", "b.py": b""}, {"a.py": b"2", "b.py": b"1"}, {"ab.py": b"1", "b.py": b"2"}]
    assert len({first, *map(installed.content_hash, others)}) == 5


def test_install_twice(roots):
    target = installed.install(roots)
    assert os.path.dirname(target) == roots.engine and not installed.is_current(roots)
    before = os.stat(target).st_ino
    assert installed.install(roots) == target and os.stat(target).st_ino == before
    assert installed.make_current(roots) == target and installed.make_current(roots) == target
    assert installed.is_current(roots) and os.readlink(os.path.join(roots.engine, "current")) == os.path.basename(target)
    assert sorted(os.listdir(roots.engine)) == sorted(["current", os.path.basename(target)])
    # byte code that needs no check of its source
    assert os.listdir(os.path.join(target, installed.PACKAGE, "__pycache__"))


def test_it_runs_without_the_collection(roots):
    target = installed.install(roots)
    done = subprocess.run(installed.command(target, "ps"), capture_output=True, text=True, check=False,
                          env={"AGENTLESS_STATE_ROOT": roots.state, "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0 and done.stdout.startswith("CONTAINER ID"), done.stderr
    assert installed.command(target, "x")[0] == sys.executable
    assert "-S" in installed.command(target, "x", lean=True)


def test_current_moves_in_one_step(roots):
    os.makedirs(os.path.join(roots.engine, "0123456789abcdef"))
    os.symlink("0123456789abcdef", os.path.join(roots.engine, "current"))
    assert not installed.is_current(roots)
    installed.make_current(roots)
    assert installed.is_current(roots)


def test_of_two_installers_one_wins(roots, monkeypatch):
    """Both found nothing; the second one's rename meets the first one's directory."""
    target = installed.install(roots)
    os.unlink(os.path.join(target, installed.SCRIPT))
    real = os.rename

    def rename(source, destination):
        if destination == target:
            # the other one comes to its end just before
            with open(os.path.join(target, installed.SCRIPT), "w", encoding="ascii"):
                pass
        real(source, destination)

    monkeypatch.setattr(installed.os, "rename", rename)
    assert installed.install(roots) == target
    assert os.listdir(roots.engine) == [os.path.basename(target)]


def test_not_installed_from_an_installed_one():
    assert installed.running_from() is None
