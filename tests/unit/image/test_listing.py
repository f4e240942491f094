# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs, tags, searches and referrers, page by page."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, Denied, EngineError, NotFound, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import listing
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry, Remote
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

from .conftest import as_json

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def registry(server, pauses):
    with Registry(server.host, RegistryOptions(timeout=5)) as found:
        yield found


@pytest.fixture
def web(server):
    return Reference.parse(server.host + "/team/web:1")


def query(request):
    return dict(urllib.parse.parse_qsl(request.path.partition("?")[2]))


def paged(key, names, size, absolute=""):
    """An answer function that gives ``size`` names a page, whatever is asked for."""
    def answer(request):
        path, last = request.path.partition("?")[0], query(request).get("last")
        begin = names.index(last) + 1 if last else 0
        page = names[begin:begin + size]
        more = {"Link": '<%s%s?last=%s&n=%d>; rel="next"' % (absolute, path, page[-1], size)} if begin + size < len(names) else {}
        return as_json({key: page}, **more)
    return answer


class TestPages:
    NAMES = ["team/db", "team/web", "tools", "web"]

    def test_catalog(self, server, registry):
        server.answer = paged("repositories", self.NAMES, 1)
        assert listing.catalog(registry) == self.NAMES and len(server.requests) == 4
        assert listing.catalog(registry, lambda name: "web" in name) == ["team/web", "web"]

    def test_no_more_pages_than_needed(self, server, registry):
        server.answer = paged("repositories", self.NAMES, 1)
        assert listing.catalog(registry, limit=2) == self.NAMES[:2] and len(server.requests) == 2

    def test_absolute_links(self, server, registry):
        server.answer = paged("repositories", self.NAMES, 3, server.url)
        assert listing.catalog(registry) == self.NAMES

    def test_tags(self, server, registry, web):
        server.answer = paged("tags", ["1", "2", "latest"], 2)
        assert listing.tags(registry, web) == ["1", "2", "latest"]
        assert server.requests[0].path.startswith("/v2/team/web/tags/list?")

    def test_no_tags(self, server, registry, web):
        server.script(as_json({"name": "team/web", "tags": None}))
        assert listing.tags(registry, web) == []

    def test_unknown_repository(self, server, registry, web):
        server.script(as_json({"errors": [{"code": "NAME_UNKNOWN"}]}, 404))
        with pytest.raises(NotFound, match="repository team/web is not in registry"):
            listing.tags(registry, web)

    def test_pages_in_a_circle(self, server, registry):
        server.answer = lambda request: as_json({"repositories": ["x"]}, Link='</v2/_catalog?last=x>; rel="next"')
        assert listing.catalog(registry) == ["x", "x"]

    @pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"repositories": "x"}'])
    def test_nonsense(self, server, registry, body):
        server.script((200, {}, body))
        with pytest.raises(Corrupt):
            listing.catalog(registry)


class TestSearch:
    RESULTS = {"num_results": 2, "results": [
        {"name": "nginx", "description": "Official build of Nginx.", "star_count": 20000, "is_official": True},
        {"name": "me/nginx", "description": None, "star_count": None}, {"no": "name"}, 5]}

    def test_a_catalog(self, server, registry):
        server.answer = paged("repositories", TestPages.NAMES, 2)
        assert [each.name for each in listing.search(registry, "WEB")] == ["team/web", "web"]

    def test_a_registry_without_a_catalog(self, server, registry):
        server.answer = lambda request: as_json(self.RESULTS) if request.path.startswith("/v1/search?") else (404, {}, b"")
        found = listing.search(registry, "nginx", 10)
        assert found == [listing.Repository("nginx", "Official build of Nginx.", 20000, True), listing.Repository("me/nginx", "", 0, False)]
        assert query(server.requests[-1]) == {"q": "nginx", "n": "10"}

    def test_a_registry_that_allows_neither(self, server, registry):
        server.answer = lambda request: (401, {"WWW-Authenticate": "Basic realm=x"}, b"")
        with pytest.raises(Denied):
            listing.search(registry, "x")

    def test_a_registry_that_fails(self, server, registry):
        server.script((503, {}, b""))
        with pytest.raises(Unreachable):
            listing.search(registry, "x")
        assert not any("/v1/" in each.path for each in server.requests)

    def test_docker_hub(self, server, pauses, monkeypatch):
        monkeypatch.setattr(listing, "_HUB_SEARCH", server.url + "/v1/search")
        server.script(as_json(self.RESULTS))
        with Registry("docker.io", RegistryOptions(timeout=5, plain_http=True)) as hub:
            assert [each.name for each in listing.search(hub, "nginx", 1)] == ["nginx"]
            assert len(listing.search(hub, "nginx")) == 2
            with pytest.raises(EngineError, match="lists nothing without a term"):
                listing.search(hub, "")
        assert [query(each) for each in server.requests] == [{"q": "nginx", "n": "1"}, {"q": "nginx", "n": "100"}]


