# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines as Kubernetes' CRI writes them, and files that rotate."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import logs
from ansible_collections.agentless.containers.plugins.module_utils.engine.supervisor import log


class Target:
    """Takes what a stream writes."""

    def __init__(self):
        self.lines = []

    def write(self, lines):
        self.lines += lines


def text_of(lines):
    return b"".join(logs.parse(line)[1] for line in lines)


def test_one_line():
    target = Target()
    log.Lines(target, "stdout").feed(b"hello world\n")
    assert re.match(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F hello world\n\Z", target.lines[0]) and len(target.lines) == 1


def test_a_line_in_pieces_and_one_without_an_end():
    target = Target()
    lines = log.Lines(target, "stderr")
    lines.feed(b"he")
    lines.feed(b"llo\n\nrest")
    assert [logs.parse(line) for line in target.lines] == [("stderr", b"hello\n"), ("stderr", b"\n")]
    lines.flush()
    lines.flush()
    assert logs.parse(target.lines[2]) == ("stderr", b"rest\n") and len(target.lines) == 3


@pytest.mark.parametrize(("length", "tags"), [
    (log.LONGEST, "F"), (log.LONGEST + 1, "PF"), (2 * log.LONGEST, "PF"), (2 * log.LONGEST + 1, "PPF"),
])
@pytest.mark.parametrize("piece", [1000, 1 << 20])
def test_long_lines_are_cut(length, tags, piece):
    target = Target()
    lines = log.Lines(target, "stdout")
    data = b"x" * length + b"\n"
    for start in range(0, len(data), piece):
        lines.feed(data[start:start + piece])
    assert "".join(line.split(b" ")[2].decode() for line in target.lines) == tags
    assert text_of(target.lines) == data


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_what_goes_in_comes_out(pieces):
    target = Target()
    lines = log.Lines(target, "stdout")
    for piece in pieces:
        lines.feed(piece)
    lines.flush()
    data = b"".join(pieces)
    assert text_of(target.lines) == data + (b"\n" if data and not data.endswith(b"\n") else b"")
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in target.lines)


def content(directory):
    found = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as stream:
            found[name] = stream.read()
    return found


def test_rotation_keeps_the_newest_files(tmp_path):
    target = log.Log(str(tmp_path), 10, 3)
    for number in range(10):
        target.write([b"line%03d\n" % number])
    target.close()
    assert content(tmp_path) == {"container.log": b"line009\n", "container.log.1": b"line008\n", "container.log.2": b"line007\n"}


def test_one_batch_may_fill_many_files(tmp_path):
    target = log.Log(str(tmp_path), 20, 4)
    target.write([b"line%03d\n" % number for number in range(6)])
    assert content(tmp_path) == {"container.log": b"line004\nline005\n", "container.log.1": b"line002\nline003\n",
                                 "container.log.2": b"line000\nline001\n"}
    target.close()


def test_one_file(tmp_path):
    target = log.Log(str(tmp_path), 10, 1)
    for number in range(3):
        target.write([b"line%03d\n" % number])
    assert content(tmp_path) == {"container.log": b"line002\n"}
    target.close()


@pytest.mark.parametrize("size", [0, -1])
def test_without_limit(tmp_path, size):
    target = log.Log(str(tmp_path), size, 3)
    for number in range(100):
        target.write([b"line%03d\n" % number])
    assert list(content(tmp_path)) == ["container.log"] and len(content(tmp_path)["container.log"]) == 800
    target.close()


def test_a_new_watcher_goes_on_in_the_same_file(tmp_path):
    for number in range(2):
        target = log.Log(str(tmp_path), 10, 3)
        target.write([b"line%d\n" % number])
        target.close()
    assert content(tmp_path) == {"container.log": b"line1\n", "container.log.1": b"line0\n"}
    target = log.Log(str(tmp_path), 10, 3)
    target.limits(1000, 0)
    target.write([b"line2\n"])
    assert content(tmp_path)["container.log"] == b"line1\nline2\n" and target.files == 1
    target.close()


def test_where_rotation_fails_the_old_file_goes_on(tmp_path, monkeypatch):
    target = log.Log(str(tmp_path), 10, 2)
    target.write([b"line000\n"])

    def full(*unused):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log.os, "rename", full)
    target.write([b"line001\n"])
    monkeypatch.undo()
    assert content(tmp_path) == {"container.log": b"line000\nline001\n"}
    monkeypatch.setattr(log.os, "open", full)
    target.write([b"line002\n"])
    monkeypatch.undo()
    target.write([b"line003\n"])
    target.close()
    assert b"".join(content(tmp_path).values()).count(b"line") == 4


def test_full_disk_loses_lines_only(tmp_path, monkeypatch):
    target = log.Log(str(tmp_path), 100, 2)

    def full(*unused):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log.os, "write", full)
    target.write([b"lost\n"])
    monkeypatch.undo()
    target.write([b"kept\n"])
    assert content(tmp_path) == {"container.log": b"kept\n"}
    target.close()
