# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build from Dockerfiles: the engine, Debian's docker (classic builder and BuildKit), buildah with layers and isolation chroot.

Three builds on a base of busybox: 20 steps that are all in the cache; a first build of 15 small RUN steps; a first build of 8 COPY steps
with 400 files each. A command line is compared with a command line: ours is one Python process that does what the module does, its
interpreter's start included. Every round takes all of them in turn, and no round finds anything of an earlier one in a cache except the
cached build, where that is the point. All write to the same fresh ext4 file system. A whole Ansible task is measured beside.
Targets: the cached build under 0.5 of buildah's, first builds at most 0.8 of docker's and of buildah's.

    python3 bench/image_build.py [ROUNDS]
"""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import image_pull as bench
import lab

WORK = lab.CACHE / "build"
BASE = "bench-base:1"
STATE = bench.DISK / "engine"
TASK_STATE = bench.DISK / "task"
TOOLS = ("engine", "docker", "buildkit", "buildah", "buildah once")

CACHED = ["FROM %s" % BASE, "WORKDIR /srv"] + [
    line for number in range(6) for line in (
        "RUN mkdir /step%d && echo %d > /step%d/file" % (number, number, number), "COPY dir%d dir%d/" % (number, number),
        "ENV STEP%d=done" % number)]
RUNS = ["FROM %s" % BASE, "ARG ROUND"] + ["RUN mkdir -p /step%d && echo $ROUND > /step%d/file" % (each, each) for each in range(15)]
COPIES = ["FROM %s" % BASE] + ["COPY dir%d /srv/dir%d/" % (each, each) for each in range(8)]


def make_context(name, lines, seed, directories, files):
    """A directory with a Dockerfile and directories of files with 2 to 16 KiB of Python's own sources; none is like another."""
    context = WORK / name
    text = b"".join(path.read_bytes() for path in sorted(pathlib.Path(os.__file__).parent.glob("*.py")))
    shutil.rmtree(context, ignore_errors=True)
    numbers = random.Random(seed)
    for directory in range(directories):
        place = context / ("dir%d" % directory)
        place.mkdir(parents=True)
        for number in range(files):
            start, size = numbers.randrange(len(text) - (16 << 10)), numbers.randrange(2 << 10, 16 << 10)
            (place / ("file%d.py" % number)).write_bytes(b"# %s\n" % numbers.randbytes(16).hex().encode() + text[start:start + size])
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return context


class Peers:
    """Every tool's build of one context: seconds of its command line."""

    def __init__(self, docker):
        self.docker = docker
        self.buildah_command = ["buildah", "--root", bench.DISK / "buildah", "--runroot", WORK / "buildah-run",
                                "--storage-driver", "overlay"]
        self.inside = []

    def prepare(self):
        tar = lab.IMAGES / "busybox.tar"
        bench.run([*self.docker, "import", "--change", 'CMD ["sh"]', tar, BASE])
        saved = WORK / "base.tar"
        bench.run([*self.docker, "save", "-o", saved, BASE])
        bench.run([*self.buildah_command, "pull", "-q", "docker-archive:%s" % saved])
        for state_root in (STATE, TASK_STATE):
            self.python("import", BASE, tar, state_root=state_root)

    def python(self, verb, *arguments, state_root=STATE):
        return bench.run([bench.PYTHON, lab.BENCH / "engine_build.py", verb, lab.COLLECTIONS, state_root, *arguments])

    def engine(self, name, context, args):
        seconds, output = self.python("build", name, context, *args)
        self.inside.append(float(output))
        return seconds

    def _docker(self, name, context, args, kit):
        words = ["env", "DOCKER_BUILDKIT=%d" % kit, *self.docker, "build", "-q", "-t", "%s-%d" % (name, kit)]
        for arg in args:
            words += ["--build-arg", arg]
        return bench.run([*words, context])[0]

    def _buildah(self, name, context, args, layers):
        words = [*self.buildah_command, "build", "-q", "--isolation", "chroot", "--pull-never", "--layers=%s" % layers]
        for arg in args:
            words += ["--build-arg", arg]
        return bench.run([*words, "-t", "%s-%s" % (name, layers), context])[0]

    def round(self, name, context, args=()):
        """dict: tool -> seconds."""
        return {
            "engine": self.engine(name, context, args),
            "docker": self._docker(name, context, args, 0),
            "buildkit": self._docker(name, context, args, 1),
            "buildah": self._buildah(name, context, args, "true"),
            "buildah once": self._buildah(name, context, args, "false"),
        }


