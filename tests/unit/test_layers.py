# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows and fences of the house (ARCHITECTURE.md), held by reading every import of the collection."""

from __future__ import annotations

import ast
import pathlib

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = CHECKOUT / "plugins"
ENGINE = PLUGINS / "module_utils" / "engine"
GLUE = PLUGINS / "module_utils" / "module"
SELF = "ansible_collections.agentless.containers."

# An engine package may import its own level's other packages and every level below, never one above.
LEVELS = (
    {"spec", "plan", "state", "errors", "third_party"},
    {"linux"},
    {"rootfs", "cgroup", "net", "image", "layer", "volume", "security"},
    {"runtime", "build", "compose"},
    {"reconcile"},
)
# Imported by nobody, except that the parts of one of them import each other.
TOPS = {"cli", "supervisor", "api"}

LONGEST_FILE = 600


def sources(*roots):
    found = [path for root in roots for path in sorted(root.rglob("*.py")) if "__pycache__" not in path.parts]
    assert found
    return found


def label(path):
    return str(path.relative_to(CHECKOUT))


def imports(path):
    """Yields (line, dotted name) of every import of a file, at any depth, with relative ones made absolute below ``plugins``."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = ("plugins", *path.relative_to(PLUGINS).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[:len(package) - node.level + 1]
                prefix = ".".join(base + ((node.module,) if node.module else ()))
            else:
                prefix = node.module or ""
                prefix = prefix.removeprefix(SELF)
            for alias in node.names:
                yield node.lineno, prefix + "." + alias.name


def engine_part(dotted):
    """``plugins.module_utils.engine.net.bridge`` -> ``net``; None for what is outside the engine."""
    parts = dotted.split(".")
    if parts[:3] != ["plugins", "module_utils", "engine"] or len(parts) < 4:
        return None
    return parts[3]


def own_part(path):
    return path.relative_to(ENGINE).parts[0].removesuffix(".py") if path.is_relative_to(ENGINE) else None


def level(part):
    for number, names in enumerate(LEVELS):
        if part in names:
            return number
    raise AssertionError("engine/%s has no place in the arrows of the house: add it to LEVELS" % part)


def arrow_error(own, target):
    """Why engine part ``own`` must not import ``target``, or None."""
    if own in (target, "__init__") or target == "__init__":
        return None
    if target in TOPS:
        return "%s is imported by nobody" % target
    if own in TOPS:
        return None
    if level(target) > level(own):
        return "arrows point from %s to %s, not back" % (target, own)
    return None


@pytest.mark.parametrize("path", sources(ENGINE), ids=label)
def test_engine_imports_follow_the_arrows(path):
    own = own_part(path)
    errors = []
    for line, dotted in imports(path):
        target = engine_part(dotted)
        if target is not None:
            problem = arrow_error(own, target)
            if problem:
                errors.append("%s:%d imports %s: %s" % (label(path), line, dotted, problem))
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("path", sources(ENGINE), ids=label)
def test_engine_stands_alone(path):
    """Copying the folder engine/ is the installed engine: nothing absolute from the collection, no relative import above engine/."""
    depth = len(path.relative_to(ENGINE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level <= depth, "%s:%d climbs above engine/" % (label(path), node.lineno)
            assert not (node.module or "").startswith("ansible"), "%s:%d imports %s" % (label(path), node.lineno, node.module)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                assert not alias.name.startswith("ansible"), "%s:%d imports %s" % (label(path), node.lineno, alias.name)


def allowed_ctypes(path):
    return path.is_relative_to(ENGINE / "linux") or path == ENGINE / "security" / "seccomp.py"


def allowed_pyroute2(path):
    return path == ENGINE / "net" / "netlink.py"


def allowed_subprocess(path):
    return (path.is_relative_to(ENGINE / "net" / "firewall") or path.is_relative_to(ENGINE / "build")
            or path.is_relative_to(ENGINE / "supervisor") or path == ENGINE / "runtime" / "launcher.py")


def allowed_ansible(path):
    return path.is_relative_to(GLUE) or not path.is_relative_to(PLUGINS / "module_utils")


FENCES = {"ctypes": allowed_ctypes, "pyroute2": allowed_pyroute2, "subprocess": allowed_subprocess, "ansible": allowed_ansible}


@pytest.mark.parametrize("path", sources(PLUGINS), ids=label)
def test_fences(path):
    for line, dotted in imports(path):
        top = dotted.split(".", 1)[0]
        allowed = FENCES.get(top)
        assert allowed is None or allowed(path), "%s:%d imports %s, which is fenced off here" % (label(path), line, top)


@pytest.mark.parametrize("path", sources(PLUGINS), ids=label)
def test_third_party_is_loaded_only_through_third_party_py(path):
    """``third_party.load("pyroute2.x")`` is a string, so the fence of pyroute2 is checked on its calls, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if name in ("load", "import_module", "__import__") and isinstance(first, str):
                top = first.split(".", 1)[0]
                if top == "pyroute2":
                    assert allowed_pyroute2(path), "%s:%d loads pyroute2: only net/netlink.py may" % (label(path), node.lineno)
                if top == "ctypes":
                    assert allowed_ctypes(path), "%s:%d loads ctypes" % (label(path), node.lineno)
    for line, dotted in imports(path):
        assert dotted.split(".", 1)[0] not in ("zstandard", "pyroute2", "yaml", "requests"), \
            "%s:%d imports %s: use third_party.load" % (label(path), line, dotted)


