# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server writes into its headers, we get an answer or an error of our own, and soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import listing, transport
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.auth import challenges
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions, Transport

HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200)
LIKELY = st.text(st.sampled_from("abc:/?#[]@!$&'()*+,;=\"\\<> 019._-%~\u00e9"), max_size=80)


class Answer:
    """A response of headers only."""

    def __init__(self, *values):
        self.values = values

    def header(self, name):
        return self.values[0] if self.values else None

    def headers(self, name):
        return self.values


@given(st.lists(HEADER | LIKELY.map(lambda text: 'Bearer realm="' + text), max_size=3))
def test_challenges(values):
    for scheme, parameters in challenges(values):
        assert scheme.isalpha() and scheme == scheme.lower() and all(isinstance(each, str) for each in parameters.values())


@pytest.mark.parametrize("text", [" " * 60000 + "!", "," * 60000, "a" * 60000, 'Basic a="' + "\\" * 60000, "Basic a" + " " * 60000,
                                  "Bearer " * 9000])
def test_challenges_that_are_long(text):
    began = time.monotonic()
    challenges([text])
    assert time.monotonic() - began < 1


@given(HEADER | LIKELY.map(lambda text: "</v2/" + text))
def test_links(text):
    try:
        found = listing._next(Answer(text), "http://r.example/v2/x")
    except EngineError:
        return
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("text, expected", [
    ('</a>; rel="next"', "http://r/a"), ('</a>; rel="prev", </b>; rel=next', "http://r/b"), ("</a>; rel=nextish", None),
    ('<http://r/c,d>; title="x"; rel="next"', "http://r/c,d"), ("</a>", None), ("rel=next", None),
])
def test_links_as_they_should_be(text, expected):
    assert listing._next(Answer(text), "http://r/x") == expected


DATE = st.from_regex(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{8} (GMT|[+-][0-9]{4})", fullmatch=True)


@given(HEADER | st.integers().map(str) | DATE)
def test_pauses(text):
    found = transport.wanted_pause(Answer(text))
    assert found is None or found >= 0


@given(LIKELY | HEADER)
def test_locations(text):
    for target in (text, "http://" + text, "/" + text, "//" + text):
        try:
            scheme, host, path = transport.split(transport.join("https://r.example/v2/x?y=1", target))
        except EngineError:
            continue
        assert scheme in ("http", "https") and path.startswith("/") and path.isascii() and " " not in path
        name, port = transport.host_port(host, scheme)
        assert name and 0 <= port <= 65535


@pytest.mark.parametrize("url", ["http://r:65536/", "http://r:x/", "http://a b/", "http://\u00e9/", "http://" + "a" * 64 + "/",
                                 "http://" + "a." * 130 + "/", "http:///", "http://?x", "http://[::1/", "http://a\n/"])
def test_addresses_of_nobody(url):
    with pytest.raises(EngineError, match="is not an address of a registry"):
        transport.split(url)


@pytest.mark.parametrize("url, expected", [
    ("http://me:secret@r:5/x", ("http", "r:5", "/x")), ("https://r?x=/y", ("https", "r", "/?x=/y")),
    ("https://r/a#b", ("https", "r", "/a")),
    ("http://r/a b\u00e9", ("http", "r", "/a%20b%C3%A9")), ("http://[::1]:5/%20", ("http", "[::1]:5", "/%20")),
])
def test_addresses(url, expected):
    assert transport.split(url) == expected


def test_a_redirect_to_nobody(server):
    server.script((307, {"Location": "http://r:99999/x"}, b""))
    client = Transport(RegistryOptions(timeout=5))
    with pytest.raises(EngineError, match="is not an address of a registry"):
        client.request("GET", server.url + "/x")
    client.close()
