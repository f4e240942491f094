# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: asked for, kept by scope, renewed; identity tokens; what is not told to whom."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Denied, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import auth
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_MANIFEST, Descriptor
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

from .conftest import Cut, as_json

DIGEST = "sha256:" + "a" * 64
BLOB = Descriptor("x", "sha256:" + "b" * 64, 1000)


class TokenServer:
    """Gives tokens ``t1``, ``t2``, ...; ``valid`` are those that the registry takes."""

    def __init__(self, server):
        self.server, self.count, self.valid, self.more, self.status = server, 0, set(), {}, 200
        server.answer = self.answer

    def answer(self, request):
        self.count += 1
        token = "t%d" % self.count
        self.valid.add(token)
        return as_json(dict({"token": token}, **self.more), self.status)

    def forms(self):
        """What was asked for: list of dicts of lists."""
        return [urllib.parse.parse_qs(each.body.decode() if each.method == "POST" else each.path.partition("?")[2])
                for each in self.server.requests]


@pytest.fixture
def tokens(serve):
    return TokenServer(serve())


@pytest.fixture
def registry(serve, tokens):
    """A registry that takes the token server's tokens."""
    server = serve()

    def answer(request):
        sent = request.headers.get("Authorization") or ""
        if sent.removeprefix("Bearer ") in tokens.valid:
            return 200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": DIGEST}, b""
        return 401, {"WWW-Authenticate": 'Bearer realm="%s/token",service="reg",scope="repository:web:pull"' % tokens.server.url}, b""

    server.answer = answer
    return server


@pytest.fixture
def client(registry):
    clients = []

    def make(**options):
        clients.append(Registry(registry.host, RegistryOptions(**dict({"timeout": 5}, **options))))
        return clients[-1]

    yield make
    for each in clients:
        each.transport.close()


def reference(registry, name="web:1"):
    return Reference.parse("%s/%s" % (registry.host, name))


def test_anonymous(registry, tokens, client):
    mine = client()
    for unused in range(3):
        assert mine.head(reference(registry)).digest == DIGEST
    assert tokens.count == 1 and tokens.forms() == [{"service": ["reg"], "scope": ["repository:web:pull"]}]
    assert tokens.server.requests[0].headers["Authorization"] is None


def test_with_an_account(registry, tokens, client):
    client(username="ada", password="secret").head(reference(registry))
    assert tokens.forms() == [{"service": ["reg"], "scope": ["repository:web:pull"], "account": ["ada"]}]
    assert base64.b64decode(tokens.server.requests[0].headers["Authorization"].partition(" ")[2]) == b"ada:secret"
    assert all("Basic" not in (each.headers["Authorization"] or "") for each in registry.requests)


def test_one_token_a_scope(registry, tokens, client):
    mine = client()
    mine.head(reference(registry))
    mine.has_blob(reference(registry), BLOB)
    assert [each["scope"] for each in tokens.forms()] == [["repository:web:pull"], ["repository:web:pull,push"]]


def test_a_token_that_ended_is_replaced(registry, tokens, client):
    mine = client()
    mine.head(reference(registry))
    tokens.valid.clear()
    assert mine.head(reference(registry)).digest == DIGEST and tokens.count == 2


def test_a_token_is_renewed_before_it_ends(registry, tokens, client, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(auth.time, "monotonic", lambda: now[0])
    tokens.more = {"expires_in": 60}
    mine = client()
    mine.head(reference(registry))
    now[0] += 45
    mine.head(reference(registry))
    assert tokens.count == 1
    now[0] += 10
    mine.head(reference(registry))
    assert tokens.count == 2
    assert [each.headers["Authorization"] for each in registry.requests] == [None, "Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("seconds", ["soon", None, -5, True, 0])
def test_an_end_that_is_none(registry, tokens, client, seconds):
    tokens.more = {"expires_in": seconds}
    mine = client()
    mine.head(reference(registry))
    mine.head(reference(registry))
    assert tokens.count == 1


def test_a_token_that_ends_in_the_middle_of_a_blob(registry, tokens, client):
    content, before = b"x" * 600 + b"y" * 400, registry.answer

    def answer(request):
        allowed = before(request)
        if allowed[0] != 200:
            return allowed
        begin = int((request.headers["Range"] or "bytes=0-")[6:-1])
        if begin == 0:
            tokens.valid.clear()
            return Cut(content[:600], 1000)
        return 206, {"Content-Range": "bytes %d-999/1000" % begin}, content[begin:]

    registry.answer = answer
    mine, got = client(), b""
    with pytest.raises(Unreachable):
        for chunk in mine.blob(reference(registry), BLOB):
            got += chunk
    for chunk in mine.blob(reference(registry), BLOB, len(got)):
        got += chunk
    assert got == content and tokens.count == 2


def test_a_token_that_is_never_good(registry, tokens, client):
    tokens.valid = frozenset()
    tokens.answer = lambda request: as_json({"token": "bad"})
    tokens.server.answer = tokens.answer
    with pytest.raises(Denied, match="wants a login"):
        client().head(reference(registry))
    assert len(registry.requests) == 2


class TestIdentityToken:
    @pytest.fixture(autouse=True)
    def stored(self, tmp_path, registry):
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {registry.host: {"identitytoken": "first"}}}))

    def test_it_is_exchanged(self, registry, tokens, client):
        client().head(reference(registry))
        assert [each.method for each in tokens.server.requests] == ["POST"]
        assert tokens.forms() == [{"service": ["reg"], "scope": ["repository:web:pull"], "grant_type": ["refresh_token"],
                                   "refresh_token": ["first"], "client_id": ["agentless"]}]

    def test_the_next_one_replaces_it(self, registry, tokens, client):
        tokens.more = {"refresh_token": "second", "access_token": "x"}
        mine = client()
        mine.head(reference(registry))
        tokens.valid.clear()
        mine.head(reference(registry))
        assert [each["refresh_token"] for each in tokens.forms()] == [["first"], ["second"]]

    def test_one_that_is_refused(self, registry, tokens, client):
        tokens.status = 401
        with pytest.raises(Denied, match="refused the stored token") as caught:
            client().head(reference(registry))
        assert "first" not in str(caught.value)


