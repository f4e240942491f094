# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are at a registry: credentials turned into Basic or Bearer headers, and tokens that are renewed before they expire.

Documents: distribution-spec and the distribution project's "Token Authentication Specification" (scopes, realm, OAuth 2 form).
"""

from __future__ import annotations

import re
import threading
import time

from ..errors import Denied
from .verify import document

_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"([A-Za-z]+)(?=\s|$)")
_BETWEEN = re.compile(r"[\s,]*")
_MAX_TOKEN = 1 << 20
_CLIENT = "agentless"
_MARGIN = 10
"""Seconds before its end in which a token is renewed, for the request to arrive and the clocks to differ."""


class _Token:
    """A header with the time at which it ends, and the challenge that asks for the next one."""

    def __init__(self, header, ends, parameters):
        self.header = header
        self.ends = ends
        self.parameters = parameters


class Authorizer:
    """Keeps the Authorization headers of one registry, by scope. Safe to use from several threads.

    :param transport: for requests to the token server.
    :param find: function of no arguments that gives the :class:`~credentials.Credentials` or None; called when they are asked for first.
    :param is_secure: function of no arguments: whether the registry is talked to by TLS. Its token server must be, too, then.
    """

    def __init__(self, registry, transport, find, is_secure=lambda: False):
        self._registry = registry
        self._transport = transport
        self._find = find
        self._is_secure = is_secure
        self._credentials = None
        self._refresh_token = None
        self._headers = {}
        self._lock = threading.Lock()

    def header(self, scope):
        """The Authorization header for a scope, if one was needed before. A token that is about to end is renewed first."""
        kept = self._headers.get(scope) or self._headers.get(None)
        if kept is None or kept.ends is None or time.monotonic() < kept.ends:
            return kept.header if kept is not None else None
        with self._lock:
            if self._headers.get(scope) is kept:
                self._headers[scope] = self._token(kept.parameters, scope)
            return self._headers[scope].header

    def answer(self, response, scope, used):
        """Obtain a header after a 401; returns it.

        :param scope: str, or tuple of several. :param used: the header that was refused, or None.
        :raises Denied: there is nothing (more) to offer.
        """
        with self._lock:
            kept = self._headers.get(scope) or self._headers.get(None)
            if kept is not None and kept.header != used:
                return kept.header
            for scheme, parameters in challenges(response.headers("WWW-Authenticate")):
                fresh = None
                if scheme == "bearer" and self._mine() is not None and self._mine().registry_token:
                    fresh, scope = _Token("Bearer " + self._mine().registry_token, None, parameters), None
                elif scheme == "bearer" and parameters.get("realm"):
                    fresh = self._token(parameters, scope)
                elif scheme == "basic" and self._mine() is not None and self._mine().username:
                    fresh, scope = _Token(self._mine().basic(), None, parameters), None
                if fresh is not None:
                    if fresh.header == used:
                        break
                    self._headers[scope] = fresh
                    return fresh.header
        raise self.denied()

    def denied(self, words=""):
        """The error for an answer of 401.

        :param words: what the server says, as `` (words)``.
        """
        mine = self._mine()
        if mine is None:
            return Denied("registry %s wants a login%s" % (self._registry, words), "give username and password, or log in on the host")
        account = "the login of account %s" % mine.username if mine.username else "the stored token"
        return Denied("registry %s refused %s%s" % (self._registry, account, words), "check username and password, or log in again")

    def _mine(self):
        if self._find is not None:
            self._credentials, self._find = self._find(), None
        return self._credentials

    def _token(self, parameters, scope):
        realm, mine = parameters["realm"], self._mine()
        if self._is_secure() and realm.lower().startswith("http:"):
            raise Denied("registry %s wants credentials sent to %s, without TLS" % (self._registry, realm),
                         "the registry is set up wrongly")
        query = [("service", parameters["service"])] if parameters.get("service") else []
        query += [("scope", each) for each in _scopes(scope, parameters.get("scope"))]
        refresh = self._refresh_token or (mine.identity_token if mine is not None else None)
        if refresh:
            response = self._post(realm, query + [("grant_type", "refresh_token"), ("refresh_token", refresh)])
        else:
            response = self._get(realm, query, mine)
            if response.status in (404, 405, 501) and mine is not None and mine.username:
                response.data()
                response = self._post(realm, query + [("grant_type", "password"), ("username", mine.username),
                                                      ("password", mine.password or "")])
        return self._read_token(response, realm, parameters, bool(refresh))

    def _get(self, realm, query, mine):
        from urllib.parse import urlencode

        headers = {}
        if mine is not None and mine.username:
            headers["Authorization"] = mine.basic()
            query = query + [("account", mine.username)]
        return self._transport.request("GET", "%s%s%s" % (realm, "&" if "?" in realm else "?", urlencode(query)), headers)

    def _post(self, realm, form):
        from urllib.parse import urlencode

        data = urlencode(form + [("client_id", _CLIENT)]).encode()
        return self._transport.request("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, lambda: data, len(data))

    def _read_token(self, response, realm, parameters, refreshed):
        began = time.monotonic()
        data = response.data(_MAX_TOKEN)
        if response.status in (400, 401, 403):
            raise self.denied()
        if response.status != 200:
            raise Denied("the token server %s of registry %s answered %d" % (realm, self._registry, response.status), "try again later")
        answer = document(data, "the answer of token server %s" % realm)
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise Denied("the token server %s of registry %s gave no token" % (realm, self._registry))
        if refreshed and isinstance(answer.get("refresh_token"), str) and answer["refresh_token"]:
            self._refresh_token = answer["refresh_token"]
        seconds = answer.get("expires_in")
        ends = None
        if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0:
            ends = began + max(seconds - _MARGIN, seconds / 2)
        return _Token("Bearer " + token, ends, parameters)


def _scopes(mine, theirs):
    """The scopes to ask for: ours, and that of the challenge where it is about something else."""
    wanted = [mine] if isinstance(mine, str) else list(mine or ())
    subjects = [each.rpartition(":")[0] for each in wanted]
    return wanted + [each for each in (theirs or "").split() if each.rpartition(":")[0] not in subjects]


def challenges(values):
    """WWW-Authenticate headers as a list of (scheme in lower case, dict of parameters)."""
    found = []
    for value in values:
        position = 0
        while True:
            position = _BETWEEN.match(value, position).end()
            parameter = _PARAMETER.match(value, position)
            scheme = _SCHEME.match(value, position)
            if parameter is not None and found:
                text = parameter.group(2)
                text = re.sub(r"\\(.)", r"\1", text) if text is not None else parameter.group(3)
                found[-1][1][parameter.group(1).lower()] = text
                position = parameter.end()
            elif scheme is not None:
                found.append((scheme.group(1).lower(), {}))
                position = scheme.end()
            else:
                break
    return found
