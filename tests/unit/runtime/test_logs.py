# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what the watcher writes."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import logs


class Container:
    """As much of a container as a reader of its log needs."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, *names):
        return str(self.directory.joinpath(*names))


@pytest.fixture
def container(tmp_path):
    return Container(tmp_path)


def write(container, name, *lines):
    folder = container.directory / "logs"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"".join(lines))


def line(text, tag=b"F", stream=b"stdout"):
    return b"2026-01-31T12:00:00.000000000Z %s %s %s\n" % (stream, tag, text)


def test_nothing(container):
    assert list(logs.read(container)) == []


def test_oldest_file_first(container):
    write(container, "container.log", line(b"c"))
    for number in range(1, 12):
        write(container, "container.log.%d" % number, line(b"%d" % number))
    assert b"".join(text for unused, text in logs.read(container)) == b"11\n10\n9\n8\n7\n6\n5\n4\n3\n2\n1\nc\n"


def test_parts_have_no_newline(container):
    write(container, "container.log", line(b"long ", b"P"), line(b"line"), line(b"", stream=b"stderr"), line(b" a  b "))
    assert list(logs.read(container)) == [("stdout", b"long "), ("stdout", b"line\n"), ("stderr", b"\n"), ("stdout", b" a  b \n")]


@pytest.mark.parametrize("cut", range(1, 45, 4))
def test_a_line_that_is_being_written_is_left_out(container, cut):
    write(container, "container.log", line(b"whole"), line(b"half")[:-1][:cut])
    assert list(logs.read(container)) == [("stdout", b"whole\n")]
