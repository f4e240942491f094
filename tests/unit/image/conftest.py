# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in this process that answer as a test tells them to, however badly; and pauses that take no time."""

from __future__ import annotations

import dataclasses
import http.server
import json
import socket
import ssl
import subprocess
import threading

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.image import transport


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: object
    body: bytes = b""


class Cut:
    """An answer that breaks off: the connection is closed after ``data``, of which the header promises ``length`` bytes."""

    def __init__(self, data=b"", length=None, status=200):
        self.data, self.length, self.status = data, length, status


class Server:
    """``answer(request)`` returns (status, headers, body), or a :class:`Cut`, or None to close without a word.

    ``requests`` lists what came. ``early``: answers before it has read the body, and closes.
    """

    def __init__(self, context=None, early=False, address="127.0.0.1"):
        self.requests, self.answer, self.early = [], lambda request: (200, {}, b""), early
        server = self

        class Handler(_Handler):
            owner = server

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *unused: None
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.host = "%s:%d" % (address, self.port)
        self.url = "%s://%s" % ("http" if context is None else "https", self.host)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def script(self, *answers):
        """Give these answers one after the other, and the last one from then on."""
        left = list(answers)
        self.answer = lambda request: left.pop(0) if len(left) > 1 else left[0]

    def asked(self):
        return [(each.method, each.path) for each in self.requests]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *unused):
        pass

    def _any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = b"" if self.owner.early else self.rfile.read(length)
        if self.owner.early and length:
            self.close_connection = True
        request = Request(self.command, self.path, self.headers, body)
        self.owner.requests.append(request)
        answer = self.owner.answer(request)
        if answer is None or isinstance(answer, Cut):
            self.close_connection = True
            if answer is not None:
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.data) + 100 if answer.length is None else answer.length))
                self.end_headers()
                self.wfile.write(answer.data)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, body = answer
        self.send_response(status)
        for key, value in headers.items():
            for each in value if isinstance(value, list) else [value]:
                self.send_header(key, each)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def do_CONNECT(self):
        """A proxy's tunnel; the request's answer is (200, address to connect to, _) or a refusal."""
        request = Request(self.command, self.path, self.headers)
        self.owner.requests.append(request)
        status, target, unused = self.owner.answer(request)
        self.send_response(status)
        self.end_headers()
        self.close_connection = True
        if status != 200:
            return
        with socket.create_connection(target) as there:
            back = threading.Thread(target=_pump, args=(there, self.connection))
            back.start()
            _pump(self.connection, there)
            back.join()


def _pump(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def serve():
    """Function that starts a :class:`Server`."""
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def pauses(monkeypatch):
    """The pauses (list of seconds) that would have been made; none is."""
    found = []
    monkeypatch.setattr(transport.time, "sleep", found.append)
    return found


@pytest.fixture(autouse=True)
def nothing_of_the_account(monkeypatch, tmp_path):
    """Neither proxies nor logins of whoever runs the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


def as_json(value, status=200, **headers):
    return status, dict({"Content-Type": "application/json"}, **{key.replace("_", "-"): each for key, each in headers.items()}), \
        json.dumps(value).encode()


class Authority:
    """Certificates of an authority of our own: ``ca``, ``server`` and ``client`` as (certificate, key)."""

    def __init__(self, directory):
        self.directory = directory
        self.ca = self._path("ca")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                  "-subj", "/CN=test authority", "-keyout", self.ca[1], "-out", self.ca[0])
        self.server = self._signed("server", "subjectAltName=DNS:registry.test,DNS:localhost,IP:127.0.0.1,DNS:*.docker.io,DNS:storage.test")
        self.client = self._signed("client", "extendedKeyUsage=clientAuth")

    def _path(self, name):
        return str(self.directory / (name + ".pem")), str(self.directory / (name + ".key"))

    def _run(self, *argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True)

    def _signed(self, name, extension):
        certificate, key = self._path(name)
        request, extensions = str(self.directory / "request"), self.directory / "extensions"
        extensions.write_text(extension)
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", key,
                  "-out", request)
        self._run("x509", "-req", "-in", request, "-CA", self.ca[0], "-CAkey", self.ca[1], "-CAcreateserial", "-days", "2", "-extfile",
                  str(extensions), "-out", certificate)
        return certificate, key

    def context(self, wants_client=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca[0])
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))
