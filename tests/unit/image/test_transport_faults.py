# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to servers that are busy, break off, redirect, want certificates, or are behind a proxy."""

from __future__ import annotations

import email.utils
import pathlib
import shutil
import ssl
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import tls
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import Broken, RegistryOptions, Transport

from .conftest import Cut

OK = (200, {}, b"fine")


@pytest.fixture
def client():
    transports = []

    def make(own=None, **options):
        transports.append(Transport(RegistryOptions(**dict({"timeout": 5}, **options)), own))
        return transports[-1]

    yield make
    for transport in transports:
        transport.close()


class TestBusy:
    def test_the_pause_that_is_asked_for(self, server, client, pauses):
        server.script((429, {"Retry-After": "3"}, b"slow down"), (503, {"Retry-After": "2"}, b""), OK)
        assert client().request("GET", server.url + "/x").data() == b"fine"
        assert pauses == [3, 2]

    def test_a_date_to_wait_for(self, server, client, pauses):
        server.script((503, {"Retry-After": email.utils.formatdate(time.time() + 4, usegmt=True)}, b""), OK)
        assert client().request("GET", server.url + "/x").status == 200
        assert len(pauses) == 1 and 2 < pauses[0] <= 4

    def test_a_pause_longer_than_the_timeout_is_not_made(self, server, client, pauses):
        server.script((429, {"Retry-After": "3600"}, b""), OK)
        assert client().request("GET", server.url + "/x").status == 429
        assert pauses == []

    @pytest.mark.parametrize("header", ["soon", "-1", ""])
    def test_a_pause_that_is_none(self, server, client, pauses, header):
        server.script((503, {"Retry-After": header}, b""), OK)
        assert client().request("GET", server.url + "/x").status == 200
        assert len(pauses) == 1 and 0.2 < pauses[0] < 0.5

    def test_less_and_less_often_and_not_for_ever(self, server, client, pauses):
        server.script((502, {}, b""))
        assert client().request("GET", server.url + "/x").status == 502
        assert len(pauses) == 4 and len(server.requests) == 5
        assert all(later > 1.1 * earlier for earlier, later in zip(pauses, pauses[1:]))

    @pytest.mark.parametrize("status", [400, 404, 501])
    def test_other_statuses_are_answers(self, server, client, pauses, status):
        server.script((status, {}, b""))
        assert client().request("GET", server.url + "/x").status == status
        assert len(server.requests) == 1 and pauses == []


class TestCut:
    def test_before_the_answer(self, server, client, pauses):
        server.script(None, None, OK)
        assert client().request("PUT", server.url + "/x", {}, lambda: iter([b"ab", b"cd"]), 4).data() == b"fine"
        assert [each.body for each in server.requests] == [b"abcd"] * 3 and len(pauses) == 2

    def test_for_ever(self, server, client, pauses):
        server.script(None)
        with pytest.raises(Broken, match="registry %s broke the connection" % server.host):
            client().request("GET", server.url + "/x")
        assert len(server.requests) == 5

    def test_in_the_body(self, server, client):
        server.script(Cut(b"x" * 1000, 5000))
        response = client().request("GET", server.url + "/x")
        got = []
        with pytest.raises(Broken):
            for chunk in response.chunks():
                got.append(chunk)
        assert b"".join(got) == b"x" * 1000
        with pytest.raises(Broken):
            client().request("GET", server.url + "/x").data()

    def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing(self, server, client, pauses):
        transport = client()
        server.script((200, {"Connection": "close"}, b""), OK)
        transport.request("GET", server.url + "/x").data()
        assert transport.request("GET", server.url + "/x").data() == b"fine" and pauses == []

    def test_an_answer_before_everything_was_sent(self, serve, client):
        server = serve(early=True)
        server.script((413, {"Connection": "close"}, b"too much"))
        response = client().request("PUT", server.url + "/x", {}, lambda: iter([b"x" * 65536] * 400), 65536 * 400, 1)
        assert response.status == 413

    def test_a_document_that_does_not_end(self, server, client):
        server.script((200, {}, b"x" * 2000))
        with pytest.raises(EngineError, match="sent more than 1000 bytes where a document was expected"):
            client().request("GET", server.url + "/x").data(1000)


class TestRedirects:
    def test_another_server_does_not_learn_who_we_are(self, server, serve, client):
        other = serve()
        server.script((307, {"Location": other.url + "/there?x=1"}, b""))
        assert client().request("GET", server.url + "/x", {"Authorization": "Bearer t"}).status == 200
        assert other.asked() == [("GET", "/there?x=1")] and other.requests[0].headers["Authorization"] is None

    def test_the_same_server_does(self, server, client):
        server.script((302, {"Location": "/there"}, b""), OK)
        client().request("GET", server.url + "/x", {"Authorization": "Bearer t"})
        assert server.requests[1].headers["Authorization"] == "Bearer t"

    def test_a_circle(self, server, client):
        server.script((302, {"Location": "/x"}, b""))
        with pytest.raises(Unreachable, match="redirects in a circle"):
            client().request("GET", server.url + "/x")

    def test_from_https_to_http(self, serve, server, client, authority):
        secure = serve(authority.context())
        secure.script((307, {"Location": server.url + "/x?secret=1"}, b""))
        with pytest.raises(Unreachable, match="sends from https to http") as caught:
            client(secure.host, ca_path=authority.ca[0]).request("GET", secure.url + "/x")
        assert "secret" not in str(caught.value) and server.requests == []


