# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible carries to a host is the whole engine: the installed one must not miss a file."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
ENGINE = CHECKOUT / "plugins" / "module_utils" / "engine"
MODULE = CHECKOUT / "plugins" / "module_utils" / "module"


def carried():
    """Paths below the engine that payload.py imports."""
    tree = ast.parse((MODULE / "payload.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            words = node.module.split(".")
            assert words[0] == "engine"
            found.update("/".join([*words[1:], name.name]) + ".py" for name in node.names)
    return found


def test_every_file_of_the_engine_is_carried_and_nothing_else():
    there = {str(path.relative_to(ENGINE)) for path in ENGINE.rglob("*.py") if path.name != "__init__.py"}
    assert len(there) > 50
    assert carried() == there, "run scripts/payload.py"


def test_script_writes_the_same_again():
    argv = [sys.executable, str(CHECKOUT / "scripts" / "payload.py"), "--check"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_modules_that_start_containers_import_it():
    for name in ("container", "engine"):
        tree = ast.parse((CHECKOUT / "plugins" / "modules" / ("%s.py" % name)).read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
        assert "payload" in imported, name
