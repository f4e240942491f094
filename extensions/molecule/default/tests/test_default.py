# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees of two containers, from the host and from inside."""

from __future__ import annotations


def test_page_is_published_on_loopback_only(host):
    assert host.check_output("curl -fsS http://127.0.0.1:18231/") == "molecule"
    addresses = host.check_output("ip -4 -o address show scope global dev eth0 2>/dev/null || true").split()
    if "inet" in addresses:
        address = addresses[addresses.index("inet") + 1].split("/")[0]
        assert host.run("curl -fsS --max-time 3 http://%s:18231/", address).rc != 0


def test_names_resolve_between_containers(client):
    assert client.check_output("wget -q -O - http://server/") == "molecule"
    assert client.check_output("wget -q -O - http://web/") == "molecule"


def test_addresses_come_from_the_network(server, client):
    for each in (server, client):
        assert "10.231.7." in each.check_output("ip -4 -o address show dev eth0")
    assert "default via 10.231.7.1" in client.check_output("ip route")


def test_the_container_sees_only_itself(server):
    processes = server.check_output("ps -o comm").split()
    assert "httpd" in processes
    assert "ansible-playboo" not in processes
    assert server.check_output("hostname") == server.check_output("cat /etc/hostname")


def test_user_and_capabilities(client):
    assert client.check_output("id -u") == "65534"
    status = dict(line.split(":\t", 1) for line in client.check_output("cat /proc/1/status").splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == 0
    assert status["Seccomp"].strip() == "2"


def test_read_only_root(client):
    assert client.run("touch /file").rc != 0
    assert client.run("touch /proc/sys/kernel/domainname").rc != 0


def test_volume_is_on_the_host(host, server):
    server.check_output("echo kept > /data/file")
    assert host.file("/var/lib/agentless-molecule/volumes/pages/_data/file").content_string == "kept\n"


def test_limits_are_in_the_kernel(host, namespace):
    """Read by a path of v1 or v2, whichever this host has."""
    groups = host.check_output("find /sys/fs/cgroup -name memory.max -o -name memory.limit_in_bytes").split()
    # below the engine's own group, which has no limit
    values = [host.file(path).content_string.strip() for path in groups if path.partition("/%s/" % namespace)[2].count("/") == 1]
    assert values == [str(32 * 1024 * 1024)] * 2


def test_firewall_is_one_table_of_its_own(host, namespace):
    tables = host.check_output("nft list tables").splitlines()
    assert tables.count("table inet " + namespace) == 1
    assert "18231" in host.check_output("nft list table inet " + namespace)
