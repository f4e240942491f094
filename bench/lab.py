# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measurements share: an exported collection, ansible-playbook with a stopwatch, the machine's facts, a report."""

from __future__ import annotations

import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
BENCH = CHECKOUT / "bench"
CACHE = CHECKOUT / ".cache" / "bench"
COLLECTIONS = CACHE / "collections"
RESULTS = BENCH / "results"
IMAGES = CHECKOUT / ".cache" / "images"
REPEATS = 5


def prepare_collection():
    """Export the checkout to a collections tree, with the measurement's own module in it."""
    tree = COLLECTIONS / "ansible_collections" / "agentless" / "containers"
    subprocess.run([str(CHECKOUT / "scripts" / "export.sh"), str(tree)], check=True)
    shutil.copy(BENCH / "modules" / "noop.py", tree / "plugins" / "modules" / "noop.py")
    return tree


def playbook(plays, name):
    """Run plays on this host with the distribution's Python. Returns a list of (task name, seconds)."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path, watch, config = CACHE / (name + ".json"), CACHE / (name + ".stopwatch"), CACHE / "ansible.cfg"
    path.write_text(json.dumps(plays, indent=1), encoding="utf-8")
    watch.unlink(missing_ok=True)
    config.write_text("[defaults]\nlocalhost_warning = false\n", encoding="utf-8")
    environment = dict(
        os.environ, ANSIBLE_CONFIG=str(config), ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), STOPWATCH=str(watch), ANSIBLE_PIPELINING="1",
        ANSIBLE_CALLBACK_PLUGINS=str(BENCH / "callback_plugins"), ANSIBLE_CALLBACKS_ENABLED="stopwatch", ANSIBLE_DEPRECATION_WARNINGS="0",
        PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    argv = [str(CHECKOUT / ".venv" / "bin" / "ansible-playbook"), "-i", "localhost,", "-c", "local",
            "-e", "ansible_python_interpreter=/usr/bin/python3", str(path)]
    done = subprocess.run(argv, env=environment, cwd=CACHE, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit("bench: %s failed\n%s\n%s" % (path, done.stdout[-4000:], done.stderr[-2000:]))
    records = [json.loads(line) for line in watch.read_text(encoding="utf-8").splitlines()]
    return [(record["task"], record["seconds"]) for record in records]


def removal(state_root, count):
    """Tasks that take away the containers bench-0 to bench-<count-1>, and everything else under a state root."""
    here = {"state_root": state_root}
    return [
        {"name": "stop", "agentless.containers.container": dict(here, name="bench-{{ item }}", state="absent", force_kill=True),
         "loop": list(range(count))},
        {"name": "network", "agentless.containers.network": dict(here, name="bridge", state="absent", force=True)},
        {"name": "engine", "agentless.containers.engine": dict(here, state="absent")},
        {"name": "files", "ansible.builtin.file": {"path": state_root, "state": "absent"}},
    ]


def named(times, name):
    """The seconds of every task of that name."""
    return [seconds for task, seconds in times if task == name]


def median(values):
    return statistics.median(values)


def machine():
    """One line about the machine, for the report."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return "%s, kernel %s, %d x %s, Python %s" % (release, platform.release(), os.cpu_count(), model, platform.python_version())


def report(name, title, command, rows, notes):
    """Write ``bench/results/<name>.md`` and print it.

    :param rows: the table; its first row is the heading.
    """
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True,
                            check=True).stdout.strip()
    lines = ["# " + title, "", "`%s` at %s on %s" % (command, commit, time.strftime("%Y-%m-%d")), "", machine(), ""]
    lines.append("| " + " | ".join(rows[0]) + " |")
    lines.append("|" + "---|" * len(rows[0]))
    lines.extend("| " + " | ".join(row) + " |" for row in rows[1:])
    lines += ["", *notes, ""]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / (name + ".md")).write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def need_root():
    if os.geteuid() != 0:
        sys.exit("bench: run as root")
