# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the integration targets on this host, one ansible-playbook a target.

    .venv/bin/python scripts/integration.py [--list] [--observe STATE_ROOT] [--strict] [-v] [TARGET ...]

A target is a role under tests/integration/targets, as for ansible-test; its ``aliases`` are respected (hidden, disabled, unsupported).
Modules run with the distribution's Python, /usr/bin/python3, because that is what a host has. Variables that a target may use:

    target_name        its own name
    state_root         /var/lib/agentless-test/<target>, empty at the start, for its modules' state_root (module_defaults are set)
    output_dir         an empty directory, removed at the end
    base_images        directory of busybox.tar and debian.tar

``--strict`` fails a target that leaves mounts, links, nftables tables, cgroups or processes behind; without it they are only named, because
something else may be running on the machine.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
TARGETS = CHECKOUT / "tests" / "integration" / "targets"
WORK = CHECKOUT / ".cache" / "integration"
STATE = pathlib.Path("/var/lib/agentless-test")
TIMEOUT = 900


def aliases(target):
    """The words of a target's aliases file, without comments."""
    path = TARGETS / target / "aliases"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line.split("#")[0].strip() for line in lines} - {""}


def all_targets():
    """Names of the targets that run by themselves."""
    found = sorted(path.name for path in TARGETS.iterdir() if (path / "tasks" / "main.yml").is_file()) if TARGETS.is_dir() else []
    return [name for name in found if not aliases(name) & {"hidden", "disabled", "unsupported"}]


def words(*argv):
    """The output of a command, or nothing where the command is missing."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False).stdout
    except FileNotFoundError:
        return ""


def observe(state_root):
    """What the engine of a state root can leave on a host, as a set of lines; links carry no engine's name, so all of them are listed."""
    namespace = "agentless-" + hashlib.sha256(str(state_root).encode()).hexdigest()[:8]
    seen = set()
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        if (line.split()[4] + "/").startswith(("%s/" % state_root, "/run/%s/" % namespace)):
            seen.add("mount " + line.split()[4])
    seen.update("link " + name for name in os.listdir("/sys/class/net"))
    seen.update("nftables " + line for line in words("nft", "list", "tables").splitlines() if line.endswith(" " + namespace))
    seen.update("process " + line.strip() for line in words("ps", "-eo", "args=").splitlines() if "%s/" % state_root in line)
    for directory, folders, unused in os.walk("/sys/fs/cgroup"):
        seen.update("cgroup %s/%s" % (directory, name) for name in folders if name == namespace)
        if len(pathlib.Path(directory).parts) > 6:
            folders.clear()
    return seen


def remove_tree(directory):
    """Remove a directory, but never through a mount: a container's volume may be a directory of the host."""
    mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    inside = [mount for mount in mounts if mount.startswith(str(directory) + "/")]
    if inside:
        print("not removed, because of mounts: %s (%s)" % (directory, " ".join(inside[:3])))
    else:
        shutil.rmtree(directory, ignore_errors=True)


def write_playbook(target, state_root, output_dir):
    """One play that applies the target as a role, with the state root set for every module."""
    play = {
        "name": "Integration target %s" % target,
        "hosts": "localhost",
        "gather_facts": "ansible_facts_not_needed" not in aliases(target),
        "module_defaults": {"group/agentless.containers.all": {"state_root": str(state_root)}},
        "vars": {"target_name": target, "state_root": str(state_root), "output_dir": str(output_dir),
                 "base_images": str(CHECKOUT / ".cache" / "images")},
        "roles": [target],
    }
    path = WORK / ("%s.yml" % target)
    path.write_text(json.dumps([play], indent=1), encoding="utf-8")
    return path


def environment():
    """No configuration of the user's gets in: only the checkout's collection, and the plain callback."""
    link = CHECKOUT / ".cache" / "collections" / "ansible_collections" / "agentless" / "containers"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(CHECKOUT)
    config = WORK / "ansible.cfg"
    config.write_text("[defaults]\nlocalhost_warning = false\nroles_path = %s\n" % TARGETS, encoding="utf-8")
    return dict(os.environ, ANSIBLE_CONFIG=str(config), ANSIBLE_COLLECTIONS_PATH=str(CHECKOUT / ".cache" / "collections"),
                ANSIBLE_NOCOLOR="1", ANSIBLE_FORCE_COLOR="0", ANSIBLE_PIPELINING="1", ANSIBLE_DEPRECATION_WARNINGS="0", LC_ALL="C.UTF-8",
                ANSIBLE_RETRY_FILES_ENABLED="0", PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def run(target, verbose, strict):
    """Run one target. Returns None, or why it failed."""
    state_root, output_dir = STATE / target, WORK / ("%s.output" % target)
    for directory in (state_root, output_dir):
        remove_tree(directory)
    output_dir.mkdir(parents=True)
    before = observe(state_root)
    argv = [str(CHECKOUT / ".venv" / "bin" / "ansible-playbook"), "-i", "localhost,", "-c", "local",
            "-e", "ansible_python_interpreter=/usr/bin/python3", str(write_playbook(target, state_root, output_dir))]
    if verbose:
        argv.append("-vvv")
    log = WORK / ("%s.log" % target)
    with open(log, "w", encoding="utf-8") as stream:
        process = subprocess.Popen(argv, cwd=CHECKOUT, env=environment(), stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
        try:
            code = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
            code = "no end within %d s" % TIMEOUT
    text = log.read_text(encoding="utf-8", errors="replace")
    if verbose:
        print(text)
    if code != 0:
        if not verbose:
            print(text[-6000:])
        return "ansible-playbook: %s; log in %s" % (code, log.relative_to(CHECKOUT))
    left = sorted(observe(state_root) - before)
    if left:
        print("left behind by %s: %s" % (target, "; ".join(left)))
        if strict:
            return "left %d things behind" % len(left)
    remove_tree(state_root)
    remove_tree(output_dir)
    return None


def main():
    parser = argparse.ArgumentParser(description="run integration targets on this host")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--observe", metavar="STATE_ROOT", help="print what is watched for leftovers of that engine, and end")
    parser.add_argument("--strict", action="store_true", default=os.environ.get("STRICT") == "1")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    if arguments.observe:
        print("\n".join(sorted(observe(arguments.observe))))
        return 0
    targets = arguments.targets or all_targets()
    if arguments.list:
        print("\n".join(targets))
        return 0
    if os.geteuid() != 0:
        print("integration: the targets change this host and need root", file=sys.stderr)
        return 1
    unknown = [name for name in targets if not (TARGETS / name / "tasks" / "main.yml").is_file()]
    if unknown:
        print("integration: no such target: %s" % " ".join(unknown), file=sys.stderr)
        return 1
    if not targets:
        print("integration: there is no target under %s" % TARGETS, file=sys.stderr)
        return 1
    WORK.mkdir(parents=True, exist_ok=True)
    failures = 0
    for target in targets:
        start = time.monotonic()
        with open(WORK / ("%s.lock" % target), "w", encoding="ascii") as lock:
            # a second run of the same target would take its state root away
            fcntl.flock(lock, fcntl.LOCK_EX)
            problem = run(target, arguments.verbose, arguments.strict)
        failures += problem is not None
        print("%-6s %-24s %5.1f s  %s" % ("FAILED" if problem else "ok", target, time.monotonic() - start, problem or ""), flush=True)
    if STATE.is_dir() and not any(STATE.iterdir()):
        STATE.rmdir()
    print("integration: %d passed, %d failed" % (len(targets) - failures, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
