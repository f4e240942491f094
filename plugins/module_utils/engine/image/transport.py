# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for registries: connections kept open (one a thread and host), TLS, redirects, and failures as errors that name the host."""

from __future__ import annotations

import dataclasses
import os
import threading
from typing import Optional

from ..errors import EngineError, Unreachable

BLOCK = 256 << 10
_MAX_REDIRECTS = 5
_MAX_BODY = 16 << 20
_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True)
class RegistryOptions:
    """How to talk to a registry. ``plain_http`` None: HTTP for loopback addresses only. ``timeout``: seconds."""

    username: Optional[str] = None
    password: Optional[str] = dataclasses.field(default=None, repr=False)
    validate_certs: bool = True
    ca_path: Optional[str] = None
    plain_http: Optional[bool] = None
    timeout: int = 60


class Broken(Unreachable):
    """A connection broke while content came; what came so far is good, and the rest may be asked for."""


class Response:
    """An answer. Read it to its end (:meth:`data`, :meth:`chunks`), or :meth:`close` it: then the connection is not used again."""

    def __init__(self, transport, key, response, what):
        self._transport = transport
        self._key = key
        self._response = response
        self._what = what
        self.status = response.status

    def header(self, name, default=None):
        return self._response.headers.get(name, default)

    def headers(self, name):
        """All values of a header that may come several times."""
        return self._response.headers.get_all(name) or []

    def data(self, limit=_MAX_BODY):
        """The whole body (bytes)."""
        import http.client

        try:
            data = self._response.read(limit + 1)
            if len(data) > limit:
                self.close()
                raise EngineError("%s sent more than %d bytes where a document was expected" % (self._what, limit))
            if not self._response.isclosed():
                self._response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Broken("%s broke the connection: %s" % (self._what, _text(error)), "try again") from error
        return data

    def chunks(self):
        """The body in pieces.

        :raises Broken: before its end.
        """
        import http.client

        try:
            while True:
                chunk = self._response.read(BLOCK)
                if not chunk:
                    break
                yield chunk
            left = self._response.length
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Broken("%s broke the connection: %s" % (self._what, _text(error)), "try again") from error
        except GeneratorExit:
            self.close()
            raise
        if left:
            self.close()
            raise Broken("%s broke the connection %d bytes before the end" % (self._what, left), "try again")

    def close(self):
        self._transport.drop(self._key)
        self._response.close()