def entry(number, kind="application/spdx+json"):
    return {"mediaType": OCI_MANIFEST, "digest": "sha256:%064d" % number, "size": number, "artifactType": kind,
            "annotations": {"n": str(number)}}


def index(*entries):
    return as_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}, Content_Type=OCI_INDEX)


class TestReferrers:
    def test_the_api_in_pages(self, server, registry, web):
        def answer(request):
            if "page=2" in request.path:
                return index(entry(2))
            status, headers, body = index(entry(1))
            return status, dict(headers, Link='</v2/team/web/referrers/%s?page=2>; rel="next"' % DIGEST), body

        server.answer = answer
        found = listing.referrers(registry, web, DIGEST)
        assert [(each.digest, each.artifact_type, each.annotations) for each in found] == [
            ("sha256:%064d" % number, "application/spdx+json", (("n", str(number)),)) for number in (1, 2)]

    def test_a_registry_that_does_not_filter(self, server, registry, web):
        server.script(index(entry(1), entry(2, "x/y")))
        assert [each.size for each in listing.referrers(registry, web, DIGEST, "x/y")] == [2]
        assert query(server.requests[0]) == {"artifactType": "x/y"}

    def test_the_tag_of_older_registries(self, server, registry, web):
        server.answer = lambda request: index(entry(1), entry(2, "x/y")) if request.path.endswith("/manifests/sha256-" + "a" * 64) \
            else (404, {}, b"404 page not found")
        assert [each.size for each in listing.referrers(registry, web, DIGEST)] == [1, 2]
        assert [each.size for each in listing.referrers(registry, web, DIGEST, "x/y")] == [2]

    def test_nothing(self, server, registry, web):
        server.script((404, {}, b""))
        assert listing.referrers(registry, web, DIGEST) == []

    def test_nonsense(self, server, registry, web):
        server.script(as_json({"manifests": [{"digest": "x"}]}))
        with pytest.raises(Corrupt):
            listing.referrers(registry, web, DIGEST)


@pytest.mark.parametrize("value, media_type, expected", [
    ({"config": {"mediaType": OCI_CONFIG}, "layers": []}, OCI_MANIFEST, None),
    ({"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}, "layers": []}, OCI_MANIFEST,
     "application/vnd.cncf.helm.config.v1+json"),
    ({"config": {"mediaType": "application/vnd.oci.empty.v1+json"}, "artifactType": "x/y"}, OCI_MANIFEST, "x/y"),
])
def test_described(value, media_type, expected):
    found = listing.described(Remote(DIGEST, media_type, json.dumps(value).encode()), Reference.parse("web"))
    assert found["artifact_type"] == expected and found["digest"] == DIGEST and found["layers"] == []


def test_described_index():
    value = {"manifests": [dict(entry(1, None), platform={"os": "linux", "architecture": "arm", "variant": "v7"}), entry(2)]}
    found = listing.described(Remote(DIGEST, OCI_INDEX, json.dumps(value).encode()), Reference.parse("web"))
    assert [(each["platform"], each["size"], each["artifact_type"]) for each in found["platforms"]] == [
        ("linux/arm/v7", 1, None), (None, 2, "application/spdx+json")]
