# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors: what people write, and what happens when they fail."""

from __future__ import annotations

import json

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import (
    Denied,
    EngineError,
    InvalidValue,
    NotFound,
    Unreachable,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import mirrors
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.mirrors import Mirror
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_MANIFEST, Descriptor
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

from .conftest import Cut

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "c" * 64
BLOB = Descriptor("x", "sha256:" + "b" * 64, 1000)
THERE = (200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": DIGEST}, b"")
ORIGIN = (200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": OTHER}, b"")


class TestWords:
    @pytest.mark.parametrize("address, expected", [
        ("https://m.example", Mirror("https", "m.example")), ("m.example:5000", Mirror(None, "m.example:5000")),
        ("http://m.example/hub/", Mirror("http", "m.example", "hub")), ("m.example/a/b", Mirror(None, "m.example", "a/b")),
        ("https://[::1]:5000/x", Mirror("https", "[::1]:5000", "x")),
    ])
    def test_addresses(self, address, expected):
        assert mirrors.parse({"r": address}) == {"r": (expected,)} == mirrors.parse({"r": [address]})

    def test_where_it_keeps_things(self):
        origin = Reference.parse("nginx:1")
        assert str(Mirror(None, "m", "hub").reference(origin)) == "m/hub/library/nginx:1"
        assert Mirror(None, "m").reference(origin.with_digest(DIGEST)).target == DIGEST

    @pytest.mark.parametrize("value, words", [
        ([], r"registry_mirrors: \[\] is not a dictionary"), ({"r": 5}, "5 is not a list of addresses"),
        ({"r": ["ftp://x"]}, "'ftp://x' is not the address"), ({"r": ["https://"]}, "is not the address of a mirror"),
        ({"r": [None]}, "None is not the address"), ({"r": ["m/UP"]}, "is not the address"), ({"r": ["m:65536"]}, "is not the address"),
        ({"r": ["me:x@m"]}, r"'\*\*\*@m' is not the address"),
    ])
    def test_nonsense(self, value, words):
        with pytest.raises(InvalidValue, match=words):
            mirrors.parse(value)

    def test_the_task_before_the_file_of_the_host(self, tmp_path):
        roots = Roots(str(tmp_path))
        assert mirrors.mirrors_of("docker.io", None, roots) == ()
        (tmp_path / "registries.json").write_text(json.dumps({"mirrors": {"registry-1.docker.io": ["file.example"]}}))
        assert mirrors.mirrors_of("docker.io", RegistryOptions(), roots) == (Mirror(None, "file.example"),)
        options = RegistryOptions(registry_mirrors={"docker.io": ["task.example"]})
        assert mirrors.mirrors_of("docker.io", options, roots) == (Mirror(None, "task.example"),)
        assert mirrors.mirrors_of("docker.io", RegistryOptions(registry_mirrors={}), roots) == ()
        assert mirrors.mirrors_of("r.example", None, roots) == ()

    @pytest.mark.parametrize("text", ["{", "[]", '{"mirrors": 5}', '{"mirrors": {"docker.io": [5]}}'])
    def test_a_damaged_file(self, tmp_path, text):
        (tmp_path / "registries.json").write_text(text)
        with pytest.raises(EngineError, match=r"registries\.json"):
            mirrors.mirrors_of("docker.io", None, Roots(str(tmp_path)))


@pytest.fixture
def mirror(serve):
    return serve()


@pytest.fixture
def source(server, mirror, pauses):
    """What ``server`` is pulled from, behind ``mirror``."""
    opened = []

    def make(*more, **options):
        addresses = ["http://%s/cache" % mirror.host, *more]
        opened.append(mirrors.open_source(reference(server), RegistryOptions(
            **dict({"timeout": 5, "registry_mirrors": {server.host: addresses}}, **options))))
        return opened[-1]

    yield make
    for each in opened:
        each.__exit__()


def reference(server):
    return Reference.parse(server.host + "/web:1")


def test_without_mirrors_it_is_the_registry(server):
    with mirrors.open_source(reference(server)) as found:
        assert isinstance(found, Registry)


def test_the_mirror_first(server, mirror, source):
    mirror.script(THERE)
    mine = source()
    assert mine.head(reference(server)).digest == DIGEST and mine.name == mirror.host
    assert mirror.asked() == [("HEAD", "/v2/cache/web/manifests/1")] and server.requests == []


@pytest.mark.parametrize("answer", [(404, {}, b""), (403, {}, b""), (401, {}, b""), (500, {}, b""), (429, {}, b""), (400, {}, b""), None,
                                    (200, {"Docker-Content-Digest": "nonsense"}, b"")])
def test_the_registry_where_the_mirror_fails(server, mirror, source, answer):
    mirror.script(answer)
    server.script(ORIGIN)
    mine = source()
    assert mine.head(reference(server)).digest == OTHER and mine.name == server.host


def test_mirrors_in_their_order(server, mirror, serve, source):
    second = serve()
    mirror.script((404, {}, b""))
    second.script(THERE)
    assert source("localhost:1", "http://" + second.host).head(reference(server)).digest == DIGEST and server.requests == []


def test_what_nobody_has(server, mirror, source):
    mirror.script((404, {}, b""))
    server.script((404, {}, b""))
    with pytest.raises(NotFound, match="image %s/web:1 is not in registry %s" % (server.host, server.host)):
        source().head(reference(server))


def test_a_mirror_that_cannot_be_reached_is_not_asked_again(server, mirror, source):
    mirror.script((503, {}, b""))
    server.script(ORIGIN)
    mine = source()
    for unused in range(3):
        mine.head(reference(server))
    assert len(mirror.requests) == 5 and len(server.requests) == 3


def test_a_mirror_that_lacks_a_blob_is_asked_for_the_next(server, mirror, source):
    mirror.script((404, {}, b""), (200, {}, b"x" * 1000))
    server.script((200, {}, b"y" * 1000))
    mine = source()
    assert b"".join(mine.blob(reference(server), BLOB)) == b"y" * 1000
    assert b"".join(mine.blob(reference(server), BLOB)) == b"x" * 1000


def test_a_mirror_that_breaks_off_gives_way(server, mirror, source):
    mirror.script(Cut(b"x" * 100, 1000), Cut(b"", 1000))
    server.answer = lambda request: (206, {"Content-Range": "bytes 100-999/1000"}, b"y" * 900)
    mine, got = source(), b""
    for unused in range(5):
        try:
            for chunk in mine.blob(reference(server), BLOB, len(got)):
                got += chunk
            break
        except Unreachable:
            continue
    assert got == b"x" * 100 + b"y" * 900 and mine.name == server.host


def test_distrust(server, mirror, source):
    mirror.script(THERE)
    server.script(ORIGIN)
    mine = source()
    mine.head(reference(server))
    assert mine.distrust() and mine.head(reference(server)).digest == OTHER and not mine.distrust()


def test_the_account_is_for_the_registry_only(server, mirror, source):
    mirror.script((401, {"WWW-Authenticate": "Basic realm=x"}, b""))
    server.answer = lambda request: ORIGIN if request.headers["Authorization"] else (401, {"WWW-Authenticate": "Basic realm=x"}, b"")
    assert source(username="ada", password="secret").head(reference(server)).digest == OTHER
    assert [each.headers["Authorization"] for each in mirror.requests] == [None]


def test_the_account_that_is_stored_for_the_mirror(server, mirror, source, tmp_path):
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {mirror.host: {"username": "eve", "password": "x"}}}))
    mirror.answer = lambda request: THERE if request.headers["Authorization"] == "Basic ZXZlOng=" else (
        401, {"WWW-Authenticate": "Basic realm=x"}, b"")
    assert source(username="ada", password="secret").head(reference(server)).digest == DIGEST and server.requests == []


def test_the_registry_s_own_refusal_is_told(server, mirror, source):
    mirror.script((404, {}, b""))
    server.script((401, {"WWW-Authenticate": "Basic realm=x"}, b""))
    with pytest.raises(Denied, match="registry %s wants a login" % server.host):
        source().manifest(reference(server))
