# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that cannot be written whole."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
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


def test_a_locked_directory_survives_a_sweep_between_making_and_locking(tmp_path, monkeypatch):
    made = state.make_directory
    swept = []

    def sweep_first(path, mode=0o700):
        made(path, mode)
        if not swept:
            swept.append(path)
            os.rmdir(path)

    monkeypatch.setattr(state, "make_directory", sweep_first)
    path, fd = state.make_locked_directory(str(tmp_path), ".stage-")
    try:
        assert swept and os.path.isdir(path) and path != swept[0] and os.path.basename(path).startswith(".stage-")
        other = os.open(path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(other)
    finally:
        os.close(fd)
