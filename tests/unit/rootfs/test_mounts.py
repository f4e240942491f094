# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount operations as values, performed with the system call taken away."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import calls, consts
from ansible_collections.agentless.containers.plugins.module_utils.engine.rootfs import mounts


@pytest.fixture
def mounted(monkeypatch):
    """What mount(2) was asked for, descriptors resolved to paths."""
    asked = []

    def name(path):
        return os.readlink(path) if path and path.startswith("/proc/self/fd/") else path

    def mount(source, target, kind, flags, data=None):
        asked.append((name(source), name(target), kind, flags, data))

    monkeypatch.setattr(calls, "mount", mount)
    return asked


@pytest.fixture
def root(tmp_path):
    top = tmp_path / "root"
    top.mkdir()
    return str(top)


def test_options():
    parsed = mounts.MountFlags.parse(("nosuid", "ro", "mode=755", "rprivate", "size=1m", "rslave"))
    assert parsed.flags == consts.MS_NOSUID | consts.MS_RDONLY and parsed.data == "mode=755,size=1m"
    assert parsed.propagation == (consts.MS_PRIVATE | consts.MS_REC, consts.MS_SLAVE | consts.MS_REC)


def test_the_last_option_counts():
    assert mounts.MountFlags.parse(("ro", "rw")).flags == 0
    assert mounts.MountFlags.parse(("rw", "ro")).flags == consts.MS_RDONLY
    assert mounts.MountFlags.parse(("noexec", "exec", "defaults")) == mounts.MountFlags(0, (), "")


def test_file_system(root, mounted):
    mounts.FileSystem("tmpfs", "shm", "/dev/shm", ("nosuid", "size=64k")).perform(root)
    assert mounted == [("shm", root + "/dev/shm", "tmpfs", consts.MS_NOSUID, "size=64k")]
    assert os.path.isdir(root + "/dev/shm")


def test_bind_of_a_directory_and_a_file(root, mounted, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "file").write_text("x")
    mounts.Bind(str(tmp_path / "data"), "/srv/data", ("rbind", "rw")).perform(root)
    mounts.Bind(str(tmp_path / "file"), "/etc/file", ("bind",)).perform(root)
    assert os.path.isdir(root + "/srv/data") and os.path.isfile(root + "/etc/file")
    private = (None, consts.MS_PRIVATE | consts.MS_REC, None)
    assert mounted == [
        (str(tmp_path / "data"), root + "/srv/data", None, consts.MS_BIND | consts.MS_REC, None), (None, root + "/srv/data", *private),
        (str(tmp_path / "file"), root + "/etc/file", None, consts.MS_BIND, None), (None, root + "/etc/file", *private)]


def test_bind_read_only_is_a_second_mount(root, mounted, tmp_path):
    mounts.Bind(str(tmp_path), "/x", ("rbind", "ro", "nosuid", "shared")).perform(root)
    assert [call[3] & consts.MS_REMOUNT for call in mounted] == [0, consts.MS_REMOUNT, 0]
    wanted = consts.MS_BIND | consts.MS_RDONLY | consts.MS_NOSUID
    assert mounted[1][3] & wanted == wanted and mounted[2][3] == consts.MS_SHARED


def test_targets_are_looked_up_inside(root, mounted, tmp_path):
    os.symlink("/../../escaped", root + "/out")
    mounts.Bind(str(tmp_path), "/out/x").perform(root)
    assert mounted[0][1] == root + "/escaped/x" and not (tmp_path / "escaped").exists()


def test_sources_behind_a_dot_are_looked_up_inside(root, mounted, tmp_path):
    volume = tmp_path / "volume"
    (volume / "etc").mkdir(parents=True)
    (volume / "sub").symlink_to("/etc")
    mounts.Bind("%s/./sub" % volume, "/x").perform(root)
    assert mounted[0][0] == str(volume / "etc")
    with pytest.raises(FileNotFoundError):
        mounts.Bind("%s/./none" % volume, "/x").perform(root)


def test_masks(root, mounted):
    os.makedirs(root + "/proc/scsi")
    os.mkdir(root + "/dev")
    for name in ("proc/keys", "dev/null"):
        with open(os.path.join(root, name), "w", encoding="ascii"):
            pass
    for path in ("/proc/keys", "/proc/scsi", "/proc/none", "/proc/keys/below"):
        mounts.Mask(path).perform(root)
    assert [call[:3] for call in mounted] == [(root + "/dev/null", root + "/proc/keys", None), ("tmpfs", root + "/proc/scsi", "tmpfs")]
    assert mounted[1][3] & consts.MS_RDONLY


def test_read_only_paths(root, mounted):
    os.makedirs(root + "/proc/sys")
    mounts.ReadOnly("/proc/sys").perform(root)
    mounts.ReadOnly("/proc/none").perform(root)
    assert [call[1] for call in mounted] == [root + "/proc/sys"] * 2
    assert mounted[1][3] & (consts.MS_REMOUNT | consts.MS_RDONLY) == consts.MS_REMOUNT | consts.MS_RDONLY


def test_links_and_directories(root):
    mounts.Symlink("/proc/self/fd", "/dev/fd").perform(root)
    mounts.Symlink("/elsewhere", "/dev/fd").perform(root)
    assert os.readlink(root + "/dev/fd") == "/proc/self/fd"
    mounts.MakeDirectory("/a/b", 0o700).perform(root)
    assert stat.S_IMODE(os.stat(root + "/a/b").st_mode) == 0o700


def test_device_falls_back_to_a_bind(root, mounted, monkeypatch):
    def refuse(*unused_arguments, **unused_options):
        raise PermissionError

    monkeypatch.setattr(os, "mknod", refuse)
    mounts.DeviceNode("/dev/null", "c", 1, 3).perform(root)
    assert mounted[0][:4] == ("/dev/null", root + "/dev/null", None, consts.MS_BIND)


@pytest.mark.parametrize("operation", [
    mounts.FileSystem("proc", "proc", "/proc"), mounts.Bind("/a", "/b"), mounts.Symlink("/a", "/b"), mounts.DeviceNode("/dev/x", "c", 1, 3),
    mounts.MakeDirectory("/a"), mounts.Mask("/a"), mounts.ReadOnly("/a"), mounts.Remount("/a", ("ro",)),
])
def test_each_operation_says_what_it_does(operation):
    assert "/" in operation.describe() and operation == type(operation)(**vars(operation))
