# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty containers with limits: one process with the engine, against a loop of community.docker.docker_container and Debian's dockerd.

Same base (busybox), same limits (64 MiB, half a processor, 64 processes), each on a bridge network. Five of each; the containers are
removed in between, and that time does not count. Target: at most a quarter.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import lab

COUNT = 20
STATE_ROOT = "/var/lib/agentless-bench"
IMAGE = "localhost/bench/busybox:1"
SOCKET_DIRECTORY = lab.CACHE / "docker"
PYTHON = "/usr/bin/python3"


def engine(verb):
    """(seconds of the whole process, seconds inside it)."""
    argv = [PYTHON, str(lab.BENCH / "engine_twenty.py"), verb, str(lab.COLLECTIONS), STATE_ROOT, IMAGE, str(COUNT)]
    start = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    whole = time.monotonic() - start
    if done.returncode != 0:
        sys.exit("bench: %s\n%s" % (" ".join(argv), done.stderr[-3000:]))
    return whole, float(done.stdout)


def running():
    """How many of the engine's containers run: the measurement must not be of failures."""
    return len([each for each in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
                if each.strip() == "sleep 3600"])


def measure_engine():
    lab.playbook([{"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "import", "agentless.containers.image_import": {
        "src": str(lab.IMAGES / "busybox.tar"), "name": IMAGE, "state_root": STATE_ROOT}}]}], "start_twenty_import")
    times = []
    try:
        before = running()
        for unused in range(lab.REPEATS):
            times.append(engine("start"))
            if running() - before != COUNT:
                sys.exit("bench: %d of %d containers run" % (running() - before, COUNT))
            engine("remove")
    finally:
        engine("remove")
        lab.playbook([{"hosts": "localhost", "gather_facts": False, "tasks": lab.removal(STATE_ROOT, 1)}], "start_twenty_remove")
    return times


@contextlib.contextmanager
def dockerd():
    process = subprocess.Popen([str(lab.BENCH / "dockerd.sh"), str(SOCKET_DIRECTORY)])
    try:
        for unused in range(150):
            if (SOCKET_DIRECTORY / "ready").exists():
                break
            if process.poll() is not None:
                sys.exit("bench: dockerd did not start")
            time.sleep(0.2)
        yield "unix://%s/docker.sock" % SOCKET_DIRECTORY
    finally:
        process.terminate()
        process.wait()


def docker_plays(host):
    loop = list(range(COUNT))
    start = {"name": "bench-{{ item }}", "image": "bench/busybox:1", "command": ["sleep", "3600"], "memory": "64m", "cpus": 0.5,
             "pids_limit": 64, "state": "started", "pull": "never"}
    remove = {"name": "bench-{{ item }}", "state": "absent", "force_kill": True}
    tasks = []
    for unused in range(lab.REPEATS):
        tasks.append({"name": "start", "community.docker.docker_container": start, "loop": loop})
        tasks.append({"name": "remove", "community.docker.docker_container": remove, "loop": loop})
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks,
             "module_defaults": {"group/community.docker.docker": {"docker_host": host}}}]


def measure_docker():
    with dockerd() as host:
        subprocess.run(["/usr/bin/docker", "-H", host, "import", str(lab.IMAGES / "busybox.tar"), "bench/busybox:1"], check=True,
                       capture_output=True)
        return lab.named(lab.playbook(docker_plays(host), "start_twenty_docker"), "start")


def main():
    lab.need_root()
    subprocess.run([str(lab.BENCH / "peers.sh")], check=True)
    lab.prepare_collection()
    ours = measure_engine()
    docker = lab.median(measure_docker())
    whole, inside = lab.median([each[0] for each in ours]), lab.median([each[1] for each in ours])
    lab.report(
        "start_twenty", "Starting twenty containers with limits", "make bench (bench/start_twenty.py)",
        [["what", "seconds", "ratio"],
         ["loop of %d `community.docker.docker_container` 5.2.1, Debian's dockerd" % COUNT, "%.2f" % docker, "1"],
         ["the engine in one process, interpreter's start included", "%.2f" % whole, "%.3f" % (whole / docker)],
         ["the same, from the first import on", "%.2f" % inside, "%.3f" % (inside / docker)]],
        ["Medians of %d. Memory 64 MiB, half a processor, 64 processes, one bridge network, image present. dockerd runs in a network "
         "namespace of its own. The target is a ratio of 0.25 at most." % lab.REPEATS])


if __name__ == "__main__":
    main()