def test_modules_import_glue_only():
    """A module page is documentation and three lines: it reaches the engine through module/."""
    for path in sorted((PLUGINS / "modules").glob("*.py")):
        for line, dotted in imports(path):
            assert engine_part(dotted) is None, "%s:%d imports the engine itself (%s)" % (label(path), line, dotted)


def test_package_markers_are_empty():
    """AnsiballZ follows the imports of every __init__.py on the way: an import there would travel with every module."""
    for path in sorted((PLUGINS / "module_utils").rglob("__init__.py")):
        assert not path.read_bytes(), "%s is not empty" % label(path)


def test_every_package_has_a_marker():
    for path in sources(PLUGINS / "module_utils"):
        assert (path.parent / "__init__.py").is_file(), "%s has no __init__.py" % label(path.parent)


def test_only_python_travels():
    """AnsiballZ carries .py files only: a profile or a template is a Python literal."""
    strays = [label(path) for path in (PLUGINS / "module_utils").rglob("*")
              if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts]
    assert not strays


@pytest.mark.parametrize("path", sources(PLUGINS), ids=label)
def test_files_stay_short(path):
    text = path.read_text(encoding="utf-8")
    if path.parent == PLUGINS / "modules" or path.parent.name == "doc_fragments":
        return  # mostly documentation, one option after the other
    if not any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in ast.walk(ast.parse(text))):
        return  # a table, not code
    length = len(text.splitlines())
    assert length < LONGEST_FILE, "%s has %d lines: split it by subject" % (label(path), length)


@pytest.mark.parametrize("path", sources(PLUGINS), ids=label)
def test_names_say_the_subject(path):
    if path == PLUGINS / "doc_fragments" / "common.py":
        return
    assert path.stem not in ("utils", "util", "helper", "helpers", "common", "base", "misc"), "%s says nothing" % label(path)


@pytest.mark.parametrize("path", sources(PLUGINS), ids=label)
def test_first_lines_are_the_licence(path):
    text = path.read_text(encoding="utf-8")
    if path.name == "__init__.py" and not text:
        return
    head = "\n".join(text.splitlines()[:6])
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in head, "%s lacks its SPDX line" % label(path)
    assert "from __future__ import annotations" in text, "%s lacks the __future__ import" % label(path)


@pytest.mark.parametrize("own, target, allowed", [
    ("net", "linux", True), ("linux", "net", False), ("reconcile", "runtime", True), ("runtime", "reconcile", False),
    ("net", "image", True), ("spec", "linux", False), ("image", "cli", False), ("cli", "reconcile", True), ("runtime", "state", True),
])
def test_arrow_rule_itself(own, target, allowed):
    assert (arrow_error(own, target) is None) is allowed
