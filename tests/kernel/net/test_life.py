# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks, leases and ports over their lives: kept, given back, made by many at once, killed half way, damaged and repaired."""

from __future__ import annotations

import os
import signal
import socket
import traceback

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue, NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import attach, names, netlink, network, ports, sysctl
from ansible_collections.agentless.containers.plugins.module_utils.engine.net.firewall import foreign, nftables
from ansible_collections.agentless.containers.plugins.module_utils.engine.net.store import NetworkStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import NetworkSpec, Pool
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots, new_id

from .conftest import ip


def forked(function):
    """Run a function in a child process; returns its pid. The child's exit status is 0, or 1 with a trace on stderr."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(pid):
    """Wait for a child; returns its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# -- networks ----------------------------------------------------------------------------------------------------------------------------


def test_what_a_network_needs_is_made_and_all_of_it_goes(host):
    with open("/proc/sys/net/ipv4/ip_forward", "w") as stream:
        stream.write("0")
    before = host.links()
    made = host.network()
    assert host.links() - before == {made.link}
    assert sysctl.read(host.roots, "ipv4/ip_forward") == "1"
    assert nftables.present(host.roots)
    assert network.observe(host.roots, made) == []
    host.container("one")
    network.remove(host.roots, "net")
    assert host.links() == before
    assert not nftables.present(host.roots)
    assert [name for name in os.listdir(host.roots.networks) if name.endswith(".json")] == []
    assert os.listdir(os.path.join(host.roots.networks, "endpoints")) == []


def test_the_default_network_is_made_once_by_many(host):
    children = [forked(lambda: NetworkStore(host.roots).ensure_default()) for _each in range(8)]
    assert [ended(pid) for pid in children] == [0] * 8
    made, = NetworkStore(host.roots).list()
    assert made.name == "bridge"
    assert network.observe(host.roots, made) == []
    assert len([name for name in host.links() if name.startswith("ag-")]) == 1


@pytest.mark.parametrize("subnet, owner", [
    ("198.51.100.128/25", "interface up1"), ("10.7.0.0/16", "the host's route over up1"), ("10.201.0.0/24", "network net"),
])
def test_a_subnet_that_is_taken(host, subnet, owner):
    host.network(pools=(Pool("10.201.0.0/16"),))
    ip("route", "add", "10.7.7.0/24", "via", host.outside4)
    with pytest.raises(Conflict) as caught:
        host.network("other", pools=(Pool(subnet),))
    assert subnet in str(caught.value) and owner in str(caught.value)
    assert [each.name for each in NetworkStore(host.roots).list()] == ["net"]


def test_free_subnets_are_found(host):
    ip("route", "add", "10.89.0.0/17", "via", host.outside4)
    one, other = host.network("one"), host.network("other")
    assert (one.pools[0].subnet, other.pools[0].subnet) == ("10.89.128.0/20", "10.89.144.0/20")
    second = Roots(os.path.join(host.directory, "second"), run=os.path.join(host.directory, "run2"))
    made = network.resolve(second, NetworkSpec(name="one"))
    network.create(second, made)
    assert made.pools[0].subnet == "10.89.160.0/20"
    network.remove(second, "one")
    assert network.observe(host.roots, one) == []


def test_mtu(host):
    ip("link", "set", "up1", "mtu", "1450")
    assert host.network().mtu == 1450
    host.network("jumbo", driver_options={"com.docker.network.driver.mtu": "9000"})
    _ident, path, _endpoints = host.container("one", ["net", "jumbo"])
    with netlink.Netlink(path) as inside:
        assert (inside.link("eth0").mtu, inside.link("eth1").mtu) == (1450, 9000)


