# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for registries: connections kept open (one a thread and host), TLS, proxies, redirects, patience with servers that are busy, and
failures as errors that name the host.
"""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from typing import Dict, Optional, Tuple

from ..errors import EngineError, Unreachable
from .proxy import is_loopback_name, proxy_for

BLOCK = 256 << 10
ATTEMPTS = 5
BUSY = (429, 500, 502, 503, 504)
_FIRST_PAUSE = 0.3
_MAX_REDIRECTS = 5
_MAX_BODY = 16 << 20
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"(https?)://(?:[^/?#@]*@)?(([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?)((?:[/?][^#]*)?)(?:#.*)?", re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclasses.dataclass(frozen=True)
class RegistryOptions:
    """How to talk to a registry.

    :ivar plain_http: None: HTTP for loopback addresses only. :ivar timeout: seconds.
    :ivar registry_mirrors: registry -> addresses to pull from first; None: what the host's own file says.
    """

    username: Optional[str] = None
    password: Optional[str] = dataclasses.field(default=None, repr=False)
    validate_certs: bool = True
    ca_path: Optional[str] = None
    plain_http: Optional[bool] = None
    timeout: int = 60
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    registry_mirrors: Optional[Dict[str, Tuple[str, ...]]] = None


class Broken(Unreachable):
    """A connection broke while content came; what came so far is good, and the rest may be asked for."""


class Response:
    """An answer. Read it to its end (:meth:`data`, :meth:`chunks`), or :meth:`close` it: then the connection is not used again.

    :ivar url: where it came from, after redirects.
    """

    def __init__(self, transport, key, response, url):
        self._transport = transport
        self._key = key
        self._response = response
        self._what = label(url)
        self.url = url
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
    """Requests with the given options. Safe to use from several threads.

    :param own: the registry's host; see :func:`tls.make_context`.
    """

    def __init__(self, options, own=None):
        self.options = options
        self._own = own
        self._local = threading.local()
        self._contexts = {}
        self._lock = threading.Lock()
        self._all = []

    def request(self, method, url, headers=None, make_body=None, length=None, attempts=ATTEMPTS):
        """One request; redirects are followed. A server that is busy or breaks off is asked again, less and less often.

        :param make_body: function that returns bytes or an iterator of bytes; called again for each attempt.
        :param attempts: 1 for what cannot be said twice.
        :returns: :class:`Response`, of any status.
        :raises Unreachable: nobody answers.
        """
        headers = dict(headers or {})
        for unused in range(_MAX_REDIRECTS + 1):
            response = self._patiently(method, url, headers, make_body, length, attempts)
            target = response.header("Location")
            if response.status not in (301, 302, 303, 307, 308) or target is None:
                return response
            response.data()
            url, previous = join(url, target), url
            if split(previous)[0] == "https" and split(url)[0] == "http":
                raise Unreachable("%s sends from https to http (%s)" % (label(previous), url.partition("?")[0]),
                                  "the registry is set up wrongly")
            if split(previous)[:2] != split(url)[:2]:
                # a storage server refuses (and must not learn) what is meant for the registry
                headers.pop("Authorization", None)
        raise Unreachable("%s redirects in a circle" % label(url))

    def _patiently(self, method, url, headers, make_body, length, attempts):
        for attempt in range(attempts):
            last = attempt == attempts - 1
            try:
                response = self._once(method, url, headers, make_body, length, attempts > 1)
            except Broken:
                if last:
                    raise
                time.sleep(pause(attempt))
                continue
            asked = wanted_pause(response)
            if response.status not in BUSY or last or (asked or 0) > self.options.timeout:
                return response
            response.data()
            time.sleep(pause(attempt) if asked is None else asked)
        raise Unreachable("%s does not answer" % label(url))

    def _once(self, method, url, headers, make_body, length, may_repeat):
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
            proxy = self._proxy(scheme, host)
            if proxy is not None and scheme == "http":
                target = url
                if proxy.authorization:
                    sent["Proxy-Authorization"] = proxy.authorization
            closed = _closed_errors(scheme)
            try:
                self._send(connection, key, method, target, body, sent, closed)
                return Response(self, key, connection.getresponse(), url)
            except (http.client.BadStatusLine, http.client.CannotSendRequest, *closed) as error:
                # the other end closes kept connections when it likes
                self.drop(key)
                if not (reused and may_repeat):
                    raise Broken("%s broke the connection: %s" % (label(url), _text(error)), "try again") from error
            except (OSError, http.client.HTTPException) as error:
                self.drop(key)
                raise self._unreachable(url, error) from error
        raise Broken("%s broke the connection" % label(url), "try again")

    def _send(self, connection, key, method, target, body, headers, closed):
        try:
            connection.request(method, target, body=body, headers=headers)
        except closed:
            if connection.sock is None or connection.sock.fileno() < 0:
                raise
            # it may have answered (401, 413, an alert of TLS) and closed before it had everything; that answer tells more than the
            # closing, and the connection is of no further use
            self._local.pool.pop(key, None)

    def _connection(self, key, fresh):
        pool = self._local.__dict__.setdefault("pool", {})
        connection = None if fresh else pool.get(key)
        if connection is not None:
            return connection, True
        connection = pool[key] = self._connect(*key)
        with self._lock:
            self._all.append(connection)
        return connection, False

    def _connect(self, scheme, host):
        import http.client

        name, port = host_port(host, scheme)
        proxy = self._proxy(scheme, host)
        more = {"timeout": self.options.timeout, "blocksize": BLOCK}
        if scheme == "http":
            if proxy is None or proxy.scheme == "http":
                return http.client.HTTPConnection(*((name, port) if proxy is None else (proxy.host, proxy.port)), **more)
            return http.client.HTTPSConnection(proxy.host, proxy.port, context=self._context(str(proxy)), **more)
        if proxy is None:
            return http.client.HTTPSConnection(name, port, context=self._context(host), **more)
        if proxy.scheme == "https":
            raise Unreachable("%s is behind proxy %s, which wants TLS inside TLS" % (label("https://%s/" % host), proxy),
                              "give the proxy an http:// address in HTTPS_PROXY, or name the registry in NO_PROXY")
        connection = http.client.HTTPSConnection(proxy.host, proxy.port, context=self._context(host), **more)
        connection.set_tunnel(name, port, {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {})
        return connection

    @staticmethod
    def _proxy(scheme, host):
        return proxy_for(scheme, *host_port(host, scheme))

    def _context(self, host):
        from .tls import make_context

        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = make_context(self.options, host, host == self._own)
            return self._contexts[host]

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
        scheme, host, unused = split(url)
        proxy = self._proxy(scheme, host)
        if proxy is not None:
            where += " (through proxy %s)" % proxy
            if not isinstance(error, ssl.SSLError):
                return Unreachable("%s cannot be reached: %s" % (where, _text(error)),
                                   "check %s_PROXY and NO_PROXY in the task's environment" % scheme.upper())
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unreachable("%s has a certificate that is not trusted: %s" % (where, error.verify_message or _text(error)),
                               "give its authority's certificate in ca_path")
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or _text(error)).lower()
            if "alert" in reason:
                return Unreachable("%s refuses our side of TLS: %s" % (where, reason.replace("_", " ")),
                                   "if it asks for a client certificate, give client_cert and client_key")
            return Unreachable("%s does not speak TLS: %s" % (where, reason), "set plain_http: true if the registry has no TLS")
        if isinstance(error, socket.gaierror):
            return Unreachable("%s cannot be found: %s" % (where, _text(error)), "check the registry's name and the host's name servers")
        if isinstance(error, socket.timeout):
            return Unreachable("%s did not answer within %d seconds" % (where, self.options.timeout), "check the network, or raise timeout")
        return Unreachable("%s cannot be reached: %s" % (where, _text(error)), "check the registry's name and port and that it runs")


def _closed_errors(scheme):
    """The errors by which a connection shows that the other end closed it."""
    if scheme == "http":
        return ConnectionResetError, BrokenPipeError
    import ssl

    return ConnectionResetError, BrokenPipeError, ssl.SSLEOFError


def pause(attempt):
    """Seconds before another attempt: each time twice as long, and never quite what others wait that failed in the same moment."""
    import random

    return _FIRST_PAUSE * 2 ** attempt * random.uniform(0.75, 1.25)


def wanted_pause(response):
    """The seconds that a Retry-After header asks for (a number or a date), or None."""
    asked = (response.header("Retry-After") or "").strip()
    if _SECONDS.fullmatch(asked):
        return int(asked)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def split(url):
    """(scheme, host with port, path with query) of an absolute URL."""
    match = _URL.fullmatch(url)
    if match is None or int(match.group(4) or 0) > 65535:
        raise EngineError("%r is not an address of a registry" % url[:500])
    scheme, host, name, unused, rest = match.groups()
    if max(map(len, name.split("."))) > 63 or len(name) > 253:
        raise EngineError("%r is not an address of a registry" % url[:500])
    if not rest.startswith("/"):
        rest = "/" + rest
    if not rest.isascii() or not rest.isprintable() or " " in rest:
        from urllib.parse import quote

        rest = quote(rest, safe="/?&=%:+,;@!$'()*~-._[]")
    return scheme, host, rest


def is_host(text):
    """Whether ``HOST[:PORT]`` can be in an address: its parts are not too long, and there is such a port."""
    try:
        return split("https://%s/" % text)[1] == text
    except EngineError:
        return False


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
    return is_loopback_name(host_port(host, "http")[0])


def _text(error):
    return (getattr(error, "strerror", None) or str(error) or error.__class__.__name__).lower()
