# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that name things in a container."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import names
from ansible_collections.agentless.containers.plugins.module_utils.engine.net.store import NetworkStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import Endpoint

LINES = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e"), max_size=20).filter(
    lambda line: line not in (names.BEGIN, names.END)), max_size=5)


@pytest.fixture
def roots(tmp_path):
    return state.Roots(str(tmp_path / "state"), run=str(tmp_path / "run"))


def join(roots, network, name, number, attached=True, **more):
    ident = ("%02d" % number) * 32
    directory = os.path.join(roots.containers, ident)
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "hosts")
    if not os.path.exists(path):
        with open(path, "w") as stream:
            stream.write(names.hosts_file([("db", "192.0.2.7")]))
    NetworkStore(roots).save_endpoint(Endpoint(
        network=network, network_id="n", container_id=ident, container_name=name, ifname="eth0", host_ifname="x", mac_address="m",
        ipv4_address="10.1.0.%d" % number, ipv4_prefix_length=24, attached=attached, **more))
    return path


def read(path):
    with open(path) as stream:
        return stream.read()


def test_members_see_each_other(roots):
    one = join(roots, "net", "one", 11, hostname="first", aliases=("web", "www"))
    two = join(roots, "net", "two", 12)
    elsewhere = join(roots, "other", "three", 13)
    inode = os.stat(one).st_ino
    names.refresh(roots, "net")
    assert os.stat(one).st_ino == inode
    assert read(one).startswith("127.0.0.1\tlocalhost\n")
    assert "192.0.2.7\tdb\n" in read(one)
    assert "10.1.0.11\tfirst one web www 111111111111\n10.1.0.12\ttwo 121212121212\n" in read(one)
    assert "10.1.0.12\ttwo 121212121212\n10.1.0.11\tone web www 111111111111\n" in read(two)
    assert "three" not in read(one) and "one" not in read(elsewhere)


def test_who_leaves_is_not_seen_any_more(roots):
    one = join(roots, "net", "one", 11)
    join(roots, "net", "two", 12)
    names.refresh(roots, "net")
    before = len(read(one))
    join(roots, "net", "two", 12, attached=False)
    names.refresh(roots, "net")
    assert "\ttwo " not in read(one)
    assert len(read(one)) < before
    assert read(one).endswith(names.END + "\n")


def test_a_container_in_two_networks_sees_both(roots):
    one = join(roots, "net", "one", 11)
    join(roots, "other", "one", 11)
    join(roots, "net", "two", 12)
    join(roots, "other", "three", 13)
    names.refresh(roots, "net", "other")
    assert "\ttwo " in read(one) and "\tthree " in read(one)


def test_no_file_no_harm(roots):
    os.unlink(join(roots, "net", "one", 11))
    names.refresh(roots, "net")


@given(LINES, LINES, LINES)
def test_the_block_is_replaced_and_nothing_else(kept, first, second):
    text = "".join(line + "\n" for line in kept)
    once = names.with_block(text, first)
    assert names.with_block(once, second) == names.with_block(text, second)
    assert once.startswith("\n".join(kept))


def write(tmp_path, text):
    path = tmp_path / "resolv.conf"
    path.write_text(text)
    return str(path)


def test_resolv_conf_of_the_host(roots, tmp_path):
    source = write(tmp_path, "# comment\nnameserver 192.0.2.53\nnameserver 127.0.0.1\nsearch example.com lab\noptions ndots:2\n")
    assert names.resolv_conf(roots, source=source) == "nameserver 192.0.2.53\nsearch example.com lab\noptions ndots:2\n"
    assert "127.0.0.1" in names.resolv_conf(roots, source=source, own_loopback=True)


def test_resolv_conf_with_parts_of_its_own(roots, tmp_path):
    source = write(tmp_path, "nameserver 192.0.2.53\nsearch example.com\noptions ndots:2\n")
    text = names.resolv_conf(roots, ["192.0.2.1", "127.0.0.1"], ["."], ["timeout:1"], source=source)
    assert text == "nameserver 192.0.2.1\nnameserver 127.0.0.1\noptions timeout:1\n"


def test_resolv_conf_behind_systemd_resolved(roots, tmp_path, monkeypatch):
    upstream = tmp_path / "upstream"
    upstream.write_text("nameserver 192.0.2.99\nsearch lab\n")
    monkeypatch.setattr(names, "SYSTEMD_RESOLVED", str(upstream))
    source = write(tmp_path, "nameserver 127.0.0.53\noptions edns0\n")
    assert names.resolv_conf(roots, source=source) == "nameserver 192.0.2.99\nsearch lab\n"
