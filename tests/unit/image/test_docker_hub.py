# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Hub's several hosts, played by one server behind a proxy that is asked for their names."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Denied, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import listing
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_INDEX, Descriptor
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

from .conftest import as_json

DIGEST = "sha256:" + "a" * 64
CONTENT = b"layer" * 100
BLOB = Descriptor("x", "sha256:" + "b" * 64, len(CONTENT))
ADA = "Basic " + base64.b64encode(b"ada:secret").decode()


class Hub:
    """``seen``: (host, method, path, Authorization) of every request."""

    def __init__(self, server):
        self.seen, self.limited, self.private = [], False, False
        server.answer = self.answer

    def answer(self, request):
        host, sent = request.headers["Host"], request.headers["Authorization"]
        self.seen.append((host, request.method, request.path, sent))
        if host == "auth.docker.io":
            return as_json({"token": "t", "access_token": "t", "expires_in": 300}) if not self.private or sent == ADA else (401, {}, b"")
        if host == "index.docker.io":
            return as_json({"results": [{"name": "nginx", "description": "d", "star_count": 1, "is_official": True}]})
        if host == "storage.test":
            return (400, {}, b"") if sent else (200, {}, CONTENT)
        if sent != "Bearer t":
            return 401, {"WWW-Authenticate": 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
                                             'scope="repository:library/nginx:pull"'}, b""
        if self.limited:
            return as_json({"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit."}]}, 429)
        if "/blobs/" in request.path:
            return 307, {"Location": "https://storage.test/b?signature=1"}, b""
        if "/tags/" in request.path:
            return as_json({"name": "library/nginx", "tags": ["1.27"]})
        return 200, {"Content-Type": OCI_INDEX, "Docker-Content-Digest": DIGEST}, b""


@pytest.fixture
def hub(serve, authority, monkeypatch):
    server, proxy = serve(authority.context()), serve()
    proxy.answer = lambda request: (200, ("127.0.0.1", server.port), b"")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    return Hub(server)


@pytest.fixture
def client(authority):
    opened = []

    def make(**options):
        opened.append(Registry("docker.io", RegistryOptions(ca_path=authority.ca[0], timeout=5, **options)))
        return opened[-1]

    yield make
    for each in opened:
        each.transport.close()


def test_anonymous(hub, client):
    assert client().head(Reference.parse("nginx:1.27")).digest == DIGEST
    manifest = "/v2/library/nginx/manifests/1.27"
    assert hub.seen == [
        ("registry-1.docker.io", "HEAD", manifest, None),
        ("auth.docker.io", "GET", "/token?service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull", None),
        ("registry-1.docker.io", "HEAD", manifest, "Bearer t")]


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io"])
def test_with_a_stored_login(hub, client, tmp_path, key):
    hub.private = True
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {key: {"auth": ADA.partition(" ")[2]}}}))
    assert client().head(Reference.parse("ada/private")).digest == DIGEST
    assert [each[3] for each in hub.seen] == [None, ADA, "Bearer t"]


def test_a_layer_comes_from_storage(hub, client):
    assert b"".join(client().blob(Reference.parse("nginx"), BLOB)) == CONTENT
    assert hub.seen[-1] == ("storage.test", "GET", "/b?signature=1", None)


def test_a_wrong_password(hub, client):
    hub.private = True
    with pytest.raises(Denied, match=r"registry docker\.io refused the login of account ada"):
        client(username="ada", password="wrong").head(Reference.parse("nginx"))


def test_the_limit(hub, client, pauses):
    hub.limited = True
    with pytest.raises(Unreachable, match=r"registry docker\.io takes no more requests for now.*pull rate limit") as caught:
        client().manifest(Reference.parse("nginx"))
    assert "log in" in caught.value.hint and "mirror" in caught.value.hint


def test_search_and_tags(hub, client):
    mine = client()
    assert [each.name for each in listing.search(mine, "nginx", 5)] == ["nginx"]
    assert hub.seen == [("index.docker.io", "GET", "/v1/search?q=nginx&n=5", None)]
    assert listing.tags(mine, Reference.parse("nginx")) == ["1.27"]
