# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port syntax, what excludes what, and who listens."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import ports
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import PortBinding

PORT = st.integers(min_value=1, max_value=65535)
PROTOCOL = st.sampled_from(["tcp", "udp", "sctp"])
# ::1 is an address that is refused, with a test of its own
ADDRESS = st.one_of(st.just(""), st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)).filter(lambda text: text != "::1")


@pytest.mark.parametrize("text, expected", [
    ("80", [PortBinding(80, "tcp", "", 0)]),
    ("80/udp", [PortBinding(80, "udp", "", 0)]),
    ("80/SCTP", [PortBinding(80, "sctp", "", 0)]),
    ("8080:80", [PortBinding(80, "tcp", "", 8080)]),
    ("0:80", [PortBinding(80, "tcp", "", 0)]),
    ("127.0.0.1:8080:80", [PortBinding(80, "tcp", "127.0.0.1", 8080)]),
    ("127.0.0.1::80", [PortBinding(80, "tcp", "127.0.0.1", 0)]),
    ("[fd00::1]:8080:80/tcp", [PortBinding(80, "tcp", "fd00::1", 8080)]),
    ("[2001:DB8:0::1]::80", [PortBinding(80, "tcp", "2001:db8::1", 0)]),
    ("[::]:8080:80", [PortBinding(80, "tcp", "::", 8080)]),
    ("9000-9002:80-82", [PortBinding(80 + n, "tcp", "", 9000 + n) for n in range(3)]),
    ("80-81/udp", [PortBinding(80, "udp", "", 0), PortBinding(81, "udp", "", 0)]),
])
def test_syntax(text, expected):
    assert list(ports.parse_ports([text])) == expected


@pytest.mark.parametrize("text, reason", [
    ("", "is not a port"), ("http", "is not a port"), ("80:http", "is not a port"), (":80:", "is not a port"), ("-80", "is not a port"),
    ("80-", "is not a port"), ("0", "outside of 1 to 65535"), ("65536:80", "outside of 1 to 65535"), ("80/icmp", "unknown protocol"),
    ("80/", "unknown protocol"), ("::1:8080:80", "is not a port"), ("[::1]:8080:80", "has the host address ::1"),
    ("[::1:8080:80", "is not a port"), ("[::1]:80", "is not a port"),
    ("localhost:8080:80", "is no IP address"), ("300.1.1.1:8080:80", "is no IP address"), ("8000-8005:80", "6 host ports for 1"),
    ("82-80", "runs backwards"), ("8080 :80", "is not a port"), ("८०:80", "is not a port"),
])
def test_syntax_errors_name_option_and_value(text, reason):
    with pytest.raises(InvalidValue) as caught:
        ports.parse_ports(["1234:80", text], option="published_ports")
    assert reason in str(caught.value)
    assert str(caught.value).startswith("published_ports: %r" % text)


def test_the_same_twice_counts_once():
    assert len(ports.parse_ports(["8080:80", "8080:80/tcp"])) == 1


@pytest.mark.parametrize("one, other", [("8080:80", "8080:81"), ("127.0.0.1:8080:80", "8080:81"), ("8079-8081:1-3", "[fd00::1]:8080:80")])
def test_one_host_port_for_two_container_ports(one, other):
    with pytest.raises(InvalidValue, match="takes the same host port as"):
        ports.parse_ports([one, other])


def test_same_port_tcp_and_udp_and_on_two_addresses():
    assert len(ports.parse_ports(["53:53/tcp", "53:53/udp", "127.0.0.1:80:80", "127.0.0.2:80:80", "[fd00::1]:80:80"])) == 5


@given(PORT, PROTOCOL, ADDRESS, PORT)
def test_describe_is_read_back(container_port, protocol, host_ip, host_port):
    binding = PortBinding(container_port, protocol, host_ip and str(ipaddress.ip_address(host_ip)), host_port)
    parsed, = ports.parse_ports([ports.describe(binding)])
    assert (parsed.container_port, parsed.protocol, parsed.host_port) == (container_port, protocol, host_port)
    assert (parsed.host_ip == binding.host_ip == "") or ipaddress.ip_address(parsed.host_ip) == ipaddress.ip_address(binding.host_ip)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text):
    try:
        found = ports.parse_ports([text])
    except InvalidValue:
        return
    assert found
    assert all(1 <= each.container_port <= 65535 and 0 <= each.host_port <= 65535 for each in found)


@given(ADDRESS, ADDRESS)
def test_overlap_is_symmetric(first, second):
    assert ports.overlaps(first, second) == ports.overlaps(second, first)
    assert ports.overlaps(first, first)
    assert ports.overlaps(first, "")


@pytest.mark.parametrize("one, other, expected", [
    ("0.0.0.0", "127.0.0.1", True), ("0.0.0.0", "::1", False), ("::", "127.0.0.1", False), ("::", "::1", True), ("", "::1", True),
    ("127.0.0.1", "127.0.0.2", False),
])
def test_overlap(one, other, expected):
    assert ports.overlaps(one, other) is expected


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def roots(tmp_path):
    net = tmp_path / "proc" / "thread-self" / "net"
    net.mkdir(parents=True)
    (net / "tcp").write_text(HEAD
                             + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n"
                             + "   1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100\n")
    (net / "tcp6").write_text(HEAD + "   0: 00000000000000000000000000000000:0050 " + "0" * 32
                              + ":0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100\n")
    (net / "udp").write_text(HEAD
                             + "   0: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4714 2 0 0\n")
    return state.Roots(str(tmp_path / "state"), run=str(tmp_path / "run"), proc=str(tmp_path / "proc"))


def test_listeners_of_the_host(roots):
    found = {(each.protocol, each.host_ip, each.host_port) for each in ports.listeners(roots)}
    assert found == {("tcp", "127.0.0.1", 8080), ("tcp", "", 80), ("udp", "0.0.0.0", 53)}


@pytest.mark.parametrize("text", ["8080:80", "127.0.0.1:8080:80", "80:80", "127.0.0.1:80:80", "53:53/udp"])
def test_port_of_a_listener_is_in_use(roots, text):
    with pytest.raises(Conflict) as caught:
        ports.check_free(roots, ports.parse_ports([text]))
    assert "is in use by a program on the host" in str(caught.value)
    assert "published_ports" in str(caught.value)


@pytest.mark.parametrize("text", ["8081:80", "127.0.0.2:8080:80", "8080:80/udp", "53:53/tcp", "[fd00::1]:8080:80", "80",
                                  "[fd00::1]:53:53/udp"])
def test_port_beside_a_listener_is_free(roots, text):
    ports.check_free(roots, ports.parse_ports([text]))
