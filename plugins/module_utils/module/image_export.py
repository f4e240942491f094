# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_export``."""

from __future__ import annotations

from ..engine.errors import InvalidValue, NotFound
from ..engine.image.export import DOCKER, GZIP, LAYOUT, NONE, OCI, ZSTD
from ..engine.image.store import ImageStore
from ..engine.reconcile.image_export import DesiredExport, collect, observe, plan_export
from .image import resolve
from .run import Outcome

ARGUMENTS = {
    "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
    "tag": {"type": "str", "default": "latest"},
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "default": DOCKER, "choices": [DOCKER, OCI, LAYOUT]},
    "compression": {"type": "str", "default": NONE, "choices": [NONE, GZIP, ZSTD]},
    "force": {"type": "bool", "default": False},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    if params["format"] == LAYOUT and params["compression"] != NONE:
        raise InvalidValue("compression", params["compression"], "is for archives, and an OCI layout is a directory",
                           "leave compression out; the layers keep that which they have")
    store = ImageStore(roots)
    images = collect([_image(store, name, params["tag"]) for name in params["names"]])
    desired = DesiredExport(params["path"], images, params["format"], params["compression"], params["force"])
    plan = plan_export(desired, observe(params["path"]))
    return Outcome(lambda: {"images": [store.inspect(each.image) for each in images]}, plan)


def _image(store, name, tag):
    image, reference = resolve(store, name, tag)
    if image is None:
        raise NotFound("names: image %s is not on this host" % (reference.familiar if reference else name), "pull, load or import it first")
    return image, reference.canonical if reference is not None and not reference.digest else None
