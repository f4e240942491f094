# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a container's log: the files that its watcher writes (supervisor/log.py), oldest first."""

from __future__ import annotations

import os
import time

from .container import PAUSED, RESTARTING, RUNNING

NAME = "container.log"


def read(container, follow=False):
    """Generator of (stream, bytes): the text as the container wrote it, line by line.

    :param follow: go on with what comes until the container ends.
    """
    for path in files(container):
        with open(path, "rb") as stream:
            rest = b""
            for line in stream:
                if not line.endswith(b"\n"):
                    # the watcher is just writing it
                    rest = line
                    break
                yield parse(line)
            if follow and path.endswith(NAME):
                yield from _follow(container, stream, rest)


def files(container):
    """Paths of the log files, oldest first."""
    directory = container.path("logs")
    try:
        names = [name for name in os.listdir(directory) if name == NAME or name.startswith(NAME + ".")]
    except FileNotFoundError:
        return []
    names.sort(key=lambda name: -int(name[len(NAME) + 1:] or 0))
    return [os.path.join(directory, name) for name in names]


def parse(line):
    """(stream, bytes) of one line of the log; a part (P) has no newline of its own."""
    unused_time, stream, tag, text = line.rstrip(b"\n").split(b" ", 3)
    return stream.decode(), text + (b"\n" if tag == b"F" else b"")


def _follow(container, stream, rest=b""):
    path = stream.name
    while True:
        data = stream.read()
        if data:
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield parse(line)
            continue
        if os.path.exists(path) and os.stat(path).st_ino != os.fstat(stream.fileno()).st_ino:
            with open(path, "rb") as fresh:
                yield from _follow(container, fresh)
            return
        if container.state().status not in (RUNNING, PAUSED, RESTARTING):
            return
        time.sleep(0.1)
