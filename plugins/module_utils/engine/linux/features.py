# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel and its configuration say about a feature, without trying it. True, False, or None where nothing can be found out."""

from __future__ import annotations

import os
import re

# feature -> (option of the kernel's configuration, module)
OPTIONS = {
    "overlay": ("CONFIG_OVERLAY_FS", "overlay"),
    "bridge": ("CONFIG_BRIDGE", "bridge"),
    "veth": ("CONFIG_VETH", "veth"),
    "vxlan": ("CONFIG_VXLAN", "vxlan"),
    "macvlan": ("CONFIG_MACVLAN", "macvlan"),
    "ipvlan": ("CONFIG_IPVLAN", "ipvlan"),
    "wireguard": ("CONFIG_WIREGUARD", "wireguard"),
    "nf_tables": ("CONFIG_NF_TABLES", "nf_tables"),
    "nft_nat": ("CONFIG_NFT_NAT", "nft_nat"),
    "nft_masquerade": ("CONFIG_NFT_MASQ", "nft_masq"),
    "nft_fib": ("CONFIG_NFT_FIB_INET", "nft_fib_inet"),
    "br_netfilter": ("CONFIG_BRIDGE_NETFILTER", "br_netfilter"),
    "seccomp_filter": ("CONFIG_SECCOMP_FILTER", None),
    "cgroup_bpf": ("CONFIG_CGROUP_BPF", None),
    "user_namespaces": ("CONFIG_USER_NS", None),
}


class Kernel:
    """Answers about the running kernel; its configuration is read at most once.

    :param roots: ``proc`` and ``sys`` are looked into; ``boot`` and ``modules`` may be injected.
    """

    def __init__(self, roots, release=None, boot="/boot", modules="/lib/modules"):
        self.roots = roots
        self.release = release or os.uname().release
        self.boot = boot
        self.modules = os.path.join(modules, self.release)
        self._config = None
        self._files = None

    def config(self):
        """dict of option -> ``y`` or ``m``; empty where the configuration is not to be found."""
        if self._config is None:
            text = _text(os.path.join(self.boot, "config-" + self.release)) or _text(os.path.join(self.modules, "config"))
            if text is None:
                text = _gzipped(os.path.join(self.roots.proc, "config.gz")) or ""
            self._config = dict(re.findall(r"^(CONFIG_\w+)=([ym])$", text, re.MULTILINE))
        return self._config

    def module_files(self):
        """Names of the modules that can be loaded or are built in; empty where there is no list."""
        if self._files is None:
            text = (_text(os.path.join(self.modules, "modules.dep")) or "") + (_text(os.path.join(self.modules, "modules.builtin")) or "")
            self._files = {os.path.basename(path).replace("-", "_") for path in re.findall(r"^(\S+?)\.ko", text, re.MULTILINE)}
        return self._files

    def has(self, feature):
        """Whether the kernel has a feature of :data:`OPTIONS`, built in or as a module that can be loaded."""
        option, module = OPTIONS[feature]
        if module and os.path.isdir(os.path.join(self.roots.sys, "module", module)):
            return True
        setting = self.config().get(option)
        if setting == "y" or (setting == "m" and not module):
            return True
        if module and module in self.module_files():
            return True
        if setting == "m":
            # configured as a module, and the file is not installed
            return not self.module_files() and None
        return False if self.config() else None

    def filesystem(self, name):
        """Whether a file system is registered; None where it is not yet, and its module may be."""
        text = _text(os.path.join(self.roots.proc, "filesystems")) or ""
        return name in text.split() or None

    def security_modules(self):
        """Sorted names of the active security modules among ``apparmor`` and ``selinux``."""
        found = []
        if (_text(os.path.join(self.roots.sys, "module/apparmor/parameters/enabled")) or "").strip() == "Y":
            found.append("apparmor")
        if os.path.exists(os.path.join(self.roots.sys, "fs/selinux/enforce")):
            found.append("selinux")
        return found

    def namespaces(self):
        """Sorted kinds of namespaces that the kernel has."""
        try:
            names = os.listdir(os.path.join(self.roots.proc, "self/ns"))
        except FileNotFoundError:
            return []
        return sorted(name for name in names if not name.endswith("_for_children"))

    def sysctl(self, name):
        """The value of a sysctl (``net.ipv4.ip_forward``) as text, or None."""
        text = _text(os.path.join(self.roots.proc, "sys", *name.split(".")))
        return None if text is None else text.strip()


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return None


def _gzipped(path):
    import gzip
    import zlib

    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error):
        return None