def test_a_subnet_taken_between_the_plan_and_its_execution(host):
    specs = [NetworkSpec(name=name, enable_ipv6=True) for name in ("one", "two")]
    planned = [network.resolve(host.roots, spec) for spec in specs]
    assert planned[0].pool(4) == planned[1].pool(4)
    for made, spec in zip(planned, specs):
        network.create(host.roots, made, spec)
    stored = [NetworkStore(host.roots).get(name) for name in ("one", "two")]
    assert stored[0] == planned[0] and stored[1].pool(4).subnet != stored[0].pool(4).subnet
    assert [network.observe(host.roots, each) for each in stored] == [[], []]
    given = network.resolve(host.roots, NetworkSpec(name="three", pools=(Pool("10.200.0.0/24"),)))
    network.create(host.roots, given.replace(name="four"), NetworkSpec(name="four", pools=(Pool("10.200.0.0/24"),)))
    with pytest.raises(Conflict, match=r"10\.200\.0\.0/24 overlaps with"):
        network.create(host.roots, given, NetworkSpec(name="three", pools=(Pool("10.200.0.0/24"),)))
    assert NetworkStore(host.roots).get("three") is None


def test_the_same_network_made_at_the_same_time(host):
    spec = NetworkSpec(name="net")
    planned = [network.resolve(host.roots, spec) for _number in range(2)]
    network.create(host.roots, planned[0], spec)
    network.create(host.roots, planned[1], spec)
    assert NetworkStore(host.roots).get("net") == planned[0]
    with pytest.raises(Conflict, match="exists already"):
        network.create(host.roots, planned[1], NetworkSpec(name="net", internal=True))


def test_an_interface_of_somebody_else_is_not_touched(host):
    with pytest.raises(Conflict, match="up1 is an interface of the host"):
        host.network(driver_options={"com.docker.network.bridge.name": "up1"})
    assert "up1" in host.links()
    assert NetworkStore(host.roots).list() == []
    assert not nftables.present(host.roots)


def test_recreated_with_containers(host, traffic):
    host.network()
    ident, path, (before,) = host.container("web")
    ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), before.ipv4_address)
    wanted = NetworkSpec(name="net", pools=(Pool("10.201.0.0/24"),), enable_ipv6=True)
    changed = network.resolve(host.roots, wanted, NetworkStore(host.roots).get("net"))
    network.recreate(host.roots, changed)
    after, = attach.endpoints_of(host.roots, ident)
    assert after.ipv4_address == "10.201.0.2"
    assert after.ipv6_address
    assert network.observe(host.roots, changed) == []
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, host.outside, host.inside4, 8080) == host.outside4
    with traffic.listening(host.outside, 80) as server:
        assert traffic.talk(server, path, host.outside4, 80) == host.inside4


# -- leases ------------------------------------------------------------------------------------------------------------------------------


def test_an_address_outlives_a_stop(host):
    host.network()
    ident, path, (first,) = host.container("one")
    attach.detach_all(host.roots, ident, keep_leases=True)
    assert not NetworkStore(host.roots).endpoint("net", ident).attached
    netns.unpin(path)
    _two, _path, (second,) = host.container("two")
    assert second.ipv4_address != first.ipv4_address
    _one, _path, (again,) = host.container("one", ident=ident)
    assert again == first
    attach.detach_all(host.roots, ident)
    assert attach.endpoints_of(host.roots, ident) == []
    _three, _path, (third,) = host.container("three")
    assert third.ipv4_address == first.ipv4_address


def test_links_go_with_the_namespace(host):
    host.network()
    ident, path, (endpoint,) = host.container("one")
    attach.detach_all(host.roots, ident, links=False)
    assert endpoint.host_ifname in host.links()
    netns.unpin(path)
    # a container that starts again at once finds the old link there, or half gone
    _ident, _path, (again,) = host.container("one", ident=ident)
    assert attach.observe(host.roots, again) == []


def test_wanted_addresses(host):
    host.network(enable_ipv6=True, pools=(Pool("10.201.0.0/24"), Pool("fd00:201::/64")))
    wanted = {"ipv4_address": "10.201.0.77", "ipv6_address": "fd00:201::77", "mac_address": "02-AA-00-00-00-01"}
    _ident, path, (endpoint,) = host.container("one", **wanted)
    with netlink.Netlink(path) as inside:
        link = inside.link("eth0")
        assert link.mac_address == endpoint.mac_address == "02:aa:00:00:00:01"
        assert {"10.201.0.77", "fd00:201::77"} <= {each.address for each in inside.addresses(link.index)}
    with pytest.raises(Conflict, match="belongs to container one"):
        host.container("two", ipv4_address="10.201.0.77")
    with pytest.raises(InvalidValue, match="mac_address"):
        host.container("two", mac_address="01:00:00:00:00:01")
    with pytest.raises(NotFound, match="network nowhere does not exist"):
        host.container("two", ["nowhere"])
    assert [each.container_name for each in NetworkStore(host.roots).endpoints("net")] == ["one"]


