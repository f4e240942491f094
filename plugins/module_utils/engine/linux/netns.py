# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces by file: enter one for the length of a block, pin one so that it outlives its processes."""

from __future__ import annotations

import contextlib
import errno
import os

from . import calls, consts


@contextlib.contextmanager
def entered(path, flag=consts.CLONE_NEWNET):
    """Work inside the namespace at ``path`` (this thread only), then come back.

    :param path: a file such as /run/agentless/netns/ID or /proc/PID/ns/net; None stays where it is.
    """
    if path is None:
        yield
        return
    name = {value: key for key, value in consts.NAMESPACE_FLAGS.items()}[flag]
    home = os.open("/proc/thread-self/ns/%s" % name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            calls.setns(target, flag)
        finally:
            os.close(target)
        try:
            yield
        finally:
            calls.setns(home, flag)
    finally:
        os.close(home)


def pin_new_netns(path):
    """Make a network namespace and pin it at ``path`` by a bind mount. The caller's own namespace does not change.

    :raises OSError: EEXIST if something is pinned there already.
    """
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        calls.unshare(consts.CLONE_NEWNET)
        try:
            calls.mount("/proc/thread-self/ns/net", path, None, consts.MS_BIND)
        finally:
            calls.setns(home, consts.CLONE_NEWNET)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(home)


def unpin(path):
    """Undo :func:`pin_new_netns`; a missing file or mount is success. Returns whether there was one."""
    try:
        while True:
            calls.umount2(path, consts.MNT_DETACH | consts.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def is_pinned(path):
    """Whether ``path`` is a live namespace file: its file system is nsfs (device differs from its directory's)."""
    try:
        return os.stat(path).st_dev != os.stat(os.path.dirname(path)).st_dev
    except FileNotFoundError:
        return False
