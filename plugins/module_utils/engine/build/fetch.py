# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of http and https URLs, for ADD and for contexts. Other schemes are refused, also where a server redirects to them."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import os
import posixpath
import time
from typing import Optional
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from ..errors import Corrupt, Denied, InvalidValue, NotFound, Unreachable
from ..image.proxy import proxy_for

UNNAMED = "__unnamed__"
_BLOCK = 256 << 10
_REDIRECTS = 10
_ATTEMPTS = 3
_BUSY = (429, 500, 502, 503, 504)
_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True)
class FetchOptions:
    """``ca_path``: file of PEM certificates. ``timeout``: seconds without an answer."""

    validate_certs: bool = True
    ca_path: Optional[str] = None
    timeout: int = 60


def fetch_url(url, work, checksum=None, options=None):
    """Fetch a file into the directory ``work``, with mode 0600 and the time of its Last-Modified header (or 1970).

    :param checksum: ``sha256:...``, also sha384 and sha512.
    :returns: (path, file name by the URL, mtime in nanoseconds).
    :raises Unreachable, NotFound, Denied: by the server. :raises Corrupt: not what ``checksum`` says.
    """
    options = options or FetchOptions()
    path = os.path.join(work, "download")
    for attempt in range(_ATTEMPTS):
        try:
            when = _fetch(url, path, checksum, options)
            break
        except _Again as error:
            if attempt == _ATTEMPTS - 1:
                raise Unreachable(str(error), error.hint) from error
            time.sleep(0.3 * 4 ** attempt)
    os.utime(path, ns=(when, when))
    return path, file_name(url), when


def file_name(url):
    """The last component of a URL's path, or ``__unnamed__``."""
    base = posixpath.basename(unquote(urlsplit(url).path).rstrip("/"))
    return base if base not in ("", ".", "..") and "\0" not in base else UNNAMED


def redacted(url):
    """A URL for messages: without account and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class _Again(Unreachable):
    """What may go away if it is tried again."""


def _fetch(url, path, checksum, options):
    import http.client

    with contextlib.ExitStack() as undo:
        response = _open(url, options, undo)
        try:
            _save(response, path, checksum, url)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise
            raise _Again("%s broke the connection: %s" % (redacted(url), _text(error)), "try again") from error
        return _time(response.headers.get("Last-Modified"))


def _open(url, options, undo):
    """The answer to a GET, redirects followed."""
    account = None
    for unused in range(_REDIRECTS + 1):
        parts = _split(url)
        if parts.username is not None:
            account = (parts.hostname, "%s:%s" % (unquote(parts.username), unquote(parts.password or "")))
        response = _request(parts, options, account, undo)
        target = response.headers.get("Location")
        if response.status not in (301, 302, 303, 307, 308) or target is None:
            return _checked(response, url)
        url = urljoin(url, target)
    raise Unreachable("%s redirects in a circle" % redacted(url), "check the URL")


def _split(url):
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise InvalidValue("url", redacted(url) if "://" in url else url, "is no http or https URL")
    return parts


def _request(parts, options, account, undo):
    import http.client

    port = parts.port or _PORTS[parts.scheme]
    proxy = proxy_for(parts.scheme, parts.hostname, port)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers = {"User-Agent": "agentless-containers", "Accept-Encoding": "identity"}
    if account is not None and account[0] == parts.hostname:
        # another host must not learn it
        headers["Authorization"] = "Basic " + base64.b64encode(account[1].encode()).decode()
    where = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    connection = _connect(parts, port, proxy, options)
    undo.callback(connection.close)
    if proxy is not None and parts.scheme == "http":
        target = urlunsplit(("http", parts.netloc.rpartition("@")[2], parts.path or "/", parts.query, ""))
        if proxy.authorization:
            headers["Proxy-Authorization"] = proxy.authorization
    try:
        connection.request("GET", target.replace(" ", "%20"), headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise _unreachable(where, error, options) from error


def _connect(parts, port, proxy, options):
    import http.client

    name, number = (proxy.host, proxy.port) if proxy is not None else (parts.hostname, port)
    if parts.scheme == "http":
        return http.client.HTTPConnection(name, number, timeout=options.timeout)
    connection = http.client.HTTPSConnection(name, number, timeout=options.timeout, context=_tls(options))
    if proxy is not None:
        connection.set_tunnel(parts.hostname, port, {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {})
    return connection


def _tls(options):
    import ssl

    try:
        context = ssl.create_default_context(cafile=options.ca_path)
    except OSError as error:
        raise InvalidValue("ca_path", options.ca_path, "cannot be read: %s" % _text(error), "give a file of PEM certificates") from error
    if not options.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unreachable(where, error, options):
    import socket
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable("%s has a certificate that is not trusted: %s" % (where, error.verify_message or _text(error)),
                           "give its authority's certificate in ca_path")
    if isinstance(error, socket.gaierror):
        return Unreachable("%s: the host cannot be found: %s" % (where, _text(error)), "check the URL and the host's name servers")
    if isinstance(error, socket.timeout):
        return _Again("%s did not answer within %d seconds" % (where, options.timeout), "check the network")
    return _Again("%s cannot be fetched: %s" % (where, _text(error)), "check the URL, and that its server runs")


def _checked(response, url):
    status, where = response.status, redacted(url)
    if status in (404, 410):
        raise NotFound("%s does not exist (HTTP status %d)" % (where, status), "check the URL")
    if status in (401, 403, 407):
        raise Denied("%s is refused (HTTP status %d)" % (where, status), "give an account in the URL")
    if status in _BUSY:
        raise _Again("%s cannot be fetched: HTTP status %d" % (where, status), "try again later")
    if not 200 <= status < 300:
        raise Unreachable("%s cannot be fetched: HTTP status %d" % (where, status), "check the URL")
    return response


def _save(response, path, checksum, url):
    algorithm, unused, wanted = (checksum or "").partition(":")
    if checksum and algorithm not in ("sha256", "sha384", "sha512"):
        raise InvalidValue("--checksum", checksum, "has an algorithm that is not known", "use sha256")
    total = hashlib.new(algorithm) if checksum else None
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as stream:
        os.fchmod(fd, 0o600)
        while True:
            data = response.read(_BLOCK)
            if not data:
                break
            stream.write(data)
            if total is not None:
                total.update(data)
    if response.length:
        raise _Again("%s broke the connection %d bytes before the end" % (redacted(url), response.length), "try again")
    if total is not None and not hmac.compare_digest(total.hexdigest(), wanted):
        raise Corrupt("%s has the checksum %s:%s instead of %s" % (redacted(url), algorithm, total.hexdigest(), checksum),
                      "if the file is the right one, change --checksum")


def _time(text):
    """Nanoseconds of an HTTP date; 0 for none."""
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(text)
        return max(0, int(when.timestamp())) * 1000000000
    except (TypeError, ValueError, OverflowError):
        return 0


def _text(error):
    return (getattr(error, "strerror", None) or str(error) or error.__class__.__name__).lower()