def test_twenty_at_once_have_twenty_addresses(host):
    host.network(pools=(Pool("10.201.0.0/27"),))
    idents = [new_id() for _each in range(20)]
    for ident in idents:
        host.pin(ident)
    children = [forked(lambda ident=ident: host.container(ident[:6], ident=ident)) for ident in idents]
    assert [ended(pid) for pid in children] == [0] * 20
    endpoints = NetworkStore(host.roots).endpoints("net")
    assert len({each.ipv4_address for each in endpoints}) == len(endpoints) == 20
    assert [attach.observe(host.roots, each) for each in endpoints] == [[]] * 20


def test_a_full_network_says_so(host):
    host.network(pools=(Pool("10.201.0.0/29"),))
    for number in range(5):
        host.container("c%d" % number)
    with pytest.raises(Conflict, match="network net has no free address left"):
        host.container("more")
    assert len(NetworkStore(host.roots).endpoints("net")) == 5


def test_names_of_twenty_at_once(host):
    host.network()
    idents = [new_id() for _each in range(20)]
    for ident in idents:
        host.pin(ident)
        state.write_bytes(os.path.join(host.roots.containers, ident, "hosts"), names.hosts_file().encode())

    def start(ident):
        host.container("name-" + ident[:6], ident=ident)
        names.refresh(host.roots, "net")

    children = [forked(lambda ident=ident: start(ident)) for ident in idents]
    assert [ended(pid) for pid in children] == [0] * 20
    for ident in idents:
        with open(os.path.join(host.roots.containers, ident, "hosts")) as stream:
            text = stream.read()
        assert [other for other in idents if "\tname-%s %s" % (other[:6], other[:12]) not in text] == []
    attach.detach_all(host.roots, idents[0], keep_leases=True)
    with open(os.path.join(host.roots.containers, idents[1], "hosts")) as stream:
        assert "name-" + idents[0][:6] not in stream.read()


# -- ports -------------------------------------------------------------------------------------------------------------------------------


def test_port_in_use_by_a_program(host, traffic):
    host.network()
    ident, _path, (endpoint,) = host.container("web")
    with traffic.listening(host.own, 8080, address="127.0.0.1"), pytest.raises(Conflict) as caught:
        ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), endpoint.ipv4_address)
    assert "host port 8080" in str(caught.value)
    assert "(pid %d)" % os.getpid() in str(caught.value)
    assert ports.published(host.roots, ident) is None
    with traffic.listening(host.own, 8080, socket.SOCK_DGRAM):
        assert ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), endpoint.ipv4_address)


def test_port_in_use_by_another_container(host):
    host.network()
    one, path, (first,) = host.container("one")
    two, _path, (second,) = host.container("two")
    ports.publish(host.roots, one, ports.parse_ports(["8080:80"]), first.ipv4_address, container_name="one")
    with pytest.raises(Conflict, match=r"host port 8080 of '127\.0\.0\.1:8080:80/tcp' is in use by container one"):
        ports.publish(host.roots, two, ports.parse_ports(["127.0.0.1:8080:80"]), second.ipv4_address)
    netns.unpin(path)  # what a reboot leaves: a record of a container that does not run
    assert ports.publish(host.roots, two, ports.parse_ports(["8080:80"]), second.ipv4_address)


def test_automatic_ports_are_free_and_stay(host, traffic):
    host.network()
    one, _path, (first,) = host.container("one")
    two, _path, (second,) = host.container("two")
    with traffic.listening(host.own, ports.AUTOMATIC_FIRST):
        chosen = [each.host_port for each in ports.publish(host.roots, one, ports.parse_ports(["80", "81"]), first.ipv4_address)]
        other = [each.host_port for each in ports.publish(host.roots, two, ports.parse_ports(["80"]), second.ipv4_address)]
    assert chosen + other == [ports.AUTOMATIC_FIRST + 1, ports.AUTOMATIC_FIRST + 2, ports.AUTOMATIC_FIRST + 3]
    ports.unpublish(host.roots, one, forget=False)
    again = ports.publish(host.roots, one, ports.parse_ports(["81", "80"]), first.ipv4_address)
    assert [each.host_port for each in again] == chosen[::-1]


