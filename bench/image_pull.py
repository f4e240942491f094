# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull and unpack a real Debian image of 230 MB and 7,000 files from docker-registry on 127.0.0.1: the engine, Debian's docker, podman.

Every round pulls with each of them in turn what none has seen before, from the interpreter's or client's start to its end. All write to
the same fresh ext4 file system in a file, and nothing is removed before the end: ext4 avoids inodes that were deleted in the last minutes,
which made the same ``tar -x`` take from 2 to 7 seconds. What one wrote is written back (sync) before the next begins, and that time does
not count. All run in one scheduler group that goes before whatever else the machine does. Targets: at most 0.6 of the faster of docker and
podman, under 150 MB of memory; unpacking the layer alone at most 1.2 of ``tar -xzf``.

    python3 bench/image_pull.py [ROUNDS]
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time

import lab

WORK = lab.CACHE / "pull"
DISK = WORK / "disk"
DOCKER = DISK / "docker"
ARCHIVE = WORK / "debian.tar.gz"
NAMESPACE = "/run/netns/agentless-bench-docker"
PYTHON = "/usr/bin/python3"
PORT = 5077
NAME = "127.0.0.1:%d/bench/debian" % PORT
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


def undisturbed():
    """Be a session with a scheduler group of its own before all others (sched(7), "autogroup"), with all that is compared in it."""
    if os.getsid(0) != os.getpid():
        os.execvp("setsid", ["setsid", "--wait", sys.executable, *sys.argv])
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
        group.write("-20")


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


def marked(archives, mark):
    """The same archives with one small file more, so that no store has seen these layers: gzip members are simply glued together."""
    entry = io.BytesIO()
    with tarfile.open(fileobj=entry, mode="w") as tar:
        info = tarfile.TarInfo("./mark")
        info.size = len(mark)
        tar.addfile(info, io.BytesIO(mark.encode()))
    head = gzip.compress(entry.getvalue()[:1024], mtime=0)
    made = []
    for archive in archives:
        path = WORK / ("marked-" + archive.name)
        path.write_bytes(head + archive.read_bytes())
        made.append(path)
    return made


@contextlib.contextmanager
def disk():
    """A fresh file system for everything that is unpacked."""
    image = WORK / "disk.img"
    with open(image, "wb") as stream:
        stream.truncate(40 << 30)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        DISK.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(DISK)], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", str(DISK)], check=False)
    finally:
        image.unlink()


def pull_with_engine(name, mark):
    seconds, output = engine("pull", DISK / ("engine-" + mark), name)
    return seconds, int(output) / 1024


def pull_with_docker(docker, name):
    return run([*docker, "pull", "--quiet", name])[0]


def pull_with_podman(name, mark):
    podman = ["podman", "--root", DISK / ("podman-" + mark), "--runroot", WORK / "podman-run"]
    return run([*podman, "pull", "--quiet", "--tls-verify=false", name])[0]


def measure_pull(docker, archives, rounds):
    """Medians (engine, docker, podman) in seconds, the median of the rounds' ratios, the engine's peak memory in MiB."""
    times, ratios, peak = [], [], 0
    for number in range(rounds):
        mark = "%d-%d" % (len(archives), number)
        name = "%s:%s" % (NAME, mark)
        engine("push", WORK / "push", name, *marked(archives, mark))
        remove(WORK / "push")
        ours, memory = pull_with_engine(name, mark)
        theirs = pull_with_docker(docker, name)
        other = pull_with_podman(name, mark)
        times.append((ours, theirs, other))
        ratios.append(ours / min(theirs, other))
        peak = max(peak, memory)
        print("pull: engine %.2f, docker %.2f, podman %.2f, ratio %.2f, %.0f MiB" % (ours, theirs, other, ratios[-1], memory), flush=True)
    return [lab.median(column) for column in zip(*times)], lab.median(ratios), peak


def measure_unpack(rounds):
    """Medians (engine, tar) in seconds, and the median of the rounds' ratios."""
    times = []
    for number in range(rounds):
        ours = run([PYTHON, lab.BENCH / "engine_pull.py", "unpack", lab.COLLECTIONS, DISK / ("unpack-%d" % number), ARCHIVE], False)[0]
        output = DISK / ("tar-%d" % number)
        output.mkdir()
        theirs = run(["tar", "-C", output, "--numeric-owner", "-xzf", ARCHIVE], False)[0]
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
    undisturbed()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else lab.REPEATS
    subprocess.run([str(lab.BENCH / "peers.sh")], check=True)
    subprocess.run([str(lab.BENCH / "debian_root.sh")], check=True)
    lab.prepare_collection()
    load = os.getloadavg()[0]
    layers = split()
    with disk():
        with dockerd() as docker, registry():
            one, ratio, memory = measure_pull(docker, [ARCHIVE], rounds)
            four, ratio4, memory4 = measure_pull(docker, layers, rounds)
        unpacked, ratio_unpacked = measure_unpack(rounds)
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
