# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull and unpack a real Debian image of 230 MB and 7,000 files from docker-registry on 127.0.0.1: the engine, Debian's docker, podman.

Every round pulls with each of them in turn, into an empty store, from the interpreter's or client's start to its end; what was pulled is
removed and written back (sync) in between, and that time does not count. Targets: at most 0.6 of the faster of docker and podman, under 150
MB of memory; unpacking the layer alone at most 1.2 of ``tar -xzf``.

    python3 bench/image_pull.py [ROUNDS]
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

import lab

WORK = lab.CACHE / "pull"
STATE = WORK / "state"
PODMAN = WORK / "podman"
OUTPUT = WORK / "unpacked"
ARCHIVE = WORK / "debian.tar.gz"
DOCKER = lab.CACHE / "docker"
NAMESPACE = "/run/netns/agentless-bench-docker"
PYTHON = "/usr/bin/python3"
PORT = 5077
NAME = "127.0.0.1:%d/bench/debian:1" % PORT
PARTS = ("usr/lib", "usr/bin", "usr/share")


def run(argv, inside=True):
    """Run to its end; returns (seconds, standard output). ``inside``: in the network namespace of the registry and dockerd."""
    argv = (["nsenter", "--net=" + NAMESPACE] if inside else []) + [str(each) for each in argv]
    os.sync()
    start = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        sys.exit("bench: %s\n%s" % (" ".join(argv), done.stderr[-3000:]))
    return seconds, done.stdout


