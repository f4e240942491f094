# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs together in the collection's own files."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")


def test_every_module_is_in_the_action_group():
    """An option set by module_defaults for group/agentless.containers.all must reach every module."""
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["action_groups"]["all"] == MODULES


def test_modules_of_the_registry_group_have_all_of_its_options():
    """An option that a module of a group does not know makes its task fail when module_defaults set it."""
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    pages = {name: (CHECKOUT / "plugins" / "modules" / (name + ".py")).read_text(encoding="utf-8") for name in MODULES}
    having = [name for name, page in pages.items() if "\n  - agentless.containers.common.registry\n" in page]
    assert runtime["action_groups"]["registry"] == having


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_an_integration_target(name):
    assert (CHECKOUT / "tests" / "integration" / "targets" / name / "tasks" / "main.yml").is_file()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_links_between_pages_lead_somewhere(page):
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (CHECKOUT / target).exists(), "%s links to %s" % (page, target)


def test_playbooks_of_the_readme_are_yaml_with_our_modules():
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        for play in yaml.safe_load(block):
            # a block is a playbook, or a list of tasks
            for task in play.get("tasks", [play]):
                used = [key for key in task if key.startswith("agentless.containers.")]
                assert used
                assert used[0].rsplit(".", 1)[1] in MODULES


def test_dependencies_of_the_playbooks_role_and_the_pages_agree_on_the_versions():
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    role = yaml.safe_load((CHECKOUT / "roles" / "host" / "meta" / "main.yml").read_text(encoding="utf-8"))
    assert role["galaxy_info"]["min_ansible_version"] in runtime["requires_ansible"]
    variables = yaml.safe_load((CHECKOUT / "roles" / "host" / "vars" / "main.yml").read_text(encoding="utf-8"))
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert "Python %s or later" % variables["__host_oldest_python"] in readme
    assert "Linux %s or later" % variables["__host_oldest_kernel"] in readme
