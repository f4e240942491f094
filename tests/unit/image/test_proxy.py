# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy the environment names for a host."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.proxy import Proxy, proxy_for

PROXY = Proxy("http", "proxy", 3128)


@pytest.mark.parametrize("name, no_proxy, through", [
    ("r.example", "", True), ("r.example", "example", False), ("example", "example", False), ("notexample", "example", True),
    ("r.example", ".example, x", False), ("example", ".example", True), ("r.example", "*.example", False), ("r.example", "*", False),
    ("R.Example", "r.EXAMPLE", False), ("r.example", "r.example:5000", False), ("r.example", "r.example:5001", True),
    ("10.1.2.3", "10.0.0.0/8", False), ("11.1.2.3", "10.0.0.0/8", True), ("10.1.2.3", "10.1.2.3", False), ("10.1.2.30", "10.1.2.3", True),
    ("fd00::1", "fd00::/8", False), ("fd00::1", "10.0.0.0/8 [fd00::1]", False), ("fe00::1", "fd00::/8", True),
    ("r.example", "10.0.0.0/8", True),
    ("localhost", "", False), ("127.9.9.9", "", False), ("::1", "", False), ("x.localhost", "", False), ("r.example", ",, ,", True),
    ("r.example", "*.", True), ("r.example", ".", True),
])
def test_exceptions(name, no_proxy, through):
    environ = {"https_proxy": "http://proxy:3128", "no_proxy": no_proxy}
    assert (proxy_for("https", name, 5000, environ) == PROXY) is through
    upper = {key.upper(): value for key, value in environ.items()}
    assert (proxy_for("https", name, 5000, upper) is not None) is through
    assert proxy_for("http", name, 5000, environ) is None


@pytest.mark.parametrize("address, expected", [
    ("proxy:3128", PROXY), ("http://proxy", Proxy("http", "proxy", 80)), ("https://proxy", Proxy("https", "proxy", 443)),
    ("http://[fd00::1]:8080/", Proxy("http", "fd00::1", 8080)),
    ("http://ada:x%3Ay@proxy:3128", Proxy("http", "proxy", 3128, "Basic YWRhOng6eQ==")),
    ("http://ada@proxy:3128", Proxy("http", "proxy", 3128, "Basic YWRhOg==")),
])
def test_addresses(address, expected):
    assert proxy_for("http", "r.example", 80, {"http_proxy": address}) == expected


@pytest.mark.parametrize("address", ["socks5://proxy:1080", "http://", "http://proxy:port", "http://me:secret@"])
def test_what_is_no_address(address):
    with pytest.raises(InvalidValue, match="HTTP_PROXY: ") as caught:
        proxy_for("http", "r.example", 80, {"HTTP_PROXY": address})
    assert "secret" not in str(caught.value)


def test_secrets_stay_out_of_sight():
    assert "Basic" not in repr(Proxy("http", "proxy", 1, "Basic x"))
