# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the image modules refuse before anything is made; every message names the option."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import Platform
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots
from ansible_collections.agentless.containers.plugins.module_utils.module import (
    image_import,
    image_layer,
    image_load,
    image_pull,
    image_tag,
)


@pytest.fixture
def roots(tmp_path):
    roots = Roots(str(tmp_path / "state"))
    store = ImageStore(roots)
    descriptor = create.store_image(store.blobs, create.new_config(Platform("amd64", "linux")), [])
    store.add(descriptor, [Reference.parse("base:1").canonical])
    return roots


def ask(module, roots, **values):
    """Call a module's handle with all its defaults, those of image_layer's files too."""
    filled = {name: entry.get("default") for name, entry in module.ARGUMENTS.items()}
    files = module.ARGUMENTS.get("files", {}).get("options", {})
    for each in values.get("files", ()):
        each.update({name: entry.get("default") for name, entry in files.items() if name not in each})
    return module.handle({**filled, **values}, roots, True)


@pytest.mark.parametrize("module, values, says", [
    (image_layer, {"files": [{"path": "/x", "content": "a"}, {"path": "//x/", "state": "absent"}]}, "files: '/x' is there twice"),
    (image_layer, {"files": [{"path": "/a/.wh.x", "content": "a"}]}, "files.path: '/a/.wh.x' has a name with which layers mark"),
    (image_layer, {"removals": ["/.wh..wh..opq"]}, "removals: '/.wh..wh..opq' has a name with which"),
    (image_layer, {"files": [{"path": "/x", "content": "a", "owner": -1}]}, "files: '/x' has an owner or group that no file can have"),
    (image_layer, {"files": [{"path": "/x", "content": "a", "group": 2**32 - 1}]}, "files: '/x' has an owner or group"),
    (image_layer, {"name": "base", "tag": "1", "base": "base:1", "labels": {"a": "b"}}, "base: 'base:1' is the image base:1 itself"),
    (image_tag, {"name": "base:1", "repository": ["sha256:" + "0" * 64]}, "repository: 'sha256:%s' is an image ID" % ("0" * 64)),
    (image_pull, {"timeout": 0}, "timeout: 0 is no time to wait"),
    (image_pull, {"timeout": -5}, "timeout: -5 is no time to wait"),
])
def test_refused(roots, module, values, says):
    with pytest.raises(InvalidValue) as caught:
        ask(module, roots, **{"name": "new:1", **values})
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("module, option, values", [(image_load, "path", {}), (image_import, "src", {"name": "new:1"})])
def test_a_pipe_is_no_archive(roots, tmp_path, module, option, values):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    with pytest.raises(InvalidValue, match="%s: .*pipe' is not a regular file" % option):
        ask(module, roots, **values, **{option: path})