def measure(peers, label, rounds, make):
    """(medians by tool, medians of the rounds' ratios by tool, median of the engine alone)."""
    times = []
    peers.inside.clear()
    for number in range(rounds):
        name, context, args = make(number)
        times.append(peers.round(name, context, args))
        print("%s: %s" % (label, ", ".join("%s %.2f" % pair for pair in times[-1].items())), flush=True)
    medians = {tool: lab.median([each[tool] for each in times]) for tool in TOOLS}
    ratios = {tool: lab.median([each["engine"] / each[tool] for each in times]) for tool in TOOLS}
    return medians, ratios, lab.median(peers.inside)


def first_build(label, lines, directories, files):
    """A function that makes the context of one round."""
    def make(number):
        seed = "%s %d %d" % (label, number, time.time_ns())
        return "%s-%d" % (label, number), make_context("%s-%d" % (label, number), lines, seed, directories, files), ("ROUND=%s" % seed,)
    return make


def measure_task(rounds, context):
    """Seconds of whole tasks on a host that ansible-playbook reaches without ssh, the engine installed: (cached, 15 RUN steps)."""
    here = {"state_root": str(TASK_STATE)}
    runs = str(make_context("task-runs", RUNS, "task", 0, 0))
    engine = {"name": "engine", "agentless.containers.engine": dict(here, host_command=str(TASK_STATE / "agentless"))}
    cached = {"name": "cached", "agentless.containers.image_build": dict(here, name="task-cached", path=str(context))}
    first = [{"name": "runs", "agentless.containers.image_build": dict(here, name="task-runs", path=runs, args={"ROUND": "t%d" % number})}
             for number in range(rounds)]
    play = {"name": "bench", "hosts": "localhost", "gather_facts": False,
            "tasks": [engine, dict(cached, name="fill"), *[cached] * rounds, *first, *lab.removal(str(TASK_STATE), 0)]}
    times = lab.playbook([play], "image_build")
    return lab.median(lab.named(times, "cached")), lab.median(lab.named(times, "runs"))


def rows_of(label, measured):
    medians, ratios, inside = measured
    names = {"docker": "docker build", "buildkit": "docker build, BuildKit", "buildah": "buildah build --layers",
             "buildah once": "buildah build, one layer"}
    found = [["%s: the engine" % label, "%.2f" % medians["engine"], ""],
             ["%s: the engine from its first import on" % label, "%.2f" % inside, ""]]
    return found + [["%s: %s" % (label, names[tool]), "%.2f" % medians[tool], "%.2f" % ratios[tool]] for tool in TOOLS[1:]]


def main():
    lab.need_root()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else lab.REPEATS
    subprocess.run([str(lab.BENCH / "peers.sh")], check=True)
    if shutil.which("buildah") is None:
        sys.exit("bench: install Debian's buildah")
    # as the engine lies on hosts; an environment may forbid Python to do it by itself
    subprocess.run([bench.PYTHON, "-m", "compileall", "-q", str(lab.prepare_collection() / "plugins" / "module_utils")], check=True)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    bench.WORK.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    with bench.disk():
        with bench.dockerd() as docker:
            peers = Peers(docker)
            peers.prepare()
            context = make_context("cached", CACHED, "cached", 6, 20)
            peers.round("cached", context)
            cached = measure(peers, "cached", rounds, lambda unused: ("cached", context, ()))
            runs = measure(peers, "runs", rounds, first_build("runs", RUNS, 0, 0))
            copies = measure(peers, "copies", rounds, first_build("copies", COPIES, 8, 400))
            peers.python("clean")
        task_cached, task_runs = measure_task(rounds, context)
    shutil.rmtree(WORK, ignore_errors=True)
    lab.report(
        "image_build", "Building images from Dockerfiles", "bench/run.sh image_build",
        [["what", "seconds", "engine's ratio to it"], *rows_of("20 cached steps", cached), *rows_of("15 RUN steps", runs),
         *rows_of("8 COPY steps, 3,200 files", copies),
         ["20 cached steps: a whole task with image_build", "%.2f" % task_cached, ""],
         ["15 RUN steps: a whole task with image_build", "%.2f" % task_runs, ""]],
        ["Medians of %d; a ratio is the median of the rounds' ratios, interpreter's and client's start included. docker 20.10 with "
         "overlay2, its RUN steps in the default bridge network as the engine's; buildah with isolation chroot and the host's network, "
         "so without a container around a step. The engine leaves compressed layers, ready to push; docker packs them later. "
         "Load average at the start: %.2f." % (rounds, load),
         "The targets: 20 cached steps under 0.5 of buildah with layers; first builds at most 0.8 of docker and of buildah."])


if __name__ == "__main__":
    main()