# -- damage ------------------------------------------------------------------------------------------------------------------------------


def damage_bridge(host, made, endpoint):
    ip("link", "del", made.link)


def damage_address(host, made, endpoint):
    ip("address", "flush", "dev", made.link)


def damage_link(host, made, endpoint):
    ip("link", "del", endpoint.host_ifname)


def damage_port(host, made, endpoint):
    ip("link", "set", endpoint.host_ifname, "nomaster")


def damage_state(host, made, endpoint):
    ip("link", "set", made.link, "down")


def damage_forwarding(host, made, endpoint):
    sysctl.write(host.roots, "ipv4/ip_forward", "0")


def damage_table(host, made, endpoint):
    nftables.run(["delete", "table", "inet", host.roots.namespace], "")


def damage_rules(host, made, endpoint):
    nftables.run(["flush", "chain", "inet", host.roots.namespace, "publish"], "")


def damage_element(host, made, endpoint):
    nftables.run(["flush", "map", "inet", host.roots.namespace, "any4"], "")


def damage_memory(host, made, endpoint):
    os.unlink(os.path.join(host.roots.run, "firewall.json"))


DAMAGES = [damage_bridge, damage_address, damage_link, damage_port, damage_state, damage_forwarding, damage_table, damage_rules,
           damage_element, damage_memory]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__[7:])
def test_damage_is_seen_and_repaired(host, traffic, damage):
    made = host.network()
    ident, path, (endpoint,) = host.container("web")
    ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), endpoint.ipv4_address)
    assert network.observe(host.roots, made) == []
    damage(host, made, endpoint)
    assert network.observe(host.roots, made) != []
    network.repair(host.roots, made)
    assert network.observe(host.roots, made) == []
    assert attach.observe(host.roots, endpoint) == []
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, host.outside, host.inside4, 8080) == host.outside4
    with traffic.listening(host.outside, 80) as server:
        assert traffic.talk(server, path, host.outside4, 80) == host.inside4


def damage_bridge_state(host, made, endpoint):
    ip("link", "set", made.link, "down")


@pytest.mark.parametrize("damage", [damage_bridge, damage_bridge_state, damage_address, damage_link, damage_port, damage_forwarding],
                         ids=lambda damage: damage.__name__[7:])
def test_attaching_again_repairs_a_container(host, traffic, damage):
    made = host.network()
    ident, path, (endpoint,) = host.container("web")
    damage(host, made, endpoint)
    assert attach.observe(host.roots, endpoint) != []
    assert host.container("web", ident=ident)[2] == [endpoint]
    assert attach.observe(host.roots, endpoint) == []
    with traffic.listening(path, 80) as server:
        assert traffic.talk(server, host.own, endpoint.ipv4_address, 80)


def test_rules_of_others_are_not_taken_for_damage(host):
    made = host.network()
    nftables.run(["add", "table", "inet", "fw"], "")
    runs = []
    original = nftables.run
    nftables.run = lambda *arguments: runs.append(arguments) or original(*arguments)
    try:
        assert network.observe(host.roots, made) == []
        assert len(runs) == 1
        assert network.observe(host.roots, made) == []
        assert len(runs) == 1
    finally:
        nftables.run = original


def test_a_blocking_policy_is_found(host, traffic):
    host.network()
    _ident, path, _endpoints = host.container("one")
    assert foreign.blocking_rules() == []
    text = "table inet fw { chain passing { type filter hook forward priority 0; policy drop;\n }\n }\n"
    nftables.run(["-f", "-"], text)
    rule, = foreign.blocking_rules()
    with traffic.listening(host.outside, 80) as server:
        assert traffic.refused(path, host.outside4, 80)
        assert os.system(rule.line) == 0
        assert foreign.blocking_rules() == []
        assert traffic.talk(server, path, host.outside4, 80)


