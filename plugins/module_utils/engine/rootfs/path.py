# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths inside a root that nobody need trust: a symbolic link or ``..`` never leads out of it.

The walk goes one component at a time with O_NOFOLLOW and keeps a stack of directory descriptors, so that a name swapped for a link
while we look (the class of CVE-2021-30465) is either followed inside the root or refused. Works on every kernel, without openat2(2).
"""

from __future__ import annotations

import errno
import os
import stat

_O_DIR = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_O_ANY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_LINKS = 40


def open_in_root(root, path, create=None, mode=0o755, made=None):
    """An O_PATH descriptor of ``path`` as a process with this root would see it.

    :param root: path of the root directory.
    :param create: ``"directory"`` or ``"file"`` makes what is missing (parents are directories).
    :param made: function (descriptor of the parent, name) that is told of every directory made.
    :raises OSError: ENOENT, ELOOP, ENOTDIR; ``filename`` is the path inside the root.
    """
    stack = _walk(root, path, create, mode, made)[0]
    found = stack.pop()
    for fd in stack:
        os.close(fd)
    return found


def locate_in_root(root, path):
    """(O_PATH descriptor of a directory, name in it, whether the way there stays on the root's own file system).

    Directory and name are of what ``path`` leads to, for calls that take the two; the name is no link.

    A link of /proc that leads elsewhere than its text says (``/proc/self/exe``) is taken by its text.

    :raises OSError: as :func:`open_in_root`; EISDIR for the root itself.
    """
    stack, names, devices = _walk(root, path, None, 0)
    os.close(stack.pop())
    parent = stack.pop() if stack else None
    for fd in stack:
        os.close(fd)
    if parent is None:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return parent, names[-1], len(devices) == 1


def place_in_root(root, path, made=None):
    """(O_PATH descriptor of a directory, name in it, O_PATH descriptor of what has this name or None): where ``path`` leads or would lead.

    Missing directories on the way are made; the name is no link. The root itself has the name ``.``.

    :param made: as for :func:`open_in_root`.
    """
    stack, names, unused = _walk(root, path, "parents", 0o755, made)
    found = stack.pop()
    if not stack:
        return os.dup(found), ".", found
    parent = stack.pop()
    for fd in stack:
        os.close(fd)
    return parent, names[-1], found


def _walk(root, path, create, mode, made=None):
    """(descriptors from the root to the end, their names, device numbers of all that was passed).

    With ``create="parents"`` the last descriptor may be None: all but it was made.
    """
    todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
    stack, names = [os.open(root, _O_DIR)], [None]
    devices = {os.fstat(stack[0]).st_dev}
    links = 0
    try:
        while todo:
            part = todo.pop()
            if part == "..":
                if len(stack) > 1:
                    os.close(stack.pop())
                    names.pop()
                continue
            if create == "parents" and not todo:
                fd = _look(stack[-1], part)
                if fd is None:
                    stack.append(None)
                    names.append(part)
                    break
            else:
                fd = _step(stack[-1], part, create if not todo else create and "directory", mode, path, made)
            status = os.fstat(fd)
            devices.add(status.st_dev)
            if stat.S_ISLNK(status.st_mode):
                target = os.readlink("", dir_fd=fd)
                os.close(fd)
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                if target.startswith("/"):
                    while len(stack) > 1:
                        os.close(stack.pop())
                        names.pop()
                todo.extend([each for each in target.split("/") if each not in ("", ".")][::-1])
                continue
            stack.append(fd)
            names.append(part)
            if todo and not stat.S_ISDIR(status.st_mode):
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    except BaseException:
        for fd in stack:
            os.close(fd)
        raise
    return stack, names, devices


def _look(directory, name):
    try:
        return os.open(name, _O_ANY, dir_fd=directory)
    except FileNotFoundError:
        return None


def _step(directory, name, create, mode, path, made=None):
    try:
        return os.open(name, _O_ANY, dir_fd=directory)
    except FileNotFoundError:
        if not create:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
    try:
        if create == "directory":
            os.mkdir(name, mode, dir_fd=directory)
            if made is not None:
                made(directory, name)
        else:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=directory))
    except FileExistsError:
        # lost a race with another process in the same volume: what is there now decides
        return os.open(name, _O_ANY, dir_fd=directory)
    return os.open(name, _O_ANY, dir_fd=directory)


def fd_path(fd):
    """The name by which mount(2) takes a descriptor."""
    return "/proc/self/fd/%d" % fd
