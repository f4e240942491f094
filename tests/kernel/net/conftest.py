# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of its own for each network test: a fresh network namespace with an uplink to a second one, the outside.

A socket belongs to the namespace in which it was made, so that all ends of a connection live in the one process of the test.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import attach, network
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import NetworkSpec
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots, new_id

TIMEOUT = 3.0


def ip(*arguments):
    """Run ip(8) in the namespace of this thread."""
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


class Host:
    """The machine of one test (198.51.100.1, 2001:db8:1::1), and the outside beyond its uplink (the same with 2 at the end)."""

    inside4, inside6, outside4, outside6 = "198.51.100.1", "2001:db8:1::1", "198.51.100.2", "2001:db8:1::2"

    def __init__(self, directory):
        self.directory = str(directory)
        self.roots = Roots(os.path.join(self.directory, "state"), run=os.path.join(self.directory, "run"))
        self.own = os.path.join(self.directory, "ns", "host")
        self.outside = os.path.join(self.directory, "ns", "outside")
        self.pins = []

    def network(self, name="net", **options):
        """Make a network."""
        made = network.resolve(self.roots, NetworkSpec(name=name, **options))
        network.create(self.roots, made)
        return made

    def pin(self, ident):
        """A namespace for a container, as the runtime makes one."""
        path = os.path.join(self.roots.netns, ident)
        if not netns.is_pinned(path):
            self.pins.append(path)
            netns.pin_new_netns(path)
        return path

    def container(self, name, networks=("net",), ident=None, **options):
        """A namespace in the networks; returns (ID, path, endpoints)."""
        ident = ident or new_id()
        path = self.pin(ident)
        requests = [attach.AttachRequest(each, ident, name, path, "eth%d" % number, default_route=number == 0, **options)
                    for number, each in enumerate(networks)]
        return ident, path, [attach.attach(self.roots, request) for request in requests]

    def links(self):
        """Names of the interfaces of the machine."""
        return {line.split()[0].partition("@")[0] for line in ip("-brief", "link").splitlines()}


@pytest.fixture
def host(tmp_path):
    machine = Host(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [netns.unpin(path) for path in machine.pins])
        for path in (machine.own, machine.outside):
            netns.pin_new_netns(path)
            stack.callback(netns.unpin, path)
        own = stack.enter_context(open(machine.own))
        with netns.entered(machine.outside):
            ip("link", "set", "lo", "up")
            ip("link", "add", "up0", "type", "veth", "peer", "name", "up1")
            ip("link", "set", "up1", "netns", "/proc/%d/fd/%d" % (os.getpid(), own.fileno()))
            _uplink("up0", machine.outside4, machine.outside6)
        with netns.entered(machine.own):
            ip("link", "set", "lo", "up")
            _uplink("up1", machine.inside4, machine.inside6)
            ip("route", "add", "default", "via", machine.outside4)
            ip("route", "add", "default", "via", machine.outside6)
            yield machine


def _uplink(name, address4, address6):
    ip("address", "add", address4 + "/24", "dev", name)
    ip("address", "add", address6 + "/64", "dev", name, "nodad")
    ip("link", "set", name, "up")


class Traffic:
    """Connections between namespaces."""

    @contextlib.contextmanager
    def listening(self, path, port, kind=socket.SOCK_STREAM, address="::"):
        """A server socket in the namespace at ``path``; on :: it serves IPv4 as well."""
        with netns.entered(path):
            server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        with server:
            server.settimeout(TIMEOUT)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, port))
            if kind == socket.SOCK_STREAM:
                server.listen(8)
            yield server

    @contextlib.contextmanager
    def connected(self, server, path, address, port):
        """A TCP connection from the namespace at ``path``: (client, accepted, address of the client as the server sees it)."""
        with netns.entered(path):
            client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        with client:
            client.settimeout(TIMEOUT)
            client.connect((address, port))
            accepted, peer = server.accept()
            with accepted:
                accepted.settimeout(TIMEOUT)
                yield client, accepted, peer[0].replace("::ffff:", "")

    def talk(self, server, path, address, port):
        """Connect, and send something both ways; returns the client's address as the server sees it."""
        with self.connected(server, path, address, port) as (client, accepted, peer):
            self.exchange(client, accepted)
        return peer

    def exchange(self, client, accepted):
        """Send something both ways."""
        client.sendall(b"ping")
        assert accepted.recv(4) == b"ping"
        accepted.sendall(b"pong")
        assert client.recv(4) == b"pong"

    def refused(self, path, address, port, timeout=0.3):
        """Whether a connection from the namespace at ``path`` does not come about."""
        with netns.entered(path):
            client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        with client:
            client.settimeout(timeout)
            try:
                client.connect((address, port))
            except OSError:
                return True
        return False


@pytest.fixture(scope="session")
def traffic():
    return Traffic()
