# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handshake between the process that makes a container (parent) and the container's first process (init).

::

    parent                                   init
      | clone(namespaces) -------------------> |
      | puts it into its control groups        | waits
      | PLACED ------------------------------> |
      |                                        | cgroup namespace, mounts, pivot_root, hostname, masks
      | <-------------------- READY (or ERROR) |
      | records "created", runs hooks          | waits
      | START -------------------------------> |
      |                                        | identity, capabilities, seccomp
      | <-------- end of file: execve succeeded|
      |           (or ERROR)                   |

One datagram a message over a socketpair(AF_UNIX, SOCK_SEQPACKET) that is closed on exec. A message is one kind byte and text. The end of
file is the proof of execve(2): no other way closes the socket without an ERROR before it, but death.
"""

from __future__ import annotations

import os
import socket

from ..errors import EngineError, TimedOut

PLACED = b"P"
READY = b"R"
START = b"S"
ERROR = b"E"
CONSOLE = b"C"
_LIMIT = 8192


class Channel:
    """One end of the handshake."""

    def __init__(self, end):
        self._end = end

    @classmethod
    def pair(cls):
        """Both ends: (parent's, init's)."""
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        return cls(first), cls(second)

    def fileno(self):
        return self._end.fileno()

    def close(self):
        self._end.close()

    def send(self, kind, text=""):
        """Send one message; the other end being gone is the receiver's finding, not the sender's."""
        try:
            self._end.send(kind + text.encode("utf-8", "surrogateescape")[:_LIMIT - 1])
        except (BrokenPipeError, ConnectionResetError):
            return

    def send_descriptor(self, fd):
        """Hand over the master of a terminal."""
        socket.send_fds(self._end, [CONSOLE], [fd])

    def receive_descriptor(self):
        """Take the master of a terminal, or what stopped it."""
        data, fds, unused_flags, unused_address = socket.recv_fds(self._end, _LIMIT, 1)
        if data[:1] == CONSOLE and fds:
            return fds[0]
        raise EngineError(data[1:].decode("utf-8", "replace") or "the container's first process died while it was set up")

    def receive(self, expected, timeout=None):
        """Wait for one message.

        :param expected: its kind, or None for end of file.
        :param timeout: seconds; None waits without end.
        :returns: its text.
        :raises EngineError: the other end sent ERROR (its text), or died.
        """
        self._end.settimeout(timeout)
        try:
            data = self._end.recv(_LIMIT)
        except socket.timeout:
            raise TimedOut("the container's first process did not answer in %s seconds" % timeout) from None
        except ConnectionResetError:
            data = b""
        kind, text = data[:1], data[1:].decode("utf-8", "surrogateescape")
        if kind == ERROR:
            raise EngineError(text)
        if not data and expected is not None:
            raise EngineError("the container's first process died while it was set up (killed, or out of memory)")
        if data and kind != expected:
            raise EngineError("unexpected message %r in the handshake" % data[:40])
        return text


def fail(channel, what, error):
    """In init: say why and die. Imports nothing: the engine's files are out of reach after pivot_root."""
    if isinstance(error, OSError) and error.strerror:
        place = "%s: " % error.filename if error.filename else ""
        text = "%s: %s%s" % (what, place, error.strerror.lower())
    else:
        text = "%s: %s" % (what, error)
    channel.send(ERROR, text)
    os._exit(127)
