# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The socket of an authentication agent, handed on: a RUN gets a socket of its own with the owner and mode that its mount says.

The agent itself would refuse everybody but its owner and root, whatever the mode of its socket is. It sees root, who hands on.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading

_PIECE = 65536


def listen(directory, name, agent, mode, owner, undo):
    """Path of a socket ``name`` in ``directory`` whose connections go to the socket ``agent``, until ``undo`` ends it.

    :param owner: (uid, gid).
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    undo.callback(server.close)
    # the path of a socket holds 107 bytes, that of a build's directory may be longer
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        server.bind("/proc/self/fd/%d/%s" % (fd, name))
    finally:
        os.close(fd)
    path = os.path.join(directory, name)
    os.chown(path, *owner)
    os.chmod(path, mode)
    server.listen(16)
    threading.Thread(target=_serve, args=(server, agent), daemon=True).start()
    return path


def _serve(server, agent):
    while True:
        try:
            client = server.accept()[0]
        except OSError:
            return
        threading.Thread(target=_hand_on, args=(client, agent), daemon=True).start()


def _hand_on(client, agent):
    """Both ways until both have said all; an agent that is gone closes the connection, which clients know to read."""
    with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as other:
        other.connect(agent)
        ways = {client: other, other: client}
        while ways:
            for source in select.select(list(ways), (), ())[0]:
                data = source.recv(_PIECE)
                if data:
                    ways[source].sendall(data)
                else:
                    ways.pop(source).shutdown(socket.SHUT_WR)
