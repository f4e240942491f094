# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about a host, read from trees in a temporary directory."""

from __future__ import annotations

import gzip
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.linux.features import Kernel
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import host
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"), proc=str(tmp_path / "proc"), sys=str(tmp_path / "sys"), cgroup=str(tmp_path / "cgroup"))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def kernel(roots, tmp_path):
    return Kernel(roots, "6.1.0", str(tmp_path / "boot"), str(tmp_path / "modules"))


def test_nothing_to_be_found_out(roots, tmp_path):
    found = kernel(roots, tmp_path)
    assert found.has("veth") is None and found.filesystem("overlay") is None and found.sysctl("net.ipv4.ip_forward") is None
    assert found.security_modules() == [] and found.namespaces() == []


def test_by_the_configuration(roots, tmp_path):
    write(str(tmp_path / "boot/config-6.1.0"), "CONFIG_VETH=y\nCONFIG_BRIDGE=m\n# CONFIG_VXLAN is not set\nCONFIG_SECCOMP_FILTER=y\n")
    write(str(tmp_path / "modules/6.1.0/modules.dep"), "kernel/net/bridge/bridge.ko.xz: kernel/net/llc/llc.ko.xz\n")
    found = kernel(roots, tmp_path)
    assert [found.has(name) for name in ("veth", "bridge", "vxlan", "seccomp_filter")] == [True, True, False, True]


def test_a_module_that_is_configured_and_not_installed(roots, tmp_path):
    write(str(tmp_path / "boot/config-6.1.0"), "CONFIG_VETH=m\n")
    write(str(tmp_path / "modules/6.1.0/modules.dep"), "kernel/net/nf-tables.ko:\n")
    found = kernel(roots, tmp_path)
    assert found.has("veth") is False and found.has("nf_tables") is True


def test_by_the_compressed_configuration_and_loaded_modules(roots, tmp_path):
    os.makedirs(roots.proc)
    with gzip.open(os.path.join(roots.proc, "config.gz"), "wt") as stream:
        stream.write("CONFIG_OVERLAY_FS=y\n")
    os.makedirs(os.path.join(roots.sys, "module/wireguard"))
    found = kernel(roots, tmp_path)
    assert found.has("overlay") is True and found.has("wireguard") is True and found.has("veth") is False


def test_security_modules(roots, tmp_path):
    write(os.path.join(roots.sys, "module/apparmor/parameters/enabled"), "Y\n")
    write(os.path.join(roots.sys, "fs/selinux/enforce"), "1")
    assert kernel(roots, tmp_path).security_modules() == ["apparmor", "selinux"]


def test_storage_is_that_of_the_nearest_mount(roots, tmp_path):
    write(
        os.path.join(roots.proc, "self/mountinfo"),
        "1 0 0:1 / / rw - ext4 /dev/sda rw\n2 1 0:2 / %s rw - xfs /dev/sdb rw\n3 1 0:3 / %s-other rw - tmpfs t rw\n"
        % (tmp_path, roots.state),
    )
    storage = host.observe_storage(roots)
    assert (storage.filesystem, storage.mount_point, storage.state_root) == ("xfs", str(tmp_path), roots.state)
    assert 0 < storage.free <= storage.total


def test_usage_counts_a_file_with_two_links_once(roots):
    write(os.path.join(roots.images, "blobs/a"), "x" * 10000)
    os.link(os.path.join(roots.images, "blobs/a"), os.path.join(roots.images, "blobs/b"))
    write(os.path.join(roots.containers, "1" * 64, "upper/f"), "y" * 5000)
    write(os.path.join(roots.containers, "1" * 64, "container.json"), "z" * 50000)
    usage = host.observe_usage(roots)
    assert 10000 <= usage.images < 2 * 10000 + 8192
    assert 5000 <= usage.containers < 20000
    assert (usage.layers, usage.volumes) == (0, 0)


def test_warnings_say_what_to_do(roots, monkeypatch):
    monkeypatch.setattr(host, "firewall_warnings", lambda: ["table ip filter drops"])
    good = host.Features(
        overlay=True,
        libseccomp="2.5.4",
        cgroup_version="v2",
        cgroup_controllers=("cpu", "memory", "pids"),
        nft_command="/nft",
        pyroute2=True,
    )
    ext4 = host.Storage("/var/lib/x", "ext4", "/", 1, 2)
    assert host.warnings_of(roots, good, ext4) == ["table ip filter drops"]
    monkeypatch.setattr(host, "firewall_warnings", list)
    bad = host.warnings_of(roots, host.Features(overlay=False), host.Storage("/var/lib/x", "overlay", "/", 1, 2))
    for word in ("control groups", "overlayfs", "/var/lib/x lies on an overlay", "libseccomp", "pyroute2", "nft"):
        assert any(word in text for text in bad), word
    write(os.path.join(roots.proc, "sys/net/bridge/bridge-nf-call-iptables"), "1\n")
    assert any("bridge-nf-call-iptables" in text for text in host.warnings_of(roots, good, ext4))
