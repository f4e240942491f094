# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets through between containers, the host and the world."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import attach, netlink, ports

from .conftest import ip


def publish(host, ident, endpoint, *texts, **options):
    return ports.publish(host.roots, ident, ports.parse_ports(texts), endpoint.ipv4_address, endpoint.ipv6_address, **options)


@pytest.mark.fast
def test_containers_of_a_network_reach_each_other(host, traffic):
    host.network()
    _one, path_one, (first,) = host.container("one")
    _two, path_two, (second,) = host.container("two")
    assert first.ipv4_address != second.ipv4_address
    with traffic.listening(path_two, 80) as server:
        assert traffic.talk(server, path_one, second.ipv4_address, 80) == first.ipv4_address
        assert traffic.talk(server, host.own, second.ipv4_address, 80) == first.ipv4_gateway


def test_a_container_talks_to_itself_over_loopback(host, traffic):
    host.network()
    _one, path, _endpoints = host.container("one")
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, path, "127.0.0.1", 80) == "127.0.0.1"


def test_out_is_masqueraded(host, traffic):
    host.network()
    _ident, path, _endpoints = host.container("one")
    with traffic.listening(host.outside, 80) as server:
        assert traffic.talk(server, path, host.outside4, 80) == host.inside4


def test_masquerading_can_be_left_out(host, traffic):
    host.network(driver_options={"com.docker.network.bridge.enable_ip_masquerade": "false"})
    _ident, path, (endpoint,) = host.container("one")
    with netns.entered(host.outside):
        ip("route", "add", endpoint.ipv4_address, "via", host.inside4)
    with traffic.listening(host.outside, 80) as server:
        assert traffic.talk(server, path, host.outside4, 80) == endpoint.ipv4_address


def test_only_published_ports_are_open_to_the_outside(host, traffic):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    with netns.entered(host.outside):
        ip("route", "add", endpoint.ipv4_address, "via", host.inside4)
    with traffic.listening(path, 80) as server:
        assert traffic.refused(host.outside, endpoint.ipv4_address, 80)
        publish(host, ident, endpoint, "8080:80")
        assert traffic.refused(host.outside, endpoint.ipv4_address, 80)
        assert traffic.talk(server, host.outside, host.inside4, 8080) == host.outside4


# -- published ports ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.fast
def test_published_port_from_outside(host, traffic):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    assert publish(host, ident, endpoint, "8080:80")[0].host_port == 8080
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, host.outside, host.inside4, 8080) == host.outside4
        ports.unpublish(host.roots, ident)
        assert traffic.refused(host.outside, host.inside4, 8080)


def test_published_port_from_the_host_itself(host, traffic):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    publish(host, ident, endpoint, "8080:80", "127.0.0.1:8081:80")
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, host.own, "127.0.0.1", 8080) == endpoint.ipv4_gateway
        assert traffic.talk(server, host.own, "127.0.0.1", 8081) == endpoint.ipv4_gateway
        assert traffic.talk(server, host.own, host.inside4, 8080)
        assert traffic.refused(host.own, host.inside4, 8081)
        assert traffic.refused(host.outside, host.inside4, 8081)


def reach_loopback(path, gateway, device):
    """Let the namespace at ``path`` send packets for 127.0.0.9 to a neighbour."""
    with netns.entered(path):
        ip("route", "add", "127.0.0.9", "via", gateway, "dev", device, "table", "7")
        ip("rule", "add", "lookup", "local", "pref", "100")
        ip("rule", "add", "to", "127.0.0.9", "lookup", "7", "pref", "10")
        ip("rule", "del", "pref", "0")
        allow_loopback_from("all")


def allow_loopback_from(device):
    with open("/proc/sys/net/ipv4/conf/%s/route_localnet" % device, "w") as stream:
        stream.write("1")


def test_loopback_of_the_host_is_shut_to_containers(host, traffic):
    """A bridge has route_localnet on; still nobody on it gets at 127.0.0.0/8 of the host."""
    host.network()
    _ident, path, (endpoint,) = host.container("bad")
    reach_loopback(path, endpoint.ipv4_gateway, "eth0")
    with traffic.listening(host.own, 80, address="0.0.0.0") as server:
        assert traffic.talk(server, host.own, "127.0.0.9", 80)
        assert traffic.talk(server, path, endpoint.ipv4_gateway, 80)
        assert traffic.refused(path, "127.0.0.9", 80)