def engine(verb, *arguments):
    return run([PYTHON, lab.BENCH / "engine_pull.py", verb, lab.COLLECTIONS, *arguments])


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def dockerd():
    process = subprocess.Popen([str(lab.BENCH / "dockerd.sh"), str(DOCKER)])
    try:
        for unused in range(150):
            if (DOCKER / "ready").exists():
                break
            if process.poll() is not None:
                sys.exit("bench: dockerd did not start")
            time.sleep(0.2)
        yield ["/usr/bin/docker", "-H", "unix://%s/docker.sock" % DOCKER]
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def registry():
    config = WORK / "registry.yml"
    config.write_text(json.dumps({"version": 0.1, "log": {"level": "error"}, "http": {"addr": "127.0.0.1:%d" % PORT},
                                  "storage": {"filesystem": {"rootdirectory": str(WORK / "registry")}}}), encoding="utf-8")
    with open(WORK / "registry.log", "wb") as log:
        process = subprocess.Popen(["nsenter", "--net=" + NAMESPACE, "docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        time.sleep(1)
        if process.poll() is not None:
            sys.exit("bench: docker-registry did not start, see %s" % log.name)
        yield
    finally:
        process.terminate()
        process.wait()
        remove(WORK / "registry")


def split():
    """The same content as four layers: paths of their archives."""
    whole = WORK / "debian.tar"
    layers = []
    for number, part in enumerate(PARTS + (None,)):
        layer = WORK / ("part%d.tar.gz" % number)
        if not layer.exists() or layer.stat().st_mtime < whole.stat().st_mtime:
            take = WORK / "take"
            remove(take)
            take.mkdir()
            subprocess.run(["tar", "-C", str(take), "--numeric-owner", "-xf", str(whole)], check=True)
            members = ["./" + part] if part else ["--exclude=./" + each for each in PARTS] + ["."]
            tar = subprocess.Popen(["tar", "-C", str(take), "--numeric-owner", "--sort=name", "-cf", "-", *members], stdout=subprocess.PIPE)
            with open(layer, "wb") as stream:
                subprocess.run(["gzip", "-6", "--no-name"], stdin=tar.stdout, stdout=stream, check=True)
            if tar.wait() != 0:
                sys.exit("bench: tar failed")
            remove(take)
        layers.append(layer)
    return layers


def pull_with_engine(name):
    remove(STATE)
    seconds, output = engine("pull", STATE, name)
    remove(STATE)
    return seconds, int(output) / 1024


def pull_with_docker(docker, name):
    seconds = run([*docker, "pull", "--quiet", name])[0]
    run([*docker, "rmi", name])
    return seconds


def pull_with_podman(name):
    podman = ["podman", "--root", PODMAN / "root", "--runroot", PODMAN / "run"]
    seconds = run([*podman, "pull", "--quiet", "--tls-verify=false", name])[0]
    run([*podman, "rmi", name])
    return seconds


def measure_pull(docker, name, rounds):
    """One name's medians: (engine, docker, podman) in seconds, the ratio of each round, the engine's peak memory in MiB."""
    times, ratios, peak = [], [], 0
    for unused in range(rounds):
        ours, memory = pull_with_engine(name)
        theirs = pull_with_docker(docker, name)
        other = pull_with_podman(name)
        times.append((ours, theirs, other))
        ratios.append(ours / min(theirs, other))
        peak = max(peak, memory)
        print("pull: engine %.2f, docker %.2f, podman %.2f, ratio %.2f, %.0f MiB" % (ours, theirs, other, ratios[-1], memory), flush=True)
    return [lab.median(column) for column in zip(*times)], lab.median(ratios), peak


def measure_unpack(rounds):
    """Medians: (engine, tar) in seconds, and the ratio."""
    times = []
    for unused in range(rounds):
        remove(OUTPUT)
        ours = run([PYTHON, lab.BENCH / "engine_pull.py", "unpack", lab.COLLECTIONS, OUTPUT, ARCHIVE], False)[0]
        remove(OUTPUT)
        OUTPUT.mkdir()
        theirs = run(["tar", "-C", OUTPUT, "--numeric-owner", "-xzf", ARCHIVE], False)[0]
        remove(OUTPUT)
        times.append((ours, theirs))
        print("unpack: engine %.2f, tar %.2f, ratio %.2f" % (ours, theirs, ours / theirs), flush=True)
    return [lab.median(column) for column in zip(*times)], lab.median([ours / theirs for ours, theirs in times])


def rows_of(label, medians, ratio):
    ours, docker, podman = medians
    return [["%s: the engine" % label, "%.2f" % ours, "%.2f" % ratio],
            ["%s: `docker pull`" % label, "%.2f" % docker, ""],
            ["%s: `podman pull`" % label, "%.2f" % podman, ""]]


def main():
    lab.need_root()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else lab.REPEATS
    subprocess.run([str(lab.BENCH / "peers.sh")], check=True)
    subprocess.run([str(lab.BENCH / "debian_root.sh")], check=True)
    lab.prepare_collection()
    load = os.getloadavg()[0]
    layers = split()
    several = NAME.replace("debian:1", "debian:4")
    try:
        with dockerd() as docker, registry():
            engine("push", STATE, NAME, ARCHIVE)
            engine("push", STATE, several, *layers)
            one, ratio, memory = measure_pull(docker, NAME, rounds)
            four, ratio4, memory4 = measure_pull(docker, several, rounds)
        unpacked, ratio_unpacked = measure_unpack(rounds)
    finally:
        for path in (STATE, PODMAN, OUTPUT):
            remove(path)
    megabytes = (WORK / "debian.tar").stat().st_size / 1e6
    files = int((WORK / "debian.files").read_text(encoding="ascii"))
    lab.report(
        "image_pull", "Pulling and unpacking an image", "bench/run.sh image_pull",
        [["what", "seconds", "ratio"], *rows_of("one layer", one, ratio), *rows_of("four layers", four, ratio4),
         ["unpack alone: the engine", "%.2f" % unpacked[0], "%.2f" % ratio_unpacked],
         ["unpack alone: `tar -xzf`", "%.2f" % unpacked[1], "1"]],
        ["Debian with Python and git: %.0f MB, %d files, %.0f MB with gzip -6; docker-registry on 127.0.0.1. Medians of %d; a ratio is the "
         "median of the rounds' ratios, to the faster of docker and podman. Peak memory of the engine: %.0f MiB. Load average at the "
         "start: %.2f." % (megabytes, files, ARCHIVE.stat().st_size / 1e6, rounds, max(memory, memory4), load),
         "The targets are ratios of 0.6 and 1.2 at most, and 150 MB."])


if __name__ == "__main__":
    main()
