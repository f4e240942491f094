# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's docker, podman, buildah, skopeo and umoci, each with storage of its own below a test's directory."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time

import file_tree


def run(*argv, **options):
    """The standard output (str) of a command; a failure shows what it said."""
    done = subprocess.run(argv, capture_output=True, check=False, **options)
    assert done.returncode == 0, "%s: %s" % (" ".join(argv), done.stderr.decode(errors="replace"))
    return done.stdout.decode()


class Podman:
    """podman, and buildah on the same storage."""

    def __init__(self, directory):
        self.directory = directory
        self.storage = ["--root", os.path.join(directory, "root"), "--runroot", os.path.join(directory, "run"),
                        "--storage-driver", "overlay"]

    def podman(self, *argv):
        return run("podman", *self.storage, "--events-backend", "file", "--tmpdir", os.path.join(self.directory, "tmp"), *argv)

    def buildah(self, *argv):
        return run("buildah", *self.storage, *argv)

    def inspect(self, name):
        return json.loads(self.podman("image", "inspect", name))[0]

    def tree(self, name):
        """The file tree of an image, as buildah mounts it."""
        container = self.buildah("from", "--pull-never", name).strip()
        try:
            return file_tree.read(self.buildah("mount", container).strip())
        finally:
            self.buildah("rm", container)

    def remove_all(self):
        self.podman("rmi", "--all", "--force")


class Docker:
    """A dockerd of the tests' own: no bridge, no firewall rules. Use as a context manager."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = "unix://" + os.path.join(directory, "sock")
        self._process = None

    def __enter__(self):
        with open(os.path.join(self.directory, "log"), "wb") as log:
            self._process = subprocess.Popen(
                ["dockerd", "--data-root", os.path.join(self.directory, "data"), "--exec-root", os.path.join(self.directory, "exec"), "-H",
                 self.socket, "--pidfile", os.path.join(self.directory, "pid"), "--iptables=false", "--ip6tables=false",
                 "--ip-forward=false", "--bridge=none", "--storage-driver=overlay2"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while subprocess.run(["docker", "-H", self.socket, "version"], capture_output=True, check=False).returncode:
            assert self._process.poll() is None and time.monotonic() < deadline, "see %s/log" % self.directory
            time.sleep(0.1)
        return self

    def __exit__(self, *unused):
        self._process.terminate()
        self._process.wait(30)

    def docker(self, *argv):
        return run("docker", "-H", self.socket, *argv)

    def inspect(self, name):
        return json.loads(self.docker("image", "inspect", name))[0]

    def tree(self, name, work):
        """The file tree of an image: its layers in Docker's own storage, laid over each other."""
        data = self.inspect(name)["GraphDriver"]["Data"]
        layers = [data["UpperDir"], *filter(None, (data.get("LowerDir") or "").split(":"))]
        with file_tree.union(layers[::-1], os.path.join(work, "docker-%d" % time.monotonic_ns())) as root:
            return file_tree.read(root)


@contextlib.contextmanager
def registry(directory):
    """Debian's docker-registry on a free port of the loopback device; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = os.path.join(directory, "registry.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump({"version": 0.1, "log": {"level": "error"}, "http": {"addr": "127.0.0.1:%d" % port},
                   "storage": {"filesystem": {"rootdirectory": os.path.join(directory, "data")}}}, stream)
    with open(os.path.join(directory, "log"), "wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", path], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield "127.0.0.1:%d" % port
    finally:
        process.terminate()
        process.wait(10)


def umoci_tree(layout, tag, work):
    """The file tree of an image of a layout, as ``umoci unpack`` makes it. Its directories get new times."""
    bundle = os.path.join(work, "bundle-%d" % time.monotonic_ns())
    run("umoci", "unpack", "--image", "%s:%s" % (layout, tag), bundle)
    return file_tree.read(os.path.join(bundle, "rootfs"), directory_times=False)
