# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's docker-registry behind passwords, tokens, client certificates, mirrors and connections that are cut."""

from __future__ import annotations

import base64
import http.server
import json
import random
import secrets
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Denied, NotFound, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import listing, logins, pull, push, upload
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.credentials import Credentials
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_INDEX, OCI_MANIFEST
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

from .conftest import Process, make_image, make_layer

NOISE = random.Random(7).randbytes(300000)
ADA = "ada:$2b$04$fVgS90TszG7UWor9aLST6u4SGUfB16J6nz.Yo9eL39URtVT3mEr4K\n"
MINE = RegistryOptions("ada", "secret", timeout=5)


def openssl(*argv, data=None):
    return subprocess.run(["openssl", *[str(each) for each in argv]], check=True, capture_output=True, input=data).stdout


@pytest.fixture(autouse=True)
def nothing_of_the_account(monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A registry for account ada with the password secret."""
    directory = tmp_path_factory.mktemp("locked")
    (directory / "htpasswd").write_text(ADA)
    registry = Process(directory, auth={"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}})
    yield registry
    registry.stop()


class TestPasswords:
    def test_there_and_back(self, locked, roots, other_roots):
        name = locked.address + "/web:1"
        image = make_image(roots, name, make_layer({"a": NOISE}))
        assert push.push(roots, image, name, MINE).changed
        assert pull.pull(other_roots, name, MINE).image.id == image.id
        for options, words in ((RegistryOptions("ada", "wrong"), "refused the login of account ada"), (None, "wants a login")):
            with pytest.raises(Denied, match="registry %s %s" % (locked.address, words)):
                pull.remote_digest(roots, name, options)

    def test_a_login_is_tried(self, locked, tmp_path, docker_registry):
        assert logins.verify(locked.address, MINE)
        with pytest.raises(Denied, match="refused the login"):
            logins.verify(locked.address, RegistryOptions("ada", "wrong", timeout=5))
        assert not logins.verify(docker_registry.address, MINE)

    def test_a_stored_login(self, locked, roots, tmp_path):
        logins.save(str(tmp_path / ".docker" / "config.json"), locked.address, Credentials("ada", "secret"))
        with Registry(locked.address) as registry:
            assert listing.catalog(registry) is not None


class TokenServer:
    """Signs tokens as the distribution project describes them. ``lifetime``: seconds; the registry adds a minute of leeway by itself."""

    def __init__(self, directory):
        self.certificate, self.key = directory / "token.pem", directory / "token.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens", "-keyout", self.key,
                "-out", self.certificate)
        self.chain = base64.b64encode(openssl("x509", "-in", self.certificate, "-outform", "DER")).decode()
        self.lifetime, self.requests, self.refresh = 300, [], None
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *unused):
                pass

            def do_GET(self):
                query = urllib.parse.parse_qs(self.path.partition("?")[2])
                sent = self.headers.get("Authorization")
                owner.requests.append(("GET", query, sent))
                self._answer(query, sent in (None, MINE_BASIC), "ada" if sent else "")

            def do_POST(self):
                query = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                owner.requests.append(("POST", query, None))
                self._answer(query, query.get("refresh_token") == [owner.refresh], "ada")

            def _answer(self, query, allowed, account):
                data = json.dumps(owner.token(query, account) if allowed else {"errors": []}).encode()
                self.send_response(200 if allowed else 401)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.realm = "http://127.0.0.1:%d/token" % self.server.server_address[1]

    def token(self, query, account):
        now = int(time.time())
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            # nobody without an account may push, and nobody may read what is secret
            granted = [each for each in actions.split(",") if (account or each == "pull") and not name.startswith("secret/")]
            access.append({"type": kind, "name": name, "actions": granted})
        claims = {"iss": "tests", "sub": account, "aud": query["service"][0], "exp": now + self.lifetime - 60, "nbf": now - 100, "iat": now,
                  "jti": secrets.token_hex(8), "access": access}
        parts = [self._encoded(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "RS256", "x5c": [self.chain]}, claims)]
        signature = openssl("dgst", "-sha256", "-sign", self.key, data=".".join(parts).encode())
        return {"token": ".".join([*parts, self._encoded(signature)])}

    @staticmethod
    def _encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


MINE_BASIC = "Basic " + base64.b64encode(b"ada:secret").decode()


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    """A registry (``address``) with a token server."""
    directory = tmp_path_factory.mktemp("tokens")
    server = TokenServer(directory)
    registry = Process(directory, auth={"token": {"realm": server.realm, "service": "test registry", "issuer": "tests",
                                                  "rootcertbundle": str(server.certificate)}})
    server.address = registry.address
    yield server
    registry.stop()
    server.stop()


@pytest.fixture
def fresh(tokens):
    tokens.requests.clear()
    tokens.lifetime, tokens.refresh = 300, None
    return tokens


class TestTokens:
    def test_there_and_back(self, fresh, roots, other_roots):
        name = fresh.address + "/team/web:1"
        image = make_image(roots, name, make_layer({"a": NOISE}), make_layer({"b": NOISE[::-1]}))
        assert push.push(roots, image, name, MINE).changed
        assert {tuple(each[1]["scope"]) for each in fresh.requests} == {("repository:team/web:pull",), ("repository:team/web:pull,push",)}
        fresh.requests.clear()
        assert pull.pull(other_roots, name).image.id == image.id
        assert [each[2] for each in fresh.requests] == [None], "one anonymous token is enough for a pull"

    def test_what_is_not_allowed(self, fresh, roots):
        name = fresh.address + "/team/web:2"
        image = make_image(roots, name, make_layer({"a": b"1"}))
        with pytest.raises(Denied):
            push.push(roots, image, name)
        with pytest.raises(Denied):
            pull.pull(roots, fresh.address + "/secret/web", MINE)
        with pytest.raises(Denied, match="refused the login of account ada"):
            pull.pull(roots, fresh.address + "/team/web", RegistryOptions("ada", "wrong"))

    def test_a_login_is_tried(self, fresh):
        assert logins.verify(fresh.address, MINE)
        assert "scope" not in fresh.requests[0][1] and fresh.requests[0][1]["account"] == ["ada"]
        with pytest.raises(Denied, match="refused the login of account eve"):
            logins.verify(fresh.address, RegistryOptions("eve", "secret", timeout=5))

    def test_a_token_that_ends_between_two_requests(self, fresh, roots):
        name = Reference.parse(fresh.address + "/team/short:1")
        push.push(roots, make_image(roots, str(name), make_layer({"a": NOISE})), name, MINE)
        fresh.requests.clear()
        fresh.lifetime = 1
        with Registry(fresh.address, MINE) as registry:
            manifest = json.loads(registry.manifest(name).data)
            time.sleep(2.1)
            layer = pull.Descriptor("x", manifest["layers"][0]["digest"], manifest["layers"][0]["size"])
            assert sum(len(chunk) for chunk in registry.blob(name, layer, 1000)) == layer.size - 1000
        assert len(fresh.requests) == 2

    def test_an_identity_token(self, fresh, roots, tmp_path):
        fresh.refresh = "kept"
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {fresh.address: {"identitytoken": "kept"}}}))
        name = fresh.address + "/team/identity:1"
        assert push.push(roots, make_image(roots, name, make_layer({"a": b"1"})), name).changed
        assert {each[0] for each in fresh.requests} == {"POST"} and fresh.requests[0][1]["grant_type"] == ["refresh_token"]

    def test_blobs_are_mounted_from_another_repository(self, fresh, roots):
        first, second = fresh.address + "/team/first:1", fresh.address + "/team/second:1"
        image = make_image(roots, first, make_layer({"a": NOISE}))
        push.push(roots, image, first, MINE)
        ImageStore(roots).tag(image, Reference.parse(second))
        fresh.requests.clear()
        result = push.push(roots, image, second, MINE)
        assert result.changed and result.uploaded == () and len(result.mounted) == 2
        assert ["repository:team/second:pull,push", "repository:team/first:pull"] in [each[1]["scope"] for each in fresh.requests]

    def test_a_mount_that_is_not_allowed_becomes_an_upload(self, fresh, roots):
        name = Reference.parse(fresh.address + "/team/third:1")
        image = make_image(roots, str(name), make_layer({"a": b"third"}))
        layer = image.manifest.layers[0]
        with open(ImageStore(roots).blobs.path(layer.digest), "rb") as stream:
            content = stream.read()
        with Registry(fresh.address, MINE) as registry:
            assert upload.upload(registry, name, layer, lambda offset, length: iter([content[offset:offset + length]]), "secret/web")
            assert registry.has_blob(name, layer)

    def test_a_catalog(self, fresh):
        with Registry(fresh.address, MINE) as registry:
            assert "team/web" in listing.catalog(registry)
        with Registry(fresh.address) as registry, pytest.raises(Denied):
            listing.catalog(registry)
        assert fresh.requests[0][1]["scope"] == ["registry:catalog:*"]


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A registry that asks for client certificates; ``options`` has ours."""
    directory = tmp_path_factory.mktemp("closed")
    paths = {}
    for name in ("ca", "server", "client"):
        paths[name] = certificate, key = directory / (name + ".pem"), directory / (name + ".key")
        if name == "ca":
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", key,
                    "-out", certificate)
            continue
        (directory / "extensions").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", key, "-out", directory / "request")
        openssl("x509", "-req", "-in", directory / "request", "-CA", paths["ca"][0], "-CAkey", paths["ca"][1], "-CAcreateserial",
                "-days", "2", "-extfile", directory / "extensions", "-out", certificate)
    registry = Process(directory, paths["server"], paths["ca"][0])
    registry.options = {"ca_path": str(paths["ca"][0]), "client_cert": str(paths["client"][0]), "client_key": str(paths["client"][1]),
                        "timeout": 5}
    yield registry
    registry.stop()


