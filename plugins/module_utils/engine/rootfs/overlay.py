# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The union file system of a container: read-only layers below, one directory for what it writes.

``lower/0`` (the topmost layer) to ``lower/N`` are symbolic links, because mount(2) takes one page of options: 128 layers of 64-digit names
do not fit, 128 short relative names do. The mount is made inside the container's own mount namespace: the host never sees it, nothing can
leak.
"""

from __future__ import annotations

import os
import re
import stat

from ..linux import calls

PARAMETERS = "/sys/module/overlay/parameters"
DIRECTORIES = ("upper", "work", "merged", "lower")


def prepare(directory, layers):
    """Lay out a container's directory for :func:`mount_root`. Safe to repeat.

    :param layers: absolute paths of unpacked layers, lowest first.
    """
    for name in DIRECTORIES:
        os.makedirs(os.path.join(directory, name), mode=0o700 if name == "work" else 0o755, exist_ok=True)
    for index, layer in enumerate(reversed(layers)):
        link = os.path.join(directory, "lower", str(index))
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(layer, link)


def layer_links(directory):
    """Absolute names of the lower links, topmost first."""
    lower = os.path.join(directory, "lower")
    return [os.path.join(lower, name) for name in sorted(os.listdir(lower), key=int)]


def options(directory):
    """The option string, relative to ``directory``."""
    names = ["lower/%s" % os.path.basename(link) for link in layer_links(directory)]
    if not names:
        # an image without layers (FROM scratch): overlayfs needs one lower directory, and that of the links is empty then
        names = ["lower"]
    return "lowerdir=%s,upperdir=upper,workdir=work%s" % (":".join(names), "".join(",%s=off" % name for name in _unwanted()))


def _unwanted():
    """What the host's overlayfs does by default and may not do here: ``upper`` must hold changes that make sense elsewhere (a layer).

    A renamed directory would be a reference to the old name, a file with another mode one without content.
    """
    found = []
    for name in ("redirect_dir", "metacopy", "index"):
        try:
            with open(os.path.join(PARAMETERS, name), encoding="ascii") as stream:
                found += [name] if stream.read(1) == "Y" else []
        except OSError:
            # an older kernel
            continue
    return found


def mount_root(directory, target="merged", volatile=False):
    """Mount the union at ``directory/target``; the working directory of this process moves to ``directory``.

    :param volatile: what is written need not outlive a power cut: fsync(2) does nothing, and unmounting waits for no disk. Such a directory
        can be mounted once only.
    """
    os.chdir(directory)
    calls.mount("overlay", target, "overlay", 0, options(directory) + (",volatile" if volatile and _knows_volatile() else ""))


def _knows_volatile():
    """Linux 5.10 and later."""
    return tuple(int(each) for each in re.findall(r"\d+", os.uname().release)[:2]) >= (5, 10)


def read_file(directory, path):
    """The content (bytes) of a file as the container would see it, or None; without mounting anything.

    Follows no symbolic links above the last component, which serves for /etc/passwd and /etc/group.
    """
    return read_branches([os.path.join(directory, "upper")] + layer_links(directory), path)


def read_branches(branches, path):
    """Like :func:`read_file`, of directories that are laid over each other, topmost first."""
    from .path import fd_path, open_in_root

    for branch in branches:
        branch = os.path.realpath(branch)
        try:
            fd = open_in_root(branch, path)
        except OSError:
            if _hides(branch, path):
                return None
            continue
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                # a whiteout, or something that is no file: either hides what lies below
                return None
            with open(fd_path(fd), "rb") as stream:
                return stream.read(1 << 20)
        finally:
            os.close(fd)
    return None


def _hides(branch, path):
    """Whether a parent of ``path`` in this branch (a whiteout, an opaque directory, a file) hides all branches below."""
    parts = path.strip("/").split("/")
    for end in range(1, len(parts)):
        parent = os.path.join(branch, *parts[:end])
        try:
            status = os.lstat(parent)
        except OSError:
            return False
        if _is_whiteout(status) or stat.S_ISREG(status.st_mode):
            return True
        if stat.S_ISDIR(status.st_mode) and _is_opaque(parent):
            return True
    return False


def _is_opaque(directory):
    try:
        return os.getxattr(directory, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False


def _is_whiteout(status):
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