def test_a_port_on_loopback_is_shut_to_the_outside(host, traffic):
    """Even where the uplink has route_localnet on, as some cluster networks set it."""
    host.network()
    ident, path, (endpoint,) = host.container("web")
    allow_loopback_from("up1")
    reach_loopback(host.outside, host.inside4, "up0")
    publish(host, ident, endpoint, "127.0.0.9:8080:80", "8081:80")
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, host.own, "127.0.0.9", 8080)
        assert traffic.talk(server, host.outside, host.inside4, 8081)
        assert traffic.refused(host.outside, "127.0.0.9", 8080)
        assert traffic.refused(host.outside, "127.0.0.9", 8081)


def test_hairpin(host, traffic):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    _other, path_other, _endpoints = host.container("other")
    publish(host, ident, endpoint, "8080:80")
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, path, host.inside4, 8080) == endpoint.ipv4_gateway
        assert traffic.talk(server, path_other, host.inside4, 8080) == endpoint.ipv4_gateway
        assert traffic.talk(server, path_other, endpoint.ipv4_gateway, 8080)


@pytest.mark.parametrize("value", ["0", "1"])
def test_hairpin_whatever_br_netfilter_does(host, traffic, value):
    host.network()
    try:
        with open("/proc/sys/net/bridge/bridge-nf-call-iptables", "w") as stream:
            stream.write(value)
    except FileNotFoundError:
        pytest.skip("br_netfilter is not in this kernel")
    ident, path, (endpoint,) = host.container("web")
    publish(host, ident, endpoint, "8080:80")
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, path, host.inside4, 8080)


def test_published_on_one_address(host, traffic):
    ip("address", "add", "198.51.100.9/24", "dev", "up1")
    host.network()
    ident, path, (endpoint,) = host.container("web")
    other, path_other, (endpoint_other,) = host.container("other")
    publish(host, ident, endpoint, "198.51.100.9:8080:80")
    publish(host, other, endpoint_other, host.inside4 + ":8080:80")
    with traffic.listening(path, 80) as server, traffic.listening(path_other, 80) as server_other:
        assert traffic.talk(server, host.outside, "198.51.100.9", 8080)
        assert traffic.talk(server_other, host.outside, host.inside4, 8080)


def test_udp(host, traffic):
    host.network()
    ident, path, (endpoint,) = host.container("dns")
    publish(host, ident, endpoint, "5353:53/udp", "5353:80/tcp")
    with traffic.listening(path, 53, socket.SOCK_DGRAM) as server:
        with netns.entered(host.outside):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with client:
            client.settimeout(3)
            client.sendto(b"question", (host.inside4, 5353))
            question, sender = server.recvfrom(64)
            assert (question, sender[0]) == (b"question", "::ffff:" + host.outside4)
            server.sendto(b"answer", sender)
            assert client.recvfrom(64) == (b"answer", (host.inside4, 5353))


def question(server, client, port, address):
    """Whether a datagram arrives."""
    client.sendto(b"question", (address, port))
    try:
        return server.recv(64) == b"question"
    except socket.timeout:
        return False


def test_udp_clients_that_keep_their_port_follow_a_change(host, traffic):
    host.network()
    one, path_one, (first,) = host.container("one")
    two, path_two, (second,) = host.container("two")
    with traffic.listening(path_one, 53, socket.SOCK_DGRAM) as server_one, traffic.listening(path_two, 53, socket.SOCK_DGRAM) as server_two:
        server_one.settimeout(0.3)
        server_two.settimeout(0.3)
        with netns.entered(host.outside):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with client:
            assert not question(server_one, client, 5353, host.inside4)
            publish(host, one, first, "5353:53/udp")
            assert question(server_one, client, 5353, host.inside4)
            ports.unpublish(host.roots, one)
            assert not question(server_one, client, 5353, host.inside4)
            publish(host, two, second, "5353:53/udp")
            assert question(server_two, client, 5353, host.inside4)


def test_ports_change_under_an_open_connection(host, traffic):
    host.network()
    ident, path, (endpoint,) = host.container("web")
    publish(host, ident, endpoint, "8080:80", "8081:80")
    with traffic.listening(path, 80) as server, traffic.connected(server, host.outside, host.inside4, 8080) as (client, accepted, _peer):
        traffic.exchange(client, accepted)
        publish(host, ident, endpoint, "8080:80", "8082:80")
        traffic.exchange(client, accepted)
        assert traffic.talk(server, host.outside, host.inside4, 8082)
        assert traffic.refused(host.outside, host.inside4, 8081)


# -- what keeps networks apart -----------------------------------------------------------------------------------------------------------


def test_networks_do_not_reach_each_other(host, traffic):
    host.network("net")
    host.network("other")
    ident, path, (endpoint,) = host.container("web", ["net"])
    _two, path_two, _endpoints = host.container("two", ["other"])
    with traffic.listening(path, 80) as server:
        assert traffic.refused(path_two, endpoint.ipv4_address, 80)
        publish(host, ident, endpoint, "8080:80")
        assert traffic.talk(server, path_two, host.inside4, 8080)
        assert traffic.refused(path_two, endpoint.ipv4_address, 80)


