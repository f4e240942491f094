# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes plugins/module_utils/module/payload.py anew; to be run whenever a file of the engine comes or goes.

    .venv/bin/python scripts/payload.py [--check]

``--check`` writes nothing and ends with status 1 where the file is not what it would write.
"""

from __future__ import annotations

import pathlib
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
ENGINE = CHECKOUT / "plugins" / "module_utils" / "engine"
PAYLOAD = CHECKOUT / "plugins" / "module_utils" / "module" / "payload.py"
WIDTH = 140
BUILTINS = {"exec"}
"""Files named after a builtin function."""
HEAD = '''# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that an installed engine needs, named so that Ansible carries it to the host with the modules that may install it.

Ansible ships what a module imports, wherever the import stands. Nothing here is ever executed. Written by scripts/payload.py;
tests/unit/module/test_payload.py keeps it whole.
"""

from __future__ import annotations
'''


def packages():
    """dict: dotted package below engine ("" is engine itself) -> sorted names of its modules."""
    found = {}
    for path in sorted(ENGINE.rglob("*.py")):
        if path.name != "__init__.py":
            found.setdefault(".".join(path.relative_to(ENGINE).parts[:-1]), []).append(path.stem)
    return dict(sorted(found.items()))


def _member(name):
    return "        %s,%s\n" % (name, "  # noqa: A004" if name in BUILTINS else "")


def text():
    """The whole text of payload.py."""
    parts = [HEAD]
    for package, names in packages().items():
        dotted = "..engine." + package if package else "..engine"
        line = "    from %s import %s" % (dotted, ", ".join(names))
        if len(line) > WIDTH or BUILTINS & set(names):
            line = "    from %s import (\n%s    )" % (dotted, "".join(map(_member, names)))
        answer = "    return %s" % (", ".join(names) if len(names) > 1 else "(%s,)" % names[0])
        if len(answer) > WIDTH:
            answer = "    return (\n%s    )" % "".join("        %s,\n" % name for name in names)
        parts.append("\n\ndef %s():\n%s\n\n%s\n" % ("_".join(["engine"] + package.split(".")).rstrip("_"), line, answer))
    glue = sorted(path.stem for path in PAYLOAD.parent.glob("*.py") if path.stem not in ("__init__", PAYLOAD.stem))
    members = "".join("        %s,\n" % name for name in glue)
    parts.append("\n\ndef glue():\n    from . import (\n%s    )\n\n    return (\n%s    )\n" % (members, members))
    return "".join(parts)


def main():
    wanted = text()
    if sys.argv[1:] == ["--check"]:
        there = PAYLOAD.read_text(encoding="utf-8") if PAYLOAD.is_file() else ""
        if there != wanted:
            sys.stderr.write("%s is not up to date: run scripts/payload.py\n" % PAYLOAD.relative_to(CHECKOUT))
            return 1
        return 0
    PAYLOAD.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
