# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports: the images that an archive or a layout is to hold against those that it holds."""

from __future__ import annotations

import dataclasses
import os
from typing import FrozenSet, Optional, Tuple

from ..errors import Conflict, Corrupt, EngineError, InvalidValue, Unsupported
from ..image import export
from ..image.archive import platform_of_host, survey
from ..image.store import ImageStore
from ..layer import stream
from ..plan import Action, Plan
from ..spec.reference import Reference

_LISTS = {export.DOCKER: "manifest.json", export.OCI: "index.json", export.LAYOUT: "index.json"}


@dataclasses.dataclass(frozen=True)
class DesiredExport:
    """``images``: tuple of :class:`~image.export.Exported`, each image once. ``force``: write it whatever is there."""

    path: str
    images: Tuple[export.Exported, ...]
    kind: str = export.DOCKER
    compression: str = export.NONE
    force: bool = False


@dataclasses.dataclass(frozen=True)
class ObservedExport:
    """What is at the path.

    :param exists: whether anything is. :param holds: (image ID, references) of what it holds; None where it cannot be read as images.
    :param lists: by which documents. :param compression: of the file as a whole.
    """

    exists: bool = False
    directory: bool = False
    empty: bool = False
    holds: Optional[FrozenSet[Tuple[str, FrozenSet[str]]]] = None
    lists: Tuple[str, ...] = ()
    compression: str = export.NONE


def observe(path):
    """What is there.

    :raises InvalidValue: the directory for it does not exist.
    """
    parent = os.path.dirname(path.rstrip("/")) or "."
    if not os.path.isdir(parent):
        raise InvalidValue("path", path, "lies in a directory that does not exist", "make the directory first")
    if not os.path.lexists(path):
        return ObservedExport()
    directory = os.path.isdir(path)
    if not directory and not os.path.isfile(path):
        raise InvalidValue("path", path, "is neither a file nor a directory", "give another path")
    compression = export.NONE if directory else stream.compression_of(path) or export.NONE
    try:
        images, lists = survey(path, platform_of_host())
    except (Corrupt, Unsupported, InvalidValue):
        return ObservedExport(True, directory, directory and not os.listdir(path), None, (), compression)
    holds = frozenset((each.id, frozenset(each.references)) for each in images)
    return ObservedExport(True, directory, False, holds, tuple(lists), compression)


def plan_export(desired, observed):
    """The :class:`Plan` that makes the path hold exactly the images that are asked for.

    :raises Conflict: a directory would be replaced that holds something else.
    """
    _check_place(desired, observed)
    wanted = frozenset((each.image.id, frozenset(each.references)) for each in desired.images)
    same = observed.holds == wanted and _LISTS[desired.kind] in observed.lists and observed.compression == desired.compression
    if same and not desired.force:
        return Plan()
    return Plan([ExportImages(desired)], {"exists": observed.exists, "images": _facts(observed.holds or ())},
                {"exists": True, "images": _facts(wanted)})


def _check_place(desired, observed):
    if not observed.exists:
        return
    if desired.kind != export.LAYOUT:
        if observed.directory:
            raise InvalidValue("path", desired.path, "is a directory", "give the name of a file, or format: oci")
        return
    if not observed.directory:
        raise InvalidValue("path", desired.path, "is a file", "give the name of a directory, or another format")
    if observed.empty or (desired.force and observed.holds is not None):
        return
    if observed.holds is None:
        raise Conflict("path: %s is a directory and no OCI layout" % desired.path, "give another path, or empty the directory")
    ours = {reference for each in desired.images for reference in each.references} | {each.image.id for each in desired.images}
    others = sorted(name for image_id, references in observed.holds for name in references or (image_id,) if name not in ours)
    if others:
        raise Conflict("path: %s is an OCI layout that also has %s" % (desired.path, ", ".join(others)),
                       "name these images as well, or set force: true to replace the layout")


def _facts(holds):
    found = {}
    for image_id, references in holds:
        found.update({Reference.parse(each).familiar: image_id for each in references} or {image_id: image_id})
    return dict(sorted(found.items()))


@dataclasses.dataclass(frozen=True)
class ExportImages(Action):
    """Write the archive or the layout."""

    desired: DesiredExport

    def describe(self):
        names = []
        for each in self.desired.images:
            names += [Reference.parse(text).familiar for text in each.references] or [each.image.short_id]
        return "export %s to %s (%s)" % (", ".join(sorted(names)), self.desired.path, self.desired.kind)

    def execute(self, roots):
        desired = self.desired
        export.export(ImageStore(roots), desired.images, desired.path, desired.kind, desired.compression)


def collect(images):
    """Pairs (Image, canonical reference or None) as a tuple of :class:`~image.export.Exported`: each image once, in a fixed order."""
    found = {}
    for image, reference in images:
        names = found.setdefault(image.id, (image, []))[1]
        if reference is not None:
            names.append(reference)
    if not found:
        raise EngineError("names is empty", "name at least one image")
    return tuple(export.Exported(image, tuple(sorted(set(names)))) for unused, (image, names) in sorted(found.items()))
