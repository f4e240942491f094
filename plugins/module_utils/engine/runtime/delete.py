# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give back what a container held: after a stop (release), and for good (delete). Both go on over errors and may be repeated."""

from __future__ import annotations

import contextlib
import os

from ..cgroup.manager import open_manager
from ..errors import Collector, Conflict
from ..linux import netns
from ..state import listed
from . import sandbox
from .container import ContainerStore, remove_tree


def release(container):
    """After the last process: control group, network (its addresses stay reserved), namespaces, streams."""
    collector = Collector("container %s" % container.name)
    with collector.step():
        manager = open_manager(container.roots, container.id)
        manager.kill()
        manager.delete()
    with collector.step():
        sandbox.tear_down(container)
    with collector.step():
        remove_tree(container.volatile)
    collector.finish()


def delete(container, volumes=False):
    """Remove a container that does not run: network leases, record, writable layer; with ``volumes`` its anonymous volumes too."""
    collector = Collector("container %s" % container.name)
    with collector.step():
        release(container)
    with collector.step():
        sandbox.forget(container)
    if volumes:
        from ..volume.store import VolumeStore

        store = VolumeStore(container.roots)
        for name in container.record.anonymous_volumes:
            with collector.step(), contextlib.suppress(Conflict):
                # one that somebody mounted by its name stays
                store.remove(name, besides=container.name)
    if not collector.errors:
        with collector.step():
            ContainerStore(container.roots).forget(container)
    collector.finish()


def sweep(roots):
    """Remove what killed runs left.

    Containers without a name, namespaces and control groups without a container, half removed directories.
    """
    store = ContainerStore(roots)
    with roots.lock("containers"):
        store.clear_rubbish()
        leftovers = store.leftovers()
        known = set(store.ids())
        for identity in listed(roots.netns):
            if identity not in known:
                netns.unpin(os.path.join(roots.netns, identity))
    for container in leftovers:
        delete(container, volumes=True)
