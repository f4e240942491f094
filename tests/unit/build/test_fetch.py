# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs, from a server on this machine that also misbehaves."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import os
import stat
import threading

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import fetch
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.context import open_context
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import (
    Corrupt,
    Denied,
    EngineError,
    InvalidValue,
    NotFound,
    Unreachable,
)

CONTENT = b"content of the file\n" * 1000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, log, *arguments):
        self.log = log
        super().__init__(*arguments)

    def log_message(self, *unused):
        pass

    def do_GET(self):
        self.log.append((self.path, self.headers.get("Authorization")))
        name, unused, value = self.path.partition("?")[0][1:].partition("/")
        answer = getattr(self, "answer_" + name, None)
        if answer is None:
            self.send(404, b"")
        else:
            answer(value)

    def send(self, status, body, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_file(self, value):
        self.send(200, CONTENT, Last_Modified="Fri, 13 Feb 2009 23:31:30 GMT")

    def answer_plain(self, value):
        self.send(200, CONTENT, Last_Modified="nonsense")

    def answer_dockerfile(self, value):
        self.send(200, b"FROM scratch\n")

    def answer_status(self, value):
        self.send(int(value), b"no")

    def answer_to(self, value):
        self.send(302, b"", Location=self.path.partition("?")[2])

    def answer_circle(self, value):
        self.send(302, b"", Location="/circle/x")

    def answer_once(self, value):
        if sum(path == self.path for path, unused in self.log) == 1:
            self.send(503, b"")
        else:
            self.send(200, CONTENT)

    def answer_cut(self, value):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(CONTENT)
        self.close_connection = True

    def answer_account(self, value):
        wanted = "Basic " + base64.b64encode(b"us:p@ss").decode()
        self.send(200 if self.headers.get("Authorization") == wanted else 401, CONTENT)


class Server:
    def __init__(self):
        self.log = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, self.log))
        self.port = self._server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(name="server")
def _server(monkeypatch):
    monkeypatch.setattr(fetch.time, "sleep", lambda seconds: None)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    yield server
    server.close()


def test_a_file_its_name_mode_and_time(server, tmp_path):
    path, name, when = fetch.fetch_url(server.url + "/file/some%20name.txt?token=x", str(tmp_path))
    assert name == "some name.txt"
    assert when == 1234567890000000000
    status = os.stat(path)
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o600, when)
    with open(path, "rb") as stream:
        assert stream.read() == CONTENT
    assert fetch.fetch_url(server.url + "/plain", str(tmp_path))[2] == 0


@pytest.mark.parametrize("url, name", [
    ("http://h/a/b.tar?x=/c", "b.tar"), ("http://h/", "__unnamed__"), ("http://h", "__unnamed__"), ("http://h/a/", "a"),
    ("http://h/..", "__unnamed__"),
    ("http://h/a%2Fb", "b"), ("http://h/%2e%2e", "__unnamed__"), ("http://h/a%00b", "__unnamed__"),
])
def test_names(url, name):
    assert fetch.file_name(url) == name


def test_checksums(server, tmp_path):
    for algorithm in ("sha256", "sha384", "sha512"):
        fetch.fetch_url(server.url + "/file/x", str(tmp_path), "%s:%s" % (algorithm, hashlib.new(algorithm, CONTENT).hexdigest()))
    with pytest.raises(Corrupt) as caught:
        fetch.fetch_url(server.url + "/file/x?token=secret", str(tmp_path), "sha256:" + "0" * 64)
    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(InvalidValue):
        fetch.fetch_url(server.url + "/file/x", str(tmp_path), "md5:" + "0" * 32)


def test_redirects(server, tmp_path):
    assert fetch.fetch_url(server.url + "/to/first?/to/second?/file/third", str(tmp_path))[1] == "first"
    with pytest.raises(Unreachable) as caught:
        fetch.fetch_url(server.url + "/circle/x", str(tmp_path))
    assert "circle" in str(caught.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "data:,x", "http://h:99999/"])
def test_a_redirect_leads_to_no_other_scheme(server, tmp_path, target):
    with pytest.raises(InvalidValue):
        fetch.fetch_url(server.url + "/to/x?" + target, str(tmp_path))
    with pytest.raises(InvalidValue):
        fetch.fetch_url(target, str(tmp_path))


def test_an_account_goes_to_its_own_host_only(server, tmp_path):
    address = "127.0.0.1:%d" % server.port
    fetch.fetch_url("http://us:p%%40ss@%s/account/x" % address, str(tmp_path))
    fetch.fetch_url("http://us:pw@%s/to/x?http://localhost:%d/file/y" % (address, server.port), str(tmp_path))
    assert [bool(account) for unused, account in server.log] == [True, True, False]
    with pytest.raises(Denied) as caught:
        fetch.fetch_url("http://us:wrong@%s/account/x" % address, str(tmp_path))
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("status, kind, requests", [
    (404, NotFound, 1), (403, Denied, 1), (400, Unreachable, 1), (500, Unreachable, 3), (429, Unreachable, 3),
])
def test_errors_of_the_server(server, tmp_path, status, kind, requests):
    with pytest.raises(kind) as caught:
        fetch.fetch_url("%s/status/%d" % (server.url, status), str(tmp_path))
    assert str(status) in str(caught.value)
    assert len(server.log) == requests


def test_what_may_go_away_is_tried_again(server, tmp_path):
    fetch.fetch_url(server.url + "/once/x", str(tmp_path))
    assert len(server.log) == 2
    with pytest.raises(Unreachable) as caught:
        fetch.fetch_url(server.url + "/cut/x", str(tmp_path))
    assert "broke the connection" in str(caught.value)
    assert len(server.log) == 5


def test_a_server_that_is_not_there(server, tmp_path):
    server.close()
    with pytest.raises(Unreachable) as caught:
        fetch.fetch_url(server.url + "/file/x", str(tmp_path))
    assert server.url in str(caught.value)


def test_through_a_proxy(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:secret@127.0.0.1:%d" % server.port)
    with pytest.raises(NotFound):
        fetch.fetch_url("http://example.invalid/a/b?c", str(tmp_path))
    assert server.log[0][0] == "http://example.invalid/a/b?c"
    monkeypatch.setenv("no_proxy", "example.invalid")
    with pytest.raises(EngineError):
        fetch.fetch_url("http://example.invalid/a", str(tmp_path), options=fetch.FetchOptions(timeout=2))
    assert len(server.log) == 1


def test_a_url_of_a_dockerfile_is_a_context_without_files(server, tmp_path):
    context = open_context(server.url + "/dockerfile/x", str(tmp_path))
    assert context.root is None
    assert context.dockerfile()[0] == "FROM scratch\n"
