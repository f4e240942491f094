# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's root file system in a tar file, compared with what is there by its digest."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import secrets
from typing import Optional

from .. import state
from ..errors import InvalidValue
from ..image import export
from ..layer import stream
from ..plan import Action, Plan
from ..runtime import commit
from ..runtime.container import ContainerStore


@dataclasses.dataclass(frozen=True)
class ExportRequest:
    """``compression``: see image/export.py. ``force``: write it though the same is there."""

    container: str
    path: str
    compression: str = export.NONE
    force: bool = False


@dataclasses.dataclass(frozen=True)
class ExportObserved:
    """Digests: of the file that is there (None: there is none), and of what the export would be."""

    name: str
    present: Optional[str]
    coming: str


def observe(roots, request):
    """Read what is there and what would be.

    :raises NotFound: no such container. InvalidValue: no file can be at the path.
    """
    container = ContainerStore(roots).get(request.container)
    if not os.path.isdir(os.path.dirname(request.path) or "."):
        raise InvalidValue("path", request.path, "lies in a directory that does not exist", "make the directory first")
    if os.path.lexists(request.path) and not os.path.isfile(request.path):
        raise InvalidValue("path", request.path, "is not a regular file", "give another path")
    present = None
    if os.path.exists(request.path):
        present = _digest(stream.read_file(request.path))
    return ExportObserved(container.name, present, _digest(_content(container, request.compression)))


def plan_export(request, observed):
    """The :class:`Plan` of an :class:`ExportRequest`."""
    if observed.present == observed.coming and not request.force:
        return Plan()
    return Plan([ExportContainer(observed.name, request)], {"digest": observed.present}, {"digest": observed.coming})


@dataclasses.dataclass(frozen=True)
class ExportContainer(Action):
    """Write the file, beside its place first."""

    name: str
    request: ExportRequest

    def describe(self):
        return "export the file system of container %s to %s" % (self.name, self.request.path)

    def execute(self, roots):
        container = ContainerStore(roots).get(self.name)
        path = self.request.path
        export.clear_leftovers(path)
        temporary = os.path.join(os.path.dirname(path), ".%s.%s.tmp" % (os.path.basename(path), secrets.token_hex(4)))
        try:
            with open(temporary, "xb", opener=export.private) as target:
                fcntl.flock(target, fcntl.LOCK_EX)
                target.writelines(_content(container, self.request.compression))
                target.flush()
                os.fsync(target.fileno())
            export.keep_attributes(path, temporary)
            os.rename(temporary, path)
        except BaseException:
            state.remove_file(temporary)
            raise
        state.sync_directory(os.path.dirname(path) or ".")


def _content(container, compression):
    return export.packed(stream.threaded(commit.root_file_system(container)), compression)


def _digest(chunks):
    content = stream.Hashing(chunks)
    for unused in content:
        pass
    return content.digest()