class TestClientCertificates:
    @pytest.mark.parametrize("plain", [None, False])
    def test_there_and_back(self, closed, roots, other_roots, plain):
        name = "%s/web:%s" % (closed.address, plain)
        image = make_image(roots, name, make_layer({"a": NOISE}))
        options = RegistryOptions(plain_http=plain, **closed.options)
        assert push.push(roots, image, name, options).changed
        assert pull.pull(other_roots, name, options).image.id == image.id

    def test_without_ours(self, closed, roots):
        options = RegistryOptions(ca_path=closed.options["ca_path"], plain_http=False, timeout=5)
        with pytest.raises(Unreachable) as caught:
            pull.remote_digest(roots, closed.address + "/web", options)
        assert "certificate" in str(caught.value) and "client_cert" in caught.value.hint


class TestMirrors:
    def test_pull_through_a_mirror(self, docker_registry, locked, roots, other_roots):
        """The registry wants a login that nobody has; its mirror has the image, and no name of the image tells of the mirror."""
        name = locked.address + "/mirrored:1"
        image = make_image(roots, name, make_layer({"a": NOISE}))
        push.push(roots, image, "%s/cache/mirrored:1" % docker_registry.address)
        mirrors = ["localhost:1", "http://%s/cache" % docker_registry.address]
        options = RegistryOptions(registry_mirrors={locked.address: mirrors}, timeout=5)
        assert pull.outlook(other_roots, name, options).changed
        found = pull.pull(other_roots, name, options).image
        assert found.id == image.id
        assert set(found.references) == {name, "%s/mirrored@%s" % (locked.address, image.manifest_digest)}
        assert not pull.outlook(other_roots, name, options).changed

    def test_a_real_mirror(self, docker_registry, roots, other_roots, tmp_path):
        """docker-registry as a cache of another one, asked for what that one has: the cache fetches it."""
        name = docker_registry.address + "/cached:1"
        image = make_image(roots, name, make_layer({"a": NOISE}))
        push.push(roots, image, name)
        mirror = Process(tmp_path, proxy={"remoteurl": "http://" + docker_registry.address})
        try:
            options = RegistryOptions(registry_mirrors={"registry.test": ["http://" + mirror.address]}, timeout=5)
            assert pull.pull(other_roots, "registry.test/cached:1", options).image.id == image.id
            # it puts away what it hands on after it has handed it on
            pattern = "docker/registry/v2/blobs/sha256/*/%s" % image.manifest.layers[0].hex
            deadline = time.monotonic() + 20
            while not list((tmp_path / "data").glob(pattern)):
                assert time.monotonic() < deadline, "the mirror keeps nothing"
                time.sleep(0.05)
        finally:
            mirror.stop()

    def test_a_mirror_with_wrong_content(self, fake, second_fake, roots):
        layer = make_layer({"a": NOISE})
        unused, identity, digests = fake.image("web", "1", layer)
        second_fake.image("web", "1", layer)
        second_fake.tampered[digests[0]] = make_layer({"a": NOISE[::-1]})
        options = RegistryOptions(registry_mirrors={fake.address: [second_fake.address]}, timeout=5)
        assert pull.pull(roots, fake.address + "/web:1", options).image.id == identity
        assert second_fake.asked("GET", digests[0]) == 1 and fake.asked("GET", digests[0]) == 1

    def test_the_file_of_the_host(self, fake, second_fake, roots):
        second_fake.image("web", "1", make_layer({"a": b"1"}))
        roots_file = ImageStore(roots).roots.state + "/registries.json"
        make_image(roots, "other:1", make_layer({"b": b"1"}))
        with open(roots_file, "w", encoding="utf-8") as stream:
            json.dump({"mirrors": {fake.address: [second_fake.address]}}, stream)
        assert pull.pull(roots, fake.address + "/web:1", RegistryOptions(timeout=5)).changed
        assert fake.requests == []


