# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of registries."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import transport


@pytest.mark.parametrize("host, scheme, expected", [
    ("a.example", "https", ("a.example", 443)), ("a.example:5", "https", ("a.example", 5)), ("localhost", "http", ("localhost", 80)),
    ("[::1]:5000", "http", ("::1", 5000)), ("[::1]", "https", ("::1", 443)),
])
def test_host_and_port(host, scheme, expected):
    assert transport.host_port(host, scheme) == expected


@pytest.mark.parametrize("host, expected", [
    ("localhost:5000", True), ("127.0.0.1", True), ("127.8.9.1:80", True), ("[::1]:5000", True), ("x.localhost", True),
    ("127.example.com", False), ("localhost.example.com", False), ("registry:5000", False), ("[::2]", False),
])
def test_loopback(host, expected):
    assert transport.is_loopback(host) is expected


@pytest.mark.parametrize("target, expected", [
    ("/v2/x", "http://a:1/v2/x"), ("https://b/x?y=//z", "https://b/x?y=//z"), ("//c/d", "http://c/d"), ("d?e=http://f", "http://a:1/v2/r/d?e=http://f"),
])
def test_locations(target, expected):
    assert transport.join("http://a:1/v2/r/uploads?state=1/2", target) == expected


@pytest.mark.parametrize("url", ["", "ftp://x/", "http:/x", "http:///x", "file:///etc/passwd"])
def test_other_addresses_are_refused(url):
    with pytest.raises(EngineError):
        transport.split(url)
