# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill a new volume with what the image has at its place, as Docker does.

The union is mounted for a moment in a mount namespace of a child process, so nothing shows on the host and a kill leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import stat

from ..errors import EngineError
from ..linux import calls, consts
from ..rootfs import overlay
from ..rootfs.path import fd_path, open_in_root


def fill(container, target, directory):
    """Copy the image's content at ``target`` into ``directory`` if that is empty. Owner and mode of the directory itself come along."""
    if os.listdir(directory) or not _has_content(container, target):
        return
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(readable)
        try:
            _copy(container, target, directory)
            os._exit(0)
        except BaseException as error:  # pylint: disable=broad-except  # last frame of a process of its own
            os.write(writable, str(error).encode()[:4000])
        finally:
            os._exit(1)
    os.close(writable)
    with os.fdopen(readable, "rb") as stream:
        message = stream.read().decode("utf-8", "replace")
    if os.waitpid(pid, 0)[1] != 0:
        raise EngineError("the content of the image at %s could not be copied into its volume: %s" % (target, message or "killed"))


def _has_content(container, target):
    """Whether any layer has something at ``target``: spares the mount for the common case."""
    for link in overlay.layer_links(container.directory):
        try:
            fd = open_in_root(os.path.realpath(link), target)
        except OSError:
            continue
        os.close(fd)
        return True
    return False


def _copy(container, target, directory):
    calls.unshare(consts.CLONE_NEWNS)
    calls.mount(None, "/", None, consts.MS_PRIVATE | consts.MS_REC)
    overlay.mount_root(container.directory)
    try:
        source = open_in_root(container.path("merged"), target)
    except OSError:
        return
    if stat.S_ISDIR(os.fstat(source).st_mode):
        copy_tree(fd_path(source) + "/.", directory)


def copy_tree(source, target):
    """Copy a directory's content with owners, modes, times, extended attributes, links and device nodes."""
    hard_links = {}
    _copy_directory(source, target, hard_links)


def _copy_directory(source, target, hard_links):
    with os.scandir(source) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            path = os.path.join(target, entry.name)
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(path)
                _copy_directory(entry.path, path, hard_links)
            elif status.st_nlink > 1 and (status.st_dev, status.st_ino) in hard_links:
                os.link(hard_links[status.st_dev, status.st_ino], path, follow_symlinks=False)
                continue
            elif stat.S_ISREG(status.st_mode):
                shutil.copyfile(entry.path, path)
            elif stat.S_ISLNK(status.st_mode):
                os.symlink(os.readlink(entry.path), path)
            else:
                os.mknod(path, status.st_mode, status.st_rdev)
            hard_links[status.st_dev, status.st_ino] = path
            os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
            shutil.copystat(entry.path, path, follow_symlinks=False)
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
    shutil.copystat(source, target)
