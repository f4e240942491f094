# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of RUN steps: one namespace a stage, in the host's default bridge network.

The namespace is held by a descriptor of this process, not pinned: however the build ends, the kernel takes it away with its links. The
address is given back by :func:`workspace.release`.
"""

from __future__ import annotations

import os

from ..linux import calls, consts
from ..net import attach, veth
from ..net.store import NetworkStore
from . import workspace


def open_namespace(build, number, mode):
    """Path of a new network namespace for stage ``number``: with a way to the world (``default``), or with a loopback only (``none``)."""
    descriptor = _new_namespace()
    build.networks.callback(os.close, descriptor)
    path = "/proc/self/fd/%d" % descriptor
    veth.loopback_up(path)
    if mode == "none":
        return path
    directory = build.workspace.directory
    # the mark by which the address is given back, also after a kill
    os.makedirs(os.path.join(directory, "net-%d" % number), exist_ok=True)
    identity = workspace.network_identity(directory, number)
    network = NetworkStore(build.roots).ensure_default()
    build.networks.callback(attach.detach_all, build.roots, identity, links=False)
    attach.attach(build.roots, attach.AttachRequest(
        network=network.name, container_id=identity, container_name="build-" + identity[:20], netns=path, default_route=True))
    return path


def _new_namespace():
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        calls.unshare(consts.CLONE_NEWNET)
        try:
            return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            calls.setns(home, consts.CLONE_NEWNET)
    finally:
        os.close(home)
