# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks with real traffic. Each test has a host of its own: a fresh network namespace with an uplink to a second one, the outside.

A socket belongs to the namespace in which it was made, so that all ends of a connection live in this one process.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import attach, network, ports
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import NetworkSpec
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots, new_id

TIMEOUT = 3.0


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """The machine of one test: ``roots``, and ``outside``, a namespace beyond its uplink (host 198.51.100.1, outside 198.51.100.2)."""

    def __init__(self, roots, directory):
        self.roots = roots
        self.own = os.path.join(directory, "host")
        self.outside = os.path.join(directory, "outside")
        self.containers = []

    def network(self, name="net", **options):
        made = network.resolve(self.roots, NetworkSpec(name=name, **options))
        network.create(self.roots, made)
        return made

    def container(self, name, networks=("net",), ident=None, **options):
        """A namespace in the networks; returns (ID, path, endpoints)."""
        ident = ident or new_id()
        path = os.path.join(self.roots.netns, ident)
        if not netns.is_pinned(path):
            netns.pin_new_netns(path)
            self.containers.append(path)
        requests = [attach.AttachRequest(each, ident, name, path, "eth%d" % number, default_route=number == 0, **options)
                    for number, each in enumerate(networks)]
        return ident, path, [attach.attach(self.roots, request) for request in requests]


@pytest.fixture
def host(tmp_path):
    roots = Roots(str(tmp_path / "state"), run=str(tmp_path / "run"))
    machine = Host(roots, str(tmp_path / "ns"))
    with contextlib.ExitStack() as stack:
        for path in (machine.own, machine.outside):
            netns.pin_new_netns(path)
            stack.callback(netns.unpin, path)
        stack.callback(lambda: [netns.unpin(path) for path in machine.containers])
        with netns.entered(machine.outside):
            ip("link", "set", "lo", "up")
            ip("link", "add", "up0", "type", "veth", "peer", "name", "up1")
            ip("link", "set", "up1", "netns", "/proc/%d/fd/%d" % (os.getpid(), stack.enter_context(open(machine.own)).fileno()))
            ip("address", "add", "198.51.100.2/24", "dev", "up0")
            ip("address", "add", "2001:db8:1::2/64", "dev", "up0", "nodad")
            ip("link", "set", "up0", "up")
        with netns.entered(machine.own):
            ip("link", "set", "lo", "up")
            ip("address", "add", "198.51.100.1/24", "dev", "up1")
            ip("address", "add", "2001:db8:1::1/64", "dev", "up1", "nodad")
            ip("link", "set", "up1", "up")
            ip("route", "add", "default", "via", "198.51.100.2")
            yield machine


@contextlib.contextmanager
def listening(path, port, kind=socket.SOCK_STREAM, address="::"):
    """A server socket in the namespace at ``path``, for IPv4 and IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with netns.entered(path):
        server = socket.socket(family, kind)
    with server:
        server.settimeout(TIMEOUT)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        if kind == socket.SOCK_STREAM:
            server.listen(8)
        yield server


def talk(server, path, address, port, timeout=TIMEOUT):
    """Connect from the namespace at ``path`` and send a line both ways; returns the client's address as the server sees it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with netns.entered(path):
        client = socket.socket(family, socket.SOCK_STREAM)
    with client:
        client.settimeout(timeout)
        client.connect((address, port))
        accepted, peer = server.accept()
        with accepted:
            accepted.settimeout(timeout)
            client.sendall(b"ping")
            assert accepted.recv(4) == b"ping"
            accepted.sendall(b"pong")
            assert client.recv(4) == b"pong"
    return peer[0].replace("::ffff:", "")


def refused(path, address, port, timeout=0.5):
    """Whether a connection from the namespace at ``path`` does not come about."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with netns.entered(path):
        client = socket.socket(family, socket.SOCK_STREAM)
    with client:
        client.settimeout(timeout)
        try:
            client.connect((address, port))
        except OSError:
            return True
    return False


# -- containers and the world ------------------------------------------------------------------------------------------------------------


def test_containers_of_a_network_reach_each_other(host):
    host.network()
    _one, path_one, (first,) = host.container("one")
    _two, path_two, (second,) = host.container("two")
    assert first.ipv4_address != second.ipv4_address
    with listening(path_two, 80) as server:
        assert talk(server, path_one, second.ipv4_address, 80) == first.ipv4_address


def test_out_is_masqueraded(host):
    host.network()
    _ident, path, _endpoints = host.container("one")
    with listening(host.outside, 80) as server:
        assert talk(server, path, "198.51.100.2", 80) == "198.51.100.1"


def test_published_port_from_outside(host):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    assert ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), endpoint.ipv4_address)[0].host_port == 8080
    with listening(path, 80) as server:
        assert talk(server, host.outside, "198.51.100.1", 8080) == "198.51.100.2"
        ports.unpublish(host.roots, ident)
        assert refused(host.outside, "198.51.100.1", 8080)


def test_published_port_from_the_host_itself(host):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    ports.publish(host.roots, ident, ports.parse_ports(["8080:80", "127.0.0.1:8081:80"]), endpoint.ipv4_address)
    with listening(path, 80) as server:
        gateway = endpoint.ipv4_gateway
        assert talk(server, host.own, "127.0.0.1", 8080) == gateway
        assert talk(server, host.own, "127.0.0.1", 8081) == gateway
        assert talk(server, host.own, "198.51.100.1", 8080)
        assert refused(host.own, "198.51.100.1", 8081)
        assert refused(host.outside, "198.51.100.1", 8081)


def test_hairpin(host):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    _other, path_other, _endpoints = host.container("other")
    ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), endpoint.ipv4_address)
    with listening(path, 80) as server:
        assert talk(server, path, "198.51.100.1", 8080) == endpoint.ipv4_gateway
        assert talk(server, path_other, "198.51.100.1", 8080) == endpoint.ipv4_gateway
        assert talk(server, path_other, endpoint.ipv4_gateway, 8080)