class TestTls:
    def test_an_authority_of_our_own(self, serve, client, authority):
        server = serve(authority.context())
        assert client(server.host, ca_path=authority.ca[0]).request("GET", server.url + "/x").status == 200
        assert client(ca_path=authority.ca[0]).request("GET", server.url + "/x").status == 200
        assert client(validate_certs=False).request("GET", server.url + "/x").status == 200
        with pytest.raises(Unreachable, match="certificate that is not trusted") as caught:
            client().request("GET", server.url + "/x")
        assert "ca_path" in caught.value.hint

    def test_the_same_certificates_with_every_python(self):
        context = tls.make_context(RegistryOptions(), "r.example", directories=())
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname

    def test_a_certificate_of_another_name(self, serve, client, authority):
        server = serve(authority.context(), address="127.0.0.2")
        with pytest.raises(Unreachable, match="certificate that is not trusted"):
            client(ca_path=authority.ca[0]).request("GET", server.url + "/x")

    def test_a_client_certificate(self, serve, client, authority, tmp_path):
        server = serve(authority.context(wants_client=True))
        options = {"ca_path": authority.ca[0], "client_cert": authority.client[0], "client_key": authority.client[1]}
        assert client(**options).request("GET", server.url + "/x").status == 200
        both = tmp_path / "both.pem"
        both.write_bytes(b"".join(pathlib.Path(path).read_bytes() for path in authority.client))
        assert client(ca_path=authority.ca[0], client_cert=str(both)).request("GET", server.url + "/x").status == 200

    def test_no_client_certificate(self, serve, client, authority):
        server = serve(authority.context(wants_client=True))
        with pytest.raises(Unreachable) as caught:
            client(ca_path=authority.ca[0]).request("GET", server.url + "/x", attempts=1).data()
        assert "certificate required" in str(caught.value) and "client_cert" in caught.value.hint

    def test_certificate_directories(self, serve, client, authority, tmp_path, monkeypatch):
        server = serve(authority.context(wants_client=True))
        directory = tmp_path / "certs.d" / server.host
        directory.mkdir(parents=True)
        monkeypatch.setattr(tls, "CERTIFICATE_DIRECTORIES", (str(tmp_path / "none"), str(tmp_path / "certs.d")))
        for name, source in (("ca.crt", authority.ca[0]), ("me.cert", authority.client[0]), ("me.key", authority.client[1])):
            shutil.copy(source, directory / name)
        assert client().request("GET", server.url + "/x").status == 200
        (directory / "me.key").unlink()
        with pytest.raises(EngineError, match=r"client certificate .*/me\.cert has no key"):
            client().request("GET", server.url + "/x")

    @pytest.mark.parametrize("option, value, words", [
        ("ca_path", "/nowhere", "ca_path: '/nowhere' cannot be read: no such file"),
        ("client_cert", "/nowhere", "client_cert: '/nowhere' cannot be used: /nowhere is not a file"),
        ("client_key", "/nowhere", "client_key: '/nowhere' is given without client_cert"),
    ])
    def test_files_that_are_not_there(self, client, option, value, words):
        with pytest.raises(InvalidValue, match=words):
            client(**{option: value}).request("GET", "https://127.0.0.1:1/")

    def test_files_that_are_something_else(self, client, authority, tmp_path):
        text = tmp_path / "text"
        text.write_text("no certificate")
        for options in ({"ca_path": str(text)}, {"client_cert": str(text)}, {"client_cert": authority.client[0], "client_key": str(text)}):
            with pytest.raises(InvalidValue, match="cannot be"):
                client(**options).request("GET", "https://127.0.0.1:1/")

    def test_http_where_tls_is_expected(self, server, client):
        with pytest.raises(Unreachable, match="does not speak TLS") as caught:
            client().request("GET", "https://%s/" % server.host)
        assert "plain_http" in caught.value.hint


class TestProxy:
    def test_plain(self, server, client, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://ada:p%40ss@" + server.host)
        server.script(OK)
        assert client().request("GET", "http://registry.test:5000/v2/x?y=1").data() == b"fine"
        assert server.asked() == [("GET", "http://registry.test:5000/v2/x?y=1")]
        assert server.requests[0].headers["Host"] == "registry.test:5000"
        assert server.requests[0].headers["Proxy-Authorization"] == "Basic YWRhOnBAc3M="

    def test_tunnel(self, server, serve, client, authority, monkeypatch):
        registry = serve(authority.context())
        registry.script(OK)
        server.answer = lambda request: (200, ("127.0.0.1", registry.port), b"")
        monkeypatch.setenv("https_proxy", "ada:secret@" + server.host)
        transport = client("registry.test", ca_path=authority.ca[0])
        assert transport.request("GET", "https://registry.test/v2/", {"Authorization": "Bearer t"}).data() == b"fine"
        assert server.asked() == [("CONNECT", "registry.test:443")]
        assert server.requests[0].headers["Proxy-Authorization"] == "Basic YWRhOnNlY3JldA=="
        assert server.requests[0].headers["Authorization"] is None and registry.requests[0].headers["Proxy-Authorization"] is None

    def test_a_proxy_that_refuses(self, server, client, monkeypatch):
        server.answer = lambda request: (407, None, b"")
        monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@" + server.host)
        with pytest.raises(Unreachable, match=r"\(through proxy %s\) cannot be reached: .*407" % server.host) as caught:
            client().request("GET", "https://registry.test/")
        assert "HTTPS_PROXY" in caught.value.hint and "secret" not in str(caught.value)

    def test_not_for_this_machine(self, server, client, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert client().request("GET", server.url + "/x").status == 200

    def test_tls_to_the_proxy_of_tls(self, client, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", "https://proxy.test")
        with pytest.raises(Unreachable, match="TLS inside TLS"):
            client().request("GET", "https://registry.test/")