def test_a_token_for_the_registry(registry, tokens, client, tmp_path):
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {registry.host: {"registrytoken": "given"}}}))
    tokens.valid.add("given")
    assert client().head(reference(registry)).digest == DIGEST and tokens.count == 0


def test_a_token_server_that_knows_post_only(registry, tokens, client):
    before = tokens.answer
    tokens.server.answer = lambda request: before(request) if request.method == "POST" else (405, {}, b"")
    client(username="ada", password="secret").head(reference(registry))
    assert tokens.forms()[1]["grant_type"] == ["password"] and tokens.forms()[1]["password"] == ["secret"]


@pytest.mark.parametrize("answer, words", [
    ((403, {}, b""), "refused the login of account ada"), ((404, {}, b""), "answered 404"), (as_json({}), "gave no token"),
    (as_json({"token": ["x"]}), "gave no token"), ((200, {}, b"nonsense"), "is not JSON"),
])
def test_a_token_server_that_fails(registry, tokens, client, answer, words):
    tokens.server.answer = lambda request: answer
    with pytest.raises(Exception, match=words) as caught:
        client(username="ada", password="secret").head(reference(registry))
    assert "secret" not in str(caught.value)


def test_a_busy_token_server_is_asked_again(registry, tokens, client, pauses):
    before = tokens.answer
    tokens.server.answer = lambda request: before(request) if len(tokens.server.requests) > 2 else (503, {}, b"")
    assert client().head(reference(registry)).digest == DIGEST and len(pauses) == 2


def test_a_token_server_without_tls_for_a_registry_with_tls(serve, server, authority):
    registry = serve(authority.context())
    registry.answer = lambda request: (401, {"WWW-Authenticate": 'Bearer realm="%s/token"' % server.url}, b"")
    options = RegistryOptions("ada", "secret", ca_path=authority.ca[0], plain_http=False, timeout=5)
    words = "wants credentials sent to %s/token, without TLS" % server.url
    with Registry(registry.host, options) as mine, pytest.raises(Denied, match=words):
        mine.head(reference(registry))
    assert server.requests == []


def test_no_token_for_other_servers(registry, tokens, client, server):
    mine = client()
    mine.head(reference(registry))
    mine.call("GET", server.url + "/elsewhere", mine.scope(reference(registry), False), {})
    assert server.requests[0].headers["Authorization"] is None


def test_storage_that_asks_who_we_are(registry, tokens, client, server):
    before = registry.answer
    registry.answer = lambda request: (307, {"Location": server.url + "/b"}, b"") if before(request)[0] == 200 else before(request)
    server.answer = lambda request: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    with pytest.raises(Denied):
        list(client(username="ada", password="secret").blob(reference(registry), BLOB))
    assert [each.headers["Authorization"] for each in server.requests] == [None]


@pytest.mark.parametrize("mine, theirs, expected", [
    ("repository:a:pull", "repository:a:pull", ["repository:a:pull"]),
    ("repository:a:pull,push", "repository:a:pull", ["repository:a:pull,push"]),
    (None, "registry:catalog:*", ["registry:catalog:*"]),
    (("repository:a:pull", "repository:b:pull"), None, ["repository:a:pull", "repository:b:pull"]),
    ("repository:a:pull", "repository:real/a:pull x:y:z", ["repository:a:pull", "repository:real/a:pull", "x:y:z"]), (None, None, []),
])
def test_scopes(mine, theirs, expected):
    assert auth._scopes(mine, theirs) == expected
