# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import engine
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

PATH = "/usr/local/bin/agentless"


def observed(**changes):
    facts = {"current": True, "installed": True, "command": True, "command_exists": True, "foreign": False}
    facts.update(changes)
    return engine.Observed(**facts)


@pytest.fixture
def roots(tmp_path):
    """A v1 tree with one controller, and nothing in it."""
    (tmp_path / "cgroup" / "memory").mkdir(parents=True)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    line = "30 25 0:26 / %s/memory rw - cgroup cgroup rw,memory\n" % (tmp_path / "cgroup")
    (tmp_path / "proc" / "self" / "mountinfo").write_text(line)
    (tmp_path / "proc" / "mounts").write_text("cgroup %s/memory cgroup rw,memory 0 0\n" % (tmp_path / "cgroup"))
    (tmp_path / "proc" / "self" / "mounts").write_text("cgroup %s/memory cgroup rw,memory 0 0\n" % (tmp_path / "cgroup"))
    return Roots(str(tmp_path / "state"), run=str(tmp_path / "run"), cgroup=str(tmp_path / "cgroup"), proc=str(tmp_path / "proc"))


def test_present_and_there():
    assert not engine.plan("present", PATH, observed())


def test_present_writes_what_is_missing():
    plan = engine.plan("present", PATH, observed(current=False, command=False, command_exists=False))
    assert plan.describe() == ["install the engine", "write the host command " + PATH]


def test_a_foreign_command_is_never_replaced_nor_removed():
    foreign = observed(command=False, foreign=True)
    with pytest.raises(Conflict, match=PATH):
        engine.plan("present", PATH, foreign)
    assert engine.plan("absent", PATH, foreign).describe() == ["remove the installed engines"]


def test_absent_is_refused_while_containers_run():
    with pytest.raises(Conflict, match="web"):
        engine.plan("absent", PATH, observed(running=("web",)))


def test_the_command_of_another_state_root_is_foreign(tmp_path, roots):
    path = str(tmp_path / "agentless")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(engine.launcher(Roots(str(tmp_path / "other"))))
    assert engine.observe(roots, path).foreign
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(engine.launcher(roots))
    assert not engine.observe(roots, path).foreign


def test_leftovers_are_found_and_removed(tmp_path, roots):
    missing = str(tmp_path / "agentless")
    assert engine.observe(roots, missing).leftovers == ()
    group = os.path.join(roots.cgroup, "memory", roots.cgroup_parent)
    os.mkdir(group)
    os.makedirs(os.path.join(roots.run, "netns"))
    plan = engine.plan("absent", missing, engine.observe(roots, missing))
    assert plan.describe() == ["remove control group %s and %s" % (roots.cgroup_parent, roots.run)]
    plan.execute(roots)
    assert not os.path.exists(group)
    assert not os.path.exists(roots.run)
    assert not engine.plan("absent", missing, engine.observe(roots, missing))