def test_internal(host, traffic):
    host.network("net", internal=True)
    host.network("other")
    _one, path_one, (first,) = host.container("one")
    two, path_two, (second,) = host.container("two")
    _three, path_three, _endpoints = host.container("three", ["other"])
    with netlink.Netlink(path_one) as inside:
        assert not inside.routes() or all(route.destination != "default" for route in inside.routes())
        with netns.entered(path_one):
            ip("route", "add", "default", "via", first.ipv4_gateway)
    with netns.entered(host.outside):
        ip("route", "add", "10.89.0.0/20", "via", host.inside4)
    publish(host, two, second, "8080:80")
    with traffic.listening(path_two, 80) as server:
        assert traffic.talk(server, path_one, second.ipv4_address, 80) == first.ipv4_address
        assert traffic.talk(server, host.own, second.ipv4_address, 80) == first.ipv4_gateway
        assert traffic.refused(path_three, second.ipv4_address, 80)
        assert traffic.refused(host.outside, second.ipv4_address, 80)
        assert traffic.refused(host.outside, host.inside4, 8080)
    with traffic.listening(host.outside, 80):
        assert traffic.refused(path_one, host.outside4, 80)


def test_containers_kept_from_each_other(host, traffic):
    host.network(driver_options={"com.docker.network.bridge.enable_icc": "false"})
    _one, path_one, (first,) = host.container("one")
    _two, path_two, (second,) = host.container("two")
    with netns.entered(path_one):
        ip("route", "add", second.ipv4_address, "via", first.ipv4_gateway)
    with traffic.listening(path_two, 80), traffic.listening(host.outside, 80) as server:
        assert traffic.refused(path_one, second.ipv4_address, 80)
        assert traffic.talk(server, path_one, host.outside4, 80) == host.inside4


# -- IPv6 --------------------------------------------------------------------------------------------------------------------------------


def test_dual_stack(host, traffic):
    host.network(enable_ipv6=True)
    _one, path_one, (first,) = host.container("one")
    two, path_two, (second,) = host.container("two")
    publish(host, two, second, "8080:80", "[%s]:8081:80" % host.inside6)
    with traffic.listening(path_two, 80) as server:
        assert traffic.talk(server, path_one, second.ipv6_address, 80) == first.ipv6_address
        assert traffic.talk(server, path_one, second.ipv4_address, 80) == first.ipv4_address
        assert traffic.talk(server, host.outside, host.inside6, 8080) == host.outside6
        assert traffic.talk(server, host.outside, host.inside6, 8081) == host.outside6
        assert traffic.talk(server, host.outside, host.inside4, 8080) == host.outside4
        assert traffic.refused(host.outside, host.inside4, 8081)
        assert traffic.talk(server, path_two, host.inside6, 8080)
        # not left hanging: who asks for localhost goes on to 127.0.0.1 at once
        with pytest.raises(ConnectionRefusedError):
            traffic.talk(server, host.own, "::1", 8080)
    with traffic.listening(host.outside, 80) as server:
        assert traffic.talk(server, path_one, host.outside6, 80) == host.inside6


def test_no_ipv6_where_it_was_not_asked_for(host):
    host.network()
    _ident, path, _endpoints = host.container("one")
    with netlink.Netlink(path) as inside:
        index = inside.link("eth0").index
        assert [each.address for each in inside.addresses(index) if ":" in each.address] == []


# -- several networks --------------------------------------------------------------------------------------------------------------------


def default_gateway(path):
    with netlink.Netlink(path) as inside:
        return next((route.gateway for route in inside.routes() if route.destination == "default"), None)


def test_default_route_leads_over_the_first_network(host, traffic):
    host.network("net")
    host.network("other")
    ident, path, (first, second) = host.container("one", ["net", "other"])
    assert default_gateway(path) == first.ipv4_gateway
    attach.detach(host.roots, ident, "net", release=True)
    assert default_gateway(path) == second.ipv4_gateway
    with traffic.listening(host.outside, 80) as server:
        assert traffic.talk(server, path, host.outside4, 80)


def test_an_internal_network_leads_nowhere(host):
    host.network("net", internal=True)
    host.network("other")
    ident, path, (first, second) = host.container("one", ["net", "other"])
    assert default_gateway(path) == second.ipv4_gateway
    assert attach.way_in(host.roots, ident) == second
    attach.detach(host.roots, ident, "other", release=True)
    assert attach.way_in(host.roots, ident) == first
