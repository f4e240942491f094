# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel tests: root and a real kernel, never a mock. Everything here is marked ``root``; without root nothing is silently passed."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items):
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.root)
            if os.geteuid() != 0:
                item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session")
def base_images():
    """Directory of the root file systems that ``make setup`` built: busybox.tar and debian.tar."""
    directory = CHECKOUT / ".cache" / "images"
    for name in ("busybox.tar", "debian.tar"):
        assert (directory / name).is_file(), "%s is missing: run 'make setup'" % (directory / name)
    return directory


@pytest.fixture(name="import_image")
def _import_image():
    return import_image


def import_image(roots, tar, name, **config):
    """Store the tar at ``tar`` as the one-layer image ``name``; ``config`` as module image_import takes it (cmd, env ...)."""
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import changes, create, store
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

    images = store.ImageStore(roots)
    with open(tar, "rb") as stream:
        layer = create.store_layer(images.blobs, iter(lambda: stream.read(1 << 20), b""))
    document = create.child_config(create.new_config(platform_of(os.uname().machine)), changes.parse(config), [layer.diff_id])
    return images.add(create.store_image(images.blobs, document, [layer.descriptor]), [Reference.parse(name).canonical])[0]


class Machine:
    """A host of one test: roots of its own, a network namespace of its own, and the image ``busybox``."""

    def __init__(self, roots, path):
        self.roots = roots
        self.path = path

    def converge(self, check_mode=False, **params):
        """One run of the container module in this process: (changed, actions, inspect document)."""
        from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns

        with netns.entered(self.path):
            changed, actions, result = load_converge().converge(self.roots, params, check_mode)
        return changed, actions, result["container"]

    def container(self, name):
        from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime.container import ContainerStore

        return ContainerStore(self.roots).find(name)

    def log(self, name, wait=None):
        """The log of a container as (stdout, stderr) text; waits up to five seconds until ``wait`` is in it."""
        from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import logs

        deadline = time.monotonic() + 5
        while True:
            out = {"stdout": b"", "stderr": b""}
            for stream, text in logs.read(self.container(name)):
                out[stream] += text
            answer = out["stdout"].decode(), out["stderr"].decode()
            if wait is None or wait in answer[0] + answer[1]:
                return answer
            assert time.monotonic() < deadline, "%r did not come: %r" % (wait, answer)
            time.sleep(0.02)

    def clean(self):
        """Remove every container, however broken, and say what is left of the machine (list of str)."""
        from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.manager import open_group
        from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
        from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import delete, kill
        from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime.container import ContainerStore

        with netns.entered(self.path):
            for container in ContainerStore(self.roots).list():
                kill.stop(container, 0, 9)
                delete.delete(container, volumes=True)
            delete.sweep(self.roots)
        left = self.leftovers()
        open_group(self.roots, self.roots.cgroup_parent).delete()
        return left

    def leftovers(self):
        """What is left of containers: directories, names, namespaces, mounts, links, control groups, processes."""
        left = []
        for directory in (self.roots.containers, self.roots.names, self.roots.netns, os.path.join(self.roots.run, "containers")):
            if os.path.isdir(directory):
                left += [os.path.join(directory, name) for name in os.listdir(directory)]
        with open("/proc/self/mountinfo", encoding="utf-8") as stream:
            left += ["mount " + line.split()[4] for line in stream if self.roots.state in line or self.roots.run in line]
        for hierarchy in os.listdir("/sys/fs/cgroup"):
            parent = os.path.join("/sys/fs/cgroup", hierarchy, self.roots.cgroup_parent)
            if os.path.isdir(parent):
                left += ["cgroup " + entry.path for entry in os.scandir(parent) if entry.is_dir()]
        words = subprocess.run(["nsenter", "--net=" + self.path, "ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
        left += ["link " + line.split()[0] for line in words.splitlines() if line.startswith("agv")]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as stream:
                    if self.roots.state.encode() in stream.read():
                        left.append("process " + pid)
            except OSError:
                continue
        return left


def load_converge():
    """tests/kernel/converge.py as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("converge", pathlib.Path(__file__).parent / "converge.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def engine_directory(tmp_path_factory):
    """Where all tests of a session install the engine: compiling it takes a quarter of a second."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture
def machine(tmp_path, base_images, engine_directory):
    """A :class:`Machine`; the test fails where it leaves something of its containers behind."""
    from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    roots = Roots(str(tmp_path / "state"), run=str(tmp_path / "run"))
    path = str(tmp_path / "ns" / "host")
    netns.pin_new_netns(path)
    os.mkdir(roots.state)
    os.symlink(engine_directory, roots.engine)
    try:
        with netns.entered(path):
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        import_image(roots, base_images / "busybox.tar", "busybox", cmd=["sh"])
        made = Machine(roots, path)
        try:
            yield made
        finally:
            left = made.clean()
        assert left == []
    finally:
        netns.unpin(path)
