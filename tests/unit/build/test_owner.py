# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""--chown by the files of an image."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.owner import resolve_owner
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue


@pytest.fixture(name="image")
def _image(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0::/:\nweb:x:33:44::/:/bin/sh\n7:x:70:71::/:\n")
    (tmp_path / "etc" / "group").write_text("root:x:0:\nstaff:x:50:web\n")
    return str(tmp_path)


@pytest.mark.parametrize("text, owner", [
    ("web", (33, 44)), ("web:staff", (33, 50)), ("web:9", (33, 9)), ("1000", (1000, 1000)), ("1000:5", (1000, 5)),
    ("1000:staff", (1000, 50)),
    ("root", (0, 0)), ("root:staff", (0, 50)), ("33", (33, 33)), ("7", (7, 7)), ("web:root", (33, 0)),
])
def test_owners(image, text, owner):
    assert resolve_owner(text, image) == owner


@pytest.mark.parametrize("text", ["nobody", "web:nobody", "", ":5", "web:", "4294967295"])
def test_what_the_image_does_not_have(image, text):
    with pytest.raises(InvalidValue) as caught:
        resolve_owner(text, image)
    assert "--chown" in str(caught.value)


def test_numbers_and_root_need_no_files(tmp_path):
    assert resolve_owner("5:6", str(tmp_path)) == (5, 6)
    assert resolve_owner("root:root", str(tmp_path)) == (0, 0)
    with pytest.raises(InvalidValue):
        resolve_owner("web", str(tmp_path))


def test_a_passwd_that_is_a_link_out_of_the_image_is_looked_up_inside(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("spy:x:1:1::/:\n")
    image = tmp_path / "image"
    (image / "etc").mkdir(parents=True)
    os.symlink(outside, image / "etc" / "passwd")
    with pytest.raises(InvalidValue):
        resolve_owner("spy", str(image))
