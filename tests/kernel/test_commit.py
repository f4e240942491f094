# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as images, as tar files and as lists of changes."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import lines
from ansible_collections.agentless.containers.plugins.module_utils.engine.cgroup.manager import open_manager
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import garbage
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import container_commit, container_export
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import commit
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

WORK = """
set -e
echo changed >>/etc/passwd
rm /etc/group
mkdir -p /new/deep
echo data >/new/deep/file; ln /new/deep/file /new/link; ln -s deep/file /new/symlink
chown 12:34 /new/deep/file; chmod 4755 /new/deep/file
rm -rf /home; mkdir /home; echo x >/home/x
chmod 0701 /var/www
mkfifo /new/fifo
touch -d @1000000000 /new /new/deep /new/deep/file /home /home/x /etc /etc/passwd
"""
CHANGED = ["C /etc", "D /etc/group", "C /etc/passwd", "C /home", "A /home/x", "A /new", "A /new/deep", "A /new/deep/file", "A /new/fifo",
           "A /new/link", "A /new/symlink", "C /var", "C /var/www"]


def changes_of(machine, name):
    return ["%s /%s" % (change.kind, change.path) for change in commit.changes(machine.container(name))[0]]


def request(name, reference="made:1", changes=(), **options):
    return container_commit.CommitRequest(name, reference and Reference.parse(reference), lines.read(changes, Changes()), **options)


def commit_once(machine, wanted):
    """(changed, image ID)."""
    observed = container_commit.observe(machine.roots, wanted)
    plan = container_commit.plan_commit(wanted, observed)
    plan.execute(machine.roots)
    return bool(plan), plan.actions[0].done[0] if plan else observed.present


@pytest.fixture
def worked(machine):
    """The container ``work``, which has changed things and has ended."""
    machine.converge(name="work", image="busybox", command=["sh", "-c", WORK + "echo done; sleep 1000"], state="started", env={"A": "1"},
                     labels={"l": "1"}, stop_timeout=0, volumes=["data:/srv/data"])
    machine.log("work", "done")
    return machine


def test_changes(worked):
    assert changes_of(worked, "work") == CHANGED
    worked.converge(name="work", state="stopped", stop_timeout=0)
    assert changes_of(worked, "work") == CHANGED


def test_what_the_engine_makes_is_no_change(machine):
    machine.converge(name="still", image="busybox", command=["sleep", "1000"], state="started", stop_timeout=0, volumes=["data:/data/deep"])
    assert changes_of(machine, "still") == []
    changed, image_id = commit_once(machine, request("still"))
    image = ImageStore(machine.roots).get(image_id)
    assert changed and len(image.config.diff_ids) == 1 and image.config.history[-1].empty_layer


@pytest.mark.parametrize("running", [True, False])
def test_commit(worked, running):
    if not running:
        worked.converge(name="work", state="stopped", stop_timeout=0)
    wanted = request("work", changes=['CMD ["/bin/cat", "/new/symlink"]', "ENV B=${A}2"], message="why", author="Ada")
    coming = container_commit.observe(worked.roots, wanted).coming
    assert commit_once(worked, wanted) == (True, coming)
    assert commit_once(worked, wanted) == (False, coming)
    image = ImageStore(worked.roots).get("made:1")
    config = image.config
    assert config.config.cmd == ("/bin/cat", "/new/symlink") and set(config.config.env) == {"A=1", "B=12"}
    assert config.config.labels == {"l": "1"} and config.author == "Ada" and len(config.diff_ids) == 2
    assert (config.history[-1].comment, config.history[-1].author, config.history[-1].empty_layer) == ("why", "Ada", None)
    assert worked.container("work").state().status == ("running" if running else "exited")
    look = "cat /new/symlink; stat -c '%a %u %g %h' /new/link; ls /home; stat -c %a /var/www; ls /etc/group /new/fifo; echo end; sleep 1000"
    worked.converge(name="again", image="made:1", state="started", stop_timeout=0, command=["sh", "-c", look])
    out = worked.log("again", "end")[0]
    assert out.split() == ["data", "4755", "12", "34", "2", "x", "701", "/new/fifo", "end"]
    assert garbage.collect(ImageStore(worked.roots)).blobs == ()


