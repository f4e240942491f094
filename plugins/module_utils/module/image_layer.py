# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_layer``."""

from __future__ import annotations

from ..engine.errors import InvalidValue, NotFound
from ..engine.image.layering import ABSENT, DIRECTORY, FILE, HARD, LINK, LayerArchive, LayerContent, LayerFile, tree_of
from ..engine.image.store import ImageStore
from ..engine.reconcile.image_create import LayerRequest, reconcile
from .image import inspected, named_reference, resolve
from .image_options import CONFIG, parsed_changes, platform
from .run import Outcome

_LAST_ID = (1 << 32) - 2

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "base": {"type": "str"},
    "files": {"type": "list", "elements": "dict", "options": {
        "path": {"type": "str", "required": True},
        "content": {"type": "str"},
        "src": {"type": "str"},
        "mode": {"type": "raw"},
        "owner": {"type": "int", "default": 0, "aliases": ["uid"]},
        "group": {"type": "int", "default": 0, "aliases": ["gid"]},
        "state": {"type": "str", "default": "file", "choices": ["absent", "directory", "file", "hard", "link"]},
    }, "mutually_exclusive": [("content", "src")]},
    "archives": {"type": "list", "elements": "dict", "options": {
        "src": {"type": "path", "required": True},
        "dest": {"type": "str", "default": "/"},
    }},
    "removals": {"type": "list", "elements": "str"},
    **CONFIG,
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    reference = named_reference(params["name"], params["tag"])
    base = _base(roots, params["base"])
    if base is not None and reference.canonical in base.references:
        raise InvalidValue("base", params["base"], "is the image %s itself, which would get a layer in every run" % reference.familiar,
                           "give the image another name or tag than its base")
    request = LayerRequest(base, content(params), platform(params), parsed_changes(params))
    if base is None and not request.content:
        raise InvalidValue("base", None, "is needed where files, archives and removals are empty",
                           "give base, or something to put into the image")
    plan, image_id = reconcile(roots, reference, request, "create", check_mode)
    return Outcome(lambda: {"image": inspected(roots, reference) if not (plan and check_mode) else {}, "id": image_id}, plan)


def _base(roots, name):
    if name is None:
        return None
    image = resolve(ImageStore(roots), name)[0]
    if image is None:
        raise NotFound("base: image %s is not on this host" % name, "pull, load or import it first")
    return image


def content(params):
    """The LayerContent of a module's parameters."""
    archives = [LayerArchive(each["src"], _path(each["dest"], "archives.dest", True)) for each in params["archives"] or []]
    files = tuple(file for each in params["files"] or [] for file in _files(each))
    seen = set()
    for each in files:
        if each.path in seen:
            raise InvalidValue("files", each.path, "is there twice", "leave one of them out")
        seen.add(each.path)
    return LayerContent(files, tuple(archives), tuple(_path(each, "removals") for each in params["removals"] or []))


def _files(item):
    """The LayerFiles of one element of ``files``: a directory with ``src`` stands for all that is in it."""
    if item["state"] != DIRECTORY or item["src"] is None:
        return [_file(item)]
    checked = _file(dict(item, src=None))
    return tree_of(checked.path, item["src"], checked.mode, checked.uid, checked.gid)


def _file(item):
    path, state = _path(item["path"], "files.path"), item["state"]
    if state == FILE and item["content"] is None and item["src"] is None:
        raise InvalidValue("files", path, "has neither content nor src", "give one of them, or state: directory")
    if state in (LINK, HARD) and not item["src"]:
        raise InvalidValue("files", path, "is a link without src", "give the link's target as src")
    if state == HARD:
        item = dict(item, src=_path(item["src"], "files.src"))
    if state in (DIRECTORY, ABSENT) and (item["content"] is not None or item["src"] is not None):
        raise InvalidValue("files", path, "is %s and has content" % state, "leave out content and src, or set state: file")
    if not 0 <= item["owner"] <= _LAST_ID or not 0 <= item["group"] <= _LAST_ID:
        raise InvalidValue("files", path, "has an owner or group that no file can have", "give numbers from 0 to %d" % _LAST_ID)
    data = item["content"].encode() if item["content"] is not None else None
    return LayerFile(path, state, data, item["src"], _mode(item["mode"], path), item["owner"], item["group"])


def _mode(value, path):
    """``"0644"`` and ``"644"`` are octal; a number is what YAML made of it, so that 0644 without quotes is right as well."""
    if value is None:
        return None
    try:
        mode = value if isinstance(value, int) and not isinstance(value, bool) else int(str(value), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise InvalidValue("files", value, "is not the mode of a file (%s)" % path, "write it as \"0644\"")
    return mode


def _path(value, option, may_be_root=False):
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if not value.startswith("/") or ".." in parts or "\0" in value or (not parts and not may_be_root):
        raise InvalidValue(option, value, "is not an absolute path inside the image", "begin it with / and leave out '..'")
    if any(part.startswith(".wh.") for part in parts):
        raise InvalidValue(option, value, "has a name with which layers mark what is removed", "put what is to go into removals")
    return "/" + "/".join(parts)