class Transport:
    """Requests with the given options. Safe to use from several threads."""

    def __init__(self, options):
        self.options = options
        self._local = threading.local()
        self._context = None
        self._lock = threading.Lock()
        self._all = []

    def request(self, method, url, headers=None, make_body=None, length=None, redirect=True):
        """One request; redirects are followed where the method has no body.

        :param make_body: function that returns bytes or an iterator of bytes; called again if a kept connection turns out to be closed.
        :returns: :class:`Response`.
        :raises Unreachable: nobody answers.
        """
        headers = dict(headers or {})
        for unused in range(_MAX_REDIRECTS + 1):
            response = self._once(method, url, headers, make_body, length)
            target = response.header("Location")
            if not redirect or response.status not in (301, 302, 303, 307, 308) or target is None:
                return response
            response.data()
            url, previous = join(url, target), url
            if split(previous)[0] == "https" and split(url)[0] == "http":
                raise Unreachable("%s sends from https to http (%s)" % (label(previous), url), "the registry is set up wrongly")
            if split(previous)[:2] != split(url)[:2]:
                # a storage server refuses (and must not learn) what is meant for the registry
                headers.pop("Authorization", None)
        raise Unreachable("%s redirects in a circle" % label(url))

    def _once(self, method, url, headers, make_body, length):
        import http.client

        scheme, host, target = split(url)
        key = (scheme, host)
        for fresh in (False, True):
            connection, reused = self._connection(key, fresh)
            body = make_body() if make_body else None
            sent = dict(headers)
            sent.setdefault("User-Agent", "agentless-containers")
            if length is not None:
                sent["Content-Length"] = str(length)
            elif method in ("POST", "PUT", "PATCH") and body is None:
                sent["Content-Length"] = "0"
            try:
                connection.request(method, target, body=body, headers=sent)
                return Response(self, key, connection.getresponse(), label(url))
            except (http.client.BadStatusLine, ConnectionResetError, BrokenPipeError, http.client.CannotSendRequest) as error:
                # the other end closes kept connections when it likes
                self.drop(key)
                if not reused:
                    raise Broken("%s broke the connection: %s" % (label(url), _text(error)), "try again") from error
            except (OSError, http.client.HTTPException) as error:
                self.drop(key)
                raise self._unreachable(url, error) from error
        raise Unreachable("%s broke the connection" % label(url), "try again")

    def _connection(self, key, fresh):
        pool = self._local.__dict__.setdefault("pool", {})
        connection = None if fresh else pool.get(key)
        if connection is not None:
            return connection, True
        import http.client

        scheme, host = key
        name, port = host_port(host, scheme)
        if scheme == "https":
            connection = self._tls(name, port)
        else:
            connection = http.client.HTTPConnection(name, port, timeout=self.options.timeout, blocksize=BLOCK)
        pool[key] = connection
        with self._lock:
            self._all.append(connection)
        return connection, False

    def _tls(self, name, port):
        import http.client
        import ssl

        with self._lock:
            if self._context is None:
                self._context = self._make_context(ssl)
        proxy = _proxy(name)
        if proxy is not None:
            connection = http.client.HTTPSConnection(*proxy, timeout=self.options.timeout, context=self._context, blocksize=BLOCK)
            connection.set_tunnel(name, port)
            return connection
        return http.client.HTTPSConnection(name, port, timeout=self.options.timeout, context=self._context, blocksize=BLOCK)

    def _make_context(self, ssl):
        try:
            context = ssl.create_default_context(cafile=self.options.ca_path)
        except (OSError, ssl.SSLError) as error:
            raise EngineError("ca_path: %r cannot be read: %s" % (self.options.ca_path, _text(error)),
                              "give a file of PEM certificates") from error
        if not self.options.validate_certs:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def drop(self, key):
        """Close this thread's connection to a host."""
        connection = self._local.__dict__.get("pool", {}).pop(key, None)
        if connection is not None:
            connection.close()

    def close(self):
        """Close every connection of every thread; requests under way fail."""
        with self._lock:
            connections, self._all = self._all, []
        for connection in connections:
            connection.close()

    def _unreachable(self, url, error):
        import socket
        import ssl

        where = label(url)
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unreachable("%s has a certificate that is not trusted: %s" % (where, error.verify_message or _text(error)),
                               "give its authority's certificate in ca_path")
        if isinstance(error, ssl.SSLError):
            return Unreachable("%s does not speak TLS: %s" % (where, error.reason or _text(error)),
                               "set plain_http: true if the registry has no TLS")
        if isinstance(error, socket.gaierror):
            return Unreachable("%s cannot be found: %s" % (where, _text(error)), "check the registry's name and the host's name servers")
        if isinstance(error, socket.timeout):
            return Unreachable("%s did not answer within %d seconds" % (where, self.options.timeout), "check the network, or raise timeout")
        return Unreachable("%s cannot be reached: %s" % (where, _text(error)), "check the registry's name and port and that it runs")


def split(url):
    """(scheme, host with port, path with query) of an absolute URL."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not mark or scheme not in _PORTS or not host:
        raise EngineError("%r is not an address of a registry" % url)
    return scheme, host.rpartition("@")[2], slash + path or "/"


def join(url, target):
    """The absolute form of a Location header."""
    if "://" in target.partition("?")[0]:
        return target
    scheme, host, path = split(url)
    if target.startswith("//"):
        return "%s:%s" % (scheme, target)
    if target.startswith("/"):
        return "%s://%s%s" % (scheme, host, target)
    return "%s://%s%s/%s" % (scheme, host, path.partition("?")[0].rpartition("/")[0], target)


def host_port(host, scheme):
    """``registry.example:5000`` or ``[::1]:5000`` as (name, port)."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and not name.endswith(":"):
        return name.strip("[]"), int(port)
    return host.strip("[]"), _PORTS[scheme]


def label(url):
    """``registry localhost:5000``, for messages."""
    scheme, host, unused = split(url)
    return "registry %s:%d" % host_port(host, scheme)


def is_loopback(host):
    """Whether a registry's name is this machine."""
    name = host_port(host, "http")[0]
    if name.startswith("127."):
        return name.replace(".", "").isdigit()
    return name in ("localhost", "::1") or name.endswith(".localhost")


def _proxy(name):
    """(host, port) of the proxy for TLS connections by the environment's https_proxy and no_proxy, or None."""
    address = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    if not address:
        return None
    exceptions = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").replace(" ", "").split(",")
    for exception in exceptions:
        suffix = exception.lstrip("*").lstrip(".")
        if exception == "*" or (suffix and (name == suffix or name.endswith("." + suffix))):
            return None
    if is_loopback(name):
        return None
    return host_port(split(address if "://" in address else "http://" + address)[1], "http")


def _text(error):
    return (getattr(error, "strerror", None) or str(error) or error.__class__.__name__).lower()
