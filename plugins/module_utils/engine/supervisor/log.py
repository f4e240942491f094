# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a container: lines as Kubernetes' container runtime interface writes them, in files that rotate.

``2026-01-31T12:00:00.123456789Z stdout F text``: F ends a line, P is a part of one longer than 16 KiB.
"""

from __future__ import annotations

import os
import time

LONGEST = 16384
NAME = "container.log"


def timestamp():
    """Now, as RFC 3339 in UTC with nanoseconds."""
    now = time.time_ns()
    return "%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)), now % 10**9)


class Log:
    """The files ``container.log`` (newest), ``container.log.1``, ...

    :param size: bytes after which a file is full, 0 or -1 for never; ``files``: how many are kept.
    """

    def __init__(self, directory, size, files):
        os.makedirs(directory, mode=0o750, exist_ok=True)
        self.path = os.path.join(directory, NAME)
        self.limits(size, files)
        self._open()

    def limits(self, size, files):
        self.size = size
        self.files = max(1, files)

    def _open(self):
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self.written = os.fstat(self.fd).st_size

    def write(self, lines):
        """Append whole lines (list of bytes), turning to a new file where one is full."""
        batch = []
        size = self.written
        for line in lines:
            if size and 0 < self.size < size + len(line):
                self._append(batch)
                self.rotate()
                batch, size = [], 0
            batch.append(line)
            size += len(line)
        self._append(batch)

    def _append(self, batch):
        """A full disk loses lines, never the container."""
        try:
            self.written += os.write(self.fd, b"".join(batch))
        except OSError:
            return

    def rotate(self):
        """Turn to a new file. Where that fails, the old one goes on: a full disk must not end the watcher."""
        full = self.fd
        try:
            for number in range(self.files - 1, 0, -1):
                older = self.path + (".%d" % (number - 1) if number > 1 else "")
                if os.path.exists(older):
                    os.rename(older, "%s.%d" % (self.path, number))
            if self.files == 1 and os.path.exists(self.path):
                os.unlink(self.path)
            self._open()
        except OSError:
            return
        os.close(full)

    def close(self):
        os.close(self.fd)


class Lines:
    """Cuts one stream into lines."""

    def __init__(self, target, stream):
        self.target = target
        self.stream = stream.encode()
        self.rest = b""

    def feed(self, data):
        pieces = (self.rest + data).split(b"\n")
        self.rest = pieces.pop()
        stamp = timestamp().encode()
        out = []
        for piece in pieces:
            while len(piece) > LONGEST:
                out.append(b"%s %s P %s\n" % (stamp, self.stream, piece[:LONGEST]))
                piece = piece[LONGEST:]
            out.append(b"%s %s F %s\n" % (stamp, self.stream, piece))
        while len(self.rest) > LONGEST:
            out.append(b"%s %s P %s\n" % (stamp, self.stream, self.rest[:LONGEST]))
            self.rest = self.rest[LONGEST:]
        if out:
            self.target.write(out)

    def flush(self):
        """The end of the stream: what has no newline yet is a line too."""
        if self.rest:
            self.target.write([b"%s %s F %s\n" % (timestamp().encode(), self.stream, self.rest)])
            self.rest = b""