def test_pull_through_a_proxy(fake, roots, monkeypatch):
    """A name that only the proxy knows."""
    identity = fake.image("web", "1", make_layer({"a": NOISE}))[1]
    monkeypatch.setenv("HTTP_PROXY", "http://" + fake.address)
    found = pull.pull(roots, "registry.test:5000/web:1", RegistryOptions(plain_http=True, timeout=5))
    assert found.image.id == identity
    assert fake.requests and all(each[1].startswith("http://registry.test:5000/v2/web/") for each in fake.requests)
    monkeypatch.setenv("NO_PROXY", ".test")
    with pytest.raises(Unreachable, match=r"registry registry\.test:5000 cannot be found"):
        pull.remote_digest(roots, "registry.test:5000/web:1", RegistryOptions(plain_http=True, timeout=5))


class TestOutlook:
    OPTIONS = RegistryOptions(timeout=5)

    def look(self, fake, roots, platform=None):
        fake.requests.clear()
        found = pull.outlook(roots, fake.address + "/web:1", self.OPTIONS, platform)
        assert [each[0] for each in fake.requests] == ["HEAD"]
        return found

    def test_only_head_is_asked(self, fake, roots):
        digest = fake.image("web", "1", make_layer({"a": b"1"}))[0]
        assert self.look(fake, roots) == pull.Outlook(None, None, digest, True)
        image = pull.pull(roots, fake.address + "/web:1", self.OPTIONS).image
        assert self.look(fake, roots) == pull.Outlook(image.id, digest, digest, False)
        moved = fake.image("web", "1", make_layer({"a": b"2"}))[0]
        assert self.look(fake, roots) == pull.Outlook(image.id, digest, moved, True)
        pull.pull(roots, fake.address + "/web:1", self.OPTIONS)
        assert not self.look(fake, roots).changed

    def test_an_index_that_changed_for_others_only(self, fake, roots):
        mine = fake.image("web", "mine", make_layer({"a": b"1"}), architecture="arm64")[0]
        for count in (1, 2):
            others = [{"mediaType": OCI_MANIFEST, "digest": "sha256:%064d" % number, "size": 1,
                       "platform": {"os": "linux", "architecture": "s390x"}} for number in range(count)]
            fake.manifest("web", "1", {"schemaVersion": 2, "manifests": [*others, {
                "mediaType": OCI_MANIFEST, "digest": mine, "size": len(fake.manifests["web", mine][0]),
                "platform": {"os": "linux", "architecture": "arm64"}}]}, OCI_INDEX)
            assert self.look(fake, roots, "arm64").changed
            pull.pull(roots, fake.address + "/web:1", self.OPTIONS, "arm64")
            assert not self.look(fake, roots, "arm64").changed

    def test_another_platform_of_the_same_index(self, fake, roots):
        images = {each: fake.image("web", each, make_layer({each: b"1"}), architecture=each)[0] for each in ("amd64", "arm64")}
        fake.manifest("web", "1", {"schemaVersion": 2, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(fake.manifests["web", digest][0]),
             "platform": {"os": "linux", "architecture": each}} for each, digest in images.items()]}, OCI_INDEX)
        pull.pull(roots, fake.address + "/web:1", self.OPTIONS, "arm64")
        assert not self.look(fake, roots, "arm64").changed
        assert pull.outlook(roots, fake.address + "/web:1", self.OPTIONS, "amd64").changed

    def test_nothing_there(self, fake, roots):
        with pytest.raises(NotFound):
            pull.outlook(roots, fake.address + "/web:1", self.OPTIONS)


