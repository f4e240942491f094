# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that cannot be written whole."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.state import write_bytes


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = str(tmp_path / "file")
    write_bytes(path, b"old")

    def full(*unused):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_bytes(path, b"new")
    assert caught.value.filename == path and os.listdir(str(tmp_path)) == ["file"]
    with open(path, "rb") as stream:
        assert stream.read() == b"old"