# -- kills -------------------------------------------------------------------------------------------------------------------------------


def killed_at(step, function):
    """Run a function in a child that kills itself before its step-th change of anything; returns whether it was killed."""

    def run():
        count = [0]

        def counted(original):
            def replacement(*arguments, **options):
                count[0] += 1
                if count[0] == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*arguments, **options)
            return replacement

        netlink.Netlink.execute = counted(netlink.Netlink.execute)
        state.write_json = counted(state.write_json)
        state.remove_file = counted(state.remove_file)
        sysctl.write = counted(sysctl.write)
        nftables.run = counted(nftables.run)
        function()

    status = ended(forked(run))
    assert status in (0, -signal.SIGKILL)
    return status != 0


def kill_everywhere(function):
    """Yields after the function was killed at its first step, then at its second, until it comes to its end."""
    step = 1
    while killed_at(step, function):
        yield step
        step += 1
        assert step < 60
    assert step > 2
    yield step


def converge(host):
    """What module network does to have the network there."""
    store = NetworkStore(host.roots)
    found = store.get("net")
    if found is None:
        return host.network()
    if network.observe(host.roots, found):
        network.repair(host.roots, found)
    return found


@pytest.mark.slow
def test_killed_while_a_network_is_made(host):
    before = host.links()
    for _step in kill_everywhere(host.network):
        made = converge(host)
        assert network.observe(host.roots, made) == []
        network.remove(host.roots, "net")
        assert host.links() == before
        assert not nftables.present(host.roots)


@pytest.mark.slow
def test_killed_while_a_container_is_attached(host, traffic):
    made = host.network()
    ident = new_id()
    host.pin(ident)
    for _step in kill_everywhere(lambda: host.container("web", ident=ident)):
        _ident, path, (endpoint,) = host.container("web", ident=ident)
        assert network.observe(host.roots, made) == []
        assert endpoint.ipv4_address == "10.89.0.2"
        with traffic.listening(path, 80) as server:
            assert traffic.talk(server, host.own, endpoint.ipv4_address, 80)
        attach.detach_all(host.roots, ident)
        assert host.links() == {"lo", "up1", made.link}


@pytest.mark.slow
def test_killed_while_ports_are_published_and_a_container_goes(host, traffic):
    made = host.network()
    ident, path, (endpoint,) = host.container("web")
    wanted = ports.parse_ports(["8080:80"])
    for _step in kill_everywhere(lambda: ports.publish(host.roots, ident, wanted, endpoint.ipv4_address)):
        ports.publish(host.roots, ident, wanted, endpoint.ipv4_address)
        assert network.observe(host.roots, made) == []
        with traffic.listening(path, 80) as server:
            assert traffic.talk(server, host.outside, host.inside4, 8080)
        ports.unpublish(host.roots, ident)
    for _step in kill_everywhere(lambda: attach.detach_all(host.roots, ident)):
        attach.detach_all(host.roots, ident)
        assert network.observe(host.roots, made) == []
        assert ports.published(host.roots, ident) is None
        assert host.links() == {"lo", "up1", made.link}
        host.container("web", ident=ident)
        ports.publish(host.roots, ident, wanted, endpoint.ipv4_address)


@pytest.mark.slow
def test_killed_while_a_network_is_removed(host):
    before = host.links()
    host.network()
    host.container("web", ident="ab" * 32)
    for _step in kill_everywhere(lambda: network.remove(host.roots, "net")):
        network.remove(host.roots, "net")
        assert host.links() == before
        assert not nftables.present(host.roots)
        host.network()
        host.container("web", ident="ab" * 32)


def test_what_a_killed_removal_of_a_container_left(host):
    made = host.network()
    ident, path, (endpoint,) = host.container("web")
    ports.publish(host.roots, ident, ports.parse_ports(["8080:80"]), endpoint.ipv4_address)
    netns.unpin(path)
    assert "a lease of container web is left over" in network.observe(host.roots, made)
    network.repair(host.roots, made)
    assert network.observe(host.roots, made) == []
    assert attach.endpoints_of(host.roots, ident) == []