def test_commit_again_after_a_change(worked):
    unused, first = commit_once(worked, request("work"))
    container = worked.container("work")
    with open(container.path("upper", "later"), "w", encoding="utf-8") as stream:
        stream.write("later")
    changed, second = commit_once(worked, request("work"))
    store = ImageStore(worked.roots)
    assert changed and second != first and store.get("made:1").id == second and store.get(first).references == ()
    assert commit_once(worked, request("work", None)) == (False, second), "the image without name is there already"


def test_pause(worked):
    container = worked.container("work")
    manager = open_manager(worked.roots, container.id)
    with commit.paused(container):
        assert manager.frozen() and container.state().status == "paused"
    assert not manager.frozen()
    with commit.paused(container, False):
        assert not manager.frozen()
    with pytest.raises(RuntimeError), commit.paused(container):
        raise RuntimeError
    assert not manager.frozen() and os.listdir(container.directory).count("frozen-by-commit") == 0
    # a commit that was killed: the next one lets the container go on
    open(container.path("frozen-by-commit"), "wb").close()
    manager.freeze()
    commit_once(worked, request("work"))
    assert not manager.frozen()
    # somebody else's pause stays
    manager.freeze()
    with commit.paused(container):
        pass
    assert manager.frozen()
    manager.thaw()


def test_commit_without_the_image(worked):
    store = ImageStore(worked.roots)
    store.remove(store.get("busybox"))
    with pytest.raises(NotFound, match=r"image sha256:\w+, which container work is made from, is not on this host"):
        container_commit.observe(worked.roots, request("work"))
    assert changes_of(worked, "work") == CHANGED
    with pytest.raises(NotFound, match="there is no container nobody"):
        container_commit.observe(worked.roots, request("nobody"))


def test_export(worked, tmp_path, base_images):
    path = str(tmp_path / "work.tar")
    wanted = container_export.ExportRequest("work", path)
    plan = container_export.plan_export(wanted, container_export.observe(worked.roots, wanted))
    plan.execute(worked.roots)
    assert plan.describe() == ["export the file system of container work to " + path]
    assert not container_export.plan_export(wanted, container_export.observe(worked.roots, wanted))
    worked.converge(name="work", state="stopped", stop_timeout=0)
    assert not container_export.plan_export(wanted, container_export.observe(worked.roots, wanted)), "a stopped container is the same"
    with tarfile.open(path) as archive:
        members = {member.name: member for member in archive}
        assert archive.extractfile("new/deep/file").read() == b"data\n" and members["new/link"].linkname == "new/deep/file"
        assert archive.extractfile("etc/passwd").read().endswith(b"changed\n")
    with tarfile.open(base_images / "busybox.tar") as archive:
        base = {os.path.normpath(member.name) for member in archive} - {"."}
    added = {"new", "new/deep", "new/deep/file", "new/fifo", "new/link", "new/symlink", "home/x", "etc/hosts", "etc/hostname",
             "etc/resolv.conf", "srv", "srv/data"}
    assert set(members) == (base | added) - {"etc/group"}
    assert members["new/deep/file"].mode == 0o4755 and (members["new/deep/file"].uid, members["new/deep/file"].gid) == (12, 34)


def test_export_packed(worked, tmp_path):
    path = str(tmp_path / "work.tar.gz")
    wanted = container_export.ExportRequest("work", path, "gzip")
    for expected in (True, False):
        plan = container_export.plan_export(wanted, container_export.observe(worked.roots, wanted))
        assert bool(plan) == expected
        plan.execute(worked.roots)
    with tarfile.open(path, "r:gz") as archive:
        assert archive.getmember("bin/busybox").isfile()


def test_export_is_what_the_container_sees(worked):
    """The union of the branches, read without a mount, against the mount that the kernel makes of them."""
    container = worked.container("work")
    seen = "/proc/%d/root" % container.state().pid
    skip = {"dev", "proc", "sys"}
    ours = b"".join(bytes(piece) for piece in commit.root_file_system(container))
    with tarfile.open(fileobj=io.BytesIO(ours)) as archive:
        for member in archive:
            if member.name.split("/")[0] in skip or member.name in ("etc/hosts", "etc/hostname", "etc/resolv.conf", "srv/data"):
                continue
            status = os.lstat(os.path.join(seen, member.name))
            assert (member.mode if not member.issym() else 0o777, member.uid, member.gid) == (
                status.st_mode & 0o7777, status.st_uid, status.st_gid), member.name
            if member.isfile():
                with open(os.path.join(seen, member.name), "rb") as stream:
                    assert stream.read() == archive.extractfile(member).read()
