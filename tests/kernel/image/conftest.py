# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries for the tests: Debian's docker-registry as a process of its own, and one in this process that can be told to fail."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import tar, write
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_CONFIG, OCI_MANIFEST, platform_of
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_layer(files):
    """A tar stream (bytes) of {name: content}."""
    return b"".join(write.header(write.make_entry(name, tar.REGULAR, size=len(content))) + content + write.padding(len(content))
                    for name, content in files.items()) + write.END


def make_image(roots, name, *layers, changes=None, platform=None):
    """An image of the given tar streams in a store, under a name."""
    store = ImageStore(roots)
    with store.leased():
        stored = [create.store_layer(store.blobs, [layer]) for layer in layers]
        config = create.child_config(create.new_config(platform or platform_of(os.uname().machine)), changes or Changes(),
                                     [layer.diff_id for layer in stored])
        descriptor = create.store_image(store.blobs, config, [layer.descriptor for layer in stored])
        return store.add(descriptor, [Reference.parse(name).canonical])[0]


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"))


@pytest.fixture
def other_roots(tmp_path):
    """A second host."""
    return Roots(str(tmp_path / "other"))


class Process:
    """A ``docker-registry serve`` process.

    :param tls: (certificate, key). :param clients: authority of the client certificates that it asks for. :param more: its configuration.
    """

    def __init__(self, directory, tls=None, clients=None, **more):
        self.address = "localhost:%d" % free_port()
        self.directory = directory
        config = {"version": 0.1, "log": {"level": "warn"}, "storage": {"filesystem": {"rootdirectory": str(directory / "data")},
                                                                        "delete": {"enabled": True}},
                  "http": {"addr": "127.0.0.1:%s" % self.address.rpartition(":")[2]}}
        if tls:
            config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
            if clients:
                config["http"]["tls"]["clientcas"] = [str(clients)]
        config.update(more)
        path = directory / "config.yml"
        path.write_text(json.dumps(config))
        with open(directory / "log", "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", str(path)], stdout=log, stderr=log)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 10
        host, port = self.address.split(":")
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, (self.directory / "log").read_text()
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory):
    """A real registry without TLS."""
    assert shutil.which("docker-registry"), "install Debian's docker-registry: make setup does"
    registry = Process(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def tls_registry(tmp_path_factory):
    """A real registry with TLS and a certificate of its own authority (``certificate``)."""
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    registry = Process(directory, (certificate, key))
    registry.certificate = str(certificate)
    yield registry
    registry.stop()


class FakeRegistry:
    """A registry in this process. ``requests`` lists what came; the other attributes make it fail.

    :ivar auth: None, ``basic`` or ``bearer``; the account is ada with the password secret.
    :ivar cut: digest -> list of byte counts; each request for the blob breaks off after the next of them.
    :ivar tampered: digest -> bytes to send in its place.
    :ivar statuses: list of statuses that the next requests get.
    :ivar elsewhere: base URL to which blobs are redirected, or None.
    """

    def __init__(self):
        self.blobs, self.manifests, self.requests = {}, {}, []
        self.auth, self.cut, self.tampered, self.statuses, self.elsewhere = None, {}, {}, [], None
        self.ranges, self.largest_put, self.pending = True, None, {}
        registry = self

        class Handler(_Handler):
            owner = registry

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def blob(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def manifest(self, repository, tag, document, media_type=OCI_MANIFEST):
        data = json.dumps(document).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.manifests[repository, digest] = self.manifests[repository, tag] = (data, media_type)
        return digest

    def image(self, repository, tag, *layers, architecture=None, **config):
        """Offer an image of tar streams; returns (manifest digest, config digest, [layer digests])."""
        diff_ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
        platform = platform_of(os.uname().machine)
        document = {"architecture": architecture or platform.architecture, "os": "linux", "config": config,
                    "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        configuration = json.dumps(document).encode()
        digests = [self.blob(layer) for layer in layers]
        manifest = self.manifest(repository, tag, {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": self.blob(configuration), "size": len(configuration)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(layer)}
                       for digest, layer in zip(digests, layers)]})
        return manifest, "sha256:" + hashlib.sha256(configuration).hexdigest(), digests

    def asked(self, method, part):
        """How often a path with ``part`` was asked for."""
        return sum(1 for each in self.requests if each[0] == method and part in each[1])


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *unused):
        pass

    def _answer(self, status, data=b"", **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _begin(self):
        self.data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.owner.requests.append((self.command, self.path, dict(self.headers)))
        if self.owner.statuses:
            self._answer(self.owner.statuses.pop(0), b'{"errors":[{"code":"BUSY","message":"come later"}]}')
            return False
        return self._authorised()

    def _authorised(self):
        if self.owner.auth is None or self.path.startswith("/token"):
            return True
        sent = self.headers.get("Authorization") or ""
        if self.owner.auth == "basic" and sent == "Basic " + base64.b64encode(b"ada:secret").decode():
            return True
        scope = "repository:%s:%s" % (self.path.split("/v2/")[1].split("/manifests/")[0].split("/blobs/")[0],
                                      "pull" if self.command in ("GET", "HEAD") else "pull,push")
        if self.owner.auth == "bearer" and sent.startswith("Bearer token-for-") and scope.split(":")[1] in sent:
            return True
        challenge = 'Basic realm="r"' if self.owner.auth == "basic" else \
            'Bearer realm="http://%s/token",service="s",scope="%s"' % (self.owner.address, scope)
        self._answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', WWW_Authenticate=challenge)
        return False

    def _token(self):
        query = urllib.parse.parse_qs(self.path.partition("?")[2])
        sent = self.headers.get("Authorization")
        if sent != "Basic " + base64.b64encode(b"ada:secret").decode():
            self._answer(401)
            return
        self._answer(200, json.dumps({"token": "token-for-" + query["scope"][0]}).encode())

    def do_GET(self):
        if not self._begin():
            return
        if self.path.startswith("/token"):
            self._token()
        elif "/manifests/" in self.path:
            self._manifest()
        elif "/blobs/" in self.path:
            self._blob(self.path.rpartition("/")[2])
        else:
            self._answer(200)

    do_HEAD = do_GET

    def _manifest(self):
        repository, unused, target = self.path.partition("/v2/")[2].rpartition("/manifests/")
        found = self.owner.manifests.get((repository, target))
        if found is None:
            self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
            return
        data = self.owner.tampered.get(target, found[0])
        self._answer(200, data, Content_Type=found[1], Docker_Content_Digest="sha256:" + hashlib.sha256(found[0]).hexdigest())

    def _blob(self, digest):
        if self.owner.elsewhere:
            self._answer(307, Location="%s/v2/x/blobs/%s" % (self.owner.elsewhere, digest))
            return
        data = self.owner.tampered.get(digest, self.owner.blobs.get(digest))
        if data is None:
            self._answer(404)
            return
        offset = int((self.headers.get("Range") or "bytes=0-")[6:].rstrip("-")) if self.owner.ranges else 0
        cuts = self.owner.cut.get(digest)
        if cuts and self.command == "GET":
            self.send_response(206 if offset else 200)
            self.send_header("Content-Length", str(len(data) - offset))
            self.end_headers()
            self.wfile.write(data[offset:offset + cuts.pop(0)])
            self.close_connection = True
            return
        self._answer(206 if offset else 200, data[offset:])

    def do_POST(self):
        if self._begin():
            self._answer(202, Location="%s%d?state=x" % (self.path, len(self.owner.requests)))

    def do_PATCH(self):
        if self._begin():
            upload = self.path.partition("?")[0]
            self.owner.pending[upload] = self.owner.pending.get(upload, b"") + self.data
            self._answer(202, Location=self.path)

    def do_PUT(self):
        if not self._begin():
            return
        if "/manifests/" in self.path:
            repository, unused, tag = self.path.partition("/v2/")[2].rpartition("/manifests/")
            digest = "sha256:" + hashlib.sha256(self.data).hexdigest()
            self.owner.manifests[repository, tag] = self.owner.manifests[repository, digest] = (self.data, self.headers["Content-Type"])
            self._answer(201)
            return
        if self.owner.largest_put is not None and len(self.data) > self.owner.largest_put:
            self._answer(413)
            return
        data = self.owner.pending.pop(self.path.partition("?")[0], b"") + self.data
        digest = urllib.parse.parse_qs(self.path.partition("?")[2])["digest"][0]
        if self.owner.blob(data) != digest:
            self._answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"bad"}]}')
            return
        self._answer(201)


@pytest.fixture
def fake():
    registry = FakeRegistry()
    yield registry
    registry.stop()


@pytest.fixture
def second_fake():
    registry = FakeRegistry()
    yield registry
    registry.stop()