class Cutter:
    """Passes connections on to a port, and cuts each after ``limits.pop(0)`` bytes from the client; None: never."""

    def __init__(self, port, limits):
        self.target, self.limits = port, limits
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "localhost:%d" % self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            limit = self.limits.pop(0) if self.limits else None
            there = socket.create_connection(("127.0.0.1", self.target))
            for arguments in ((client, there, limit), (there, client, None)):
                self.threads.append(threading.Thread(target=self._pump, args=arguments))
                self.threads[-1].start()

    @staticmethod
    def _pump(source, target, limit):
        passed = 0
        try:
            while True:
                data = source.recv(16384)
                passed += len(data)
                if not data or (limit is not None and passed > limit):
                    break
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)


def test_an_upload_over_connections_that_are_cut(docker_registry, roots, monkeypatch):
    """The real registry keeps what came, and the upload goes on from there."""
    monkeypatch.setattr(upload, "CHUNK", 200000)
    monkeypatch.setattr(push, "BLOBS_AT_ONCE", 1)
    cutter = Cutter(int(docker_registry.address.rpartition(":")[2]), [300000, 500000, 500000])
    try:
        image = make_image(roots, "x", make_layer({"a": random.Random(1).randbytes(2000000)}))
        result = push.push(roots, image, cutter.address + "/cut:1", RegistryOptions(timeout=5))
        assert result.changed and len(result.uploaded) == 2 and cutter.limits == []
        assert pull.remote_digest(roots, docker_registry.address + "/cut:1") == image.manifest_digest
    finally:
        cutter.stop()


def test_referrers_of_a_registry_without_the_api(docker_registry, roots):
    name = Reference.parse(docker_registry.address + "/referred:1")
    image = make_image(roots, str(name), make_layer({"a": b"1"}))
    push.push(roots, image, name)
    with Registry(docker_registry.address) as registry:
        assert listing.referrers(registry, name, image.manifest_digest) == []
        size = len(ImageStore(roots).blobs.read(image.manifest_digest))
        entry = {"mediaType": OCI_MANIFEST, "digest": image.manifest_digest, "size": size, "artifactType": "application/spdx+json"}
        tag = Reference(name.registry, name.repository, image.manifest_digest.replace(":", "-"))
        registry.put_manifest(tag, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode(), OCI_INDEX)
        found = listing.referrers(registry, name, image.manifest_digest, "application/spdx+json")
        assert [each.digest for each in found] == [image.manifest_digest]
        assert image.manifest_digest.replace(":", "-") in listing.tags(registry, name)


def test_certificate_directories_are_only_read(tmp_path):
    """A registry without a directory of its own there has a context all the same."""
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import tls

    context = tls.make_context(RegistryOptions(), "r.example", directories=[str(tmp_path), str(tmp_path / "none")])
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname and list(tmp_path.iterdir()) == []
