# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The socket of an agent, handed on to a RUN."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import agent


def echo(path, ready):
    """An agent that answers one connection with what it is told, in capitals, once the client has said all."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        ready.set()
        connection = server.accept()[0]
        with connection:
            said = b""
            while True:
                data = connection.recv(100)
                if not data:
                    break
                said += data
            connection.sendall(said.upper())


def test_both_ways_with_the_mode_asked_for(tmp_path):
    ready = threading.Event()
    threading.Thread(target=echo, args=(str(tmp_path / "real"), ready), daemon=True).start()
    assert ready.wait(5)
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    with contextlib.ExitStack() as undo:
        path = agent.listen(str(deep), "agent-0", str(tmp_path / "real"), 0o640, (os.getuid(), os.getgid()), undo)
        status = os.stat(path)
        assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o640
        with socket.socket(socket.AF_UNIX) as client:
            descriptor = os.open(deep, os.O_PATH)
            client.connect("/proc/self/fd/%d/agent-0" % descriptor)
            os.close(descriptor)
            client.settimeout(5)
            client.sendall(b"hello" * 20000)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while len(answer) < 100000:
                data = client.recv(65536)
                assert data, "the answer ended early"
                answer += data
        assert answer == b"HELLO" * 20000


def test_an_agent_that_is_gone_ends_the_connection(tmp_path):
    with contextlib.ExitStack() as undo:
        path = agent.listen(str(tmp_path), "a", str(tmp_path / "nobody"), 0o600, (os.getuid(), os.getgid()), undo)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(path)
            assert client.recv(1) == b""
