# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are at a registry: credentials of the task, or of a stored login, turned into Basic or Bearer headers.

Documents: distribution-spec and the distribution project's "Token Authentication Specification" (scopes, realm, OAuth 2 form).
"""

from __future__ import annotations

import base64
import dataclasses
import os
import re
import threading
from typing import Optional

from .. import state
from ..errors import Denied, EngineError
from .verify import document

_PARAMETER = re.compile(r'\s*,?\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"\s*,?\s*([A-Za-z]+)(?=\s|$)")
_DOCKER_HUB = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
_MAX_TOKEN = 1 << 20


@dataclasses.dataclass(frozen=True)
class Credentials:
    """An account with its password, or a token that stands for both."""

    username: Optional[str] = None
    password: Optional[str] = dataclasses.field(default=None, repr=False)
    identity_token: Optional[str] = dataclasses.field(default=None, repr=False)

    def basic(self):
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(("%s:%s" % (self.username, self.password or "")).encode()).decode()


def credentials_for(registry, options, home=None):
    """The task's credentials, or a stored login's, or None.

    :param home: home directory to look into; this account's where None.
    """
    if options.username:
        return Credentials(options.username, options.password or "")
    for path in config_files(home):
        found = _stored(state.read_json(path, {}), registry, path)
        if found is not None:
            return found
    return None


def config_files(home=None):
    """Where logins are stored: Docker's file first, then the one of podman and skopeo."""
    home = home or os.environ.get("HOME") or os.path.expanduser("~")
    docker = os.environ.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    return [os.path.join(docker, "config.json"), os.path.join(home, ".config", "containers", "auth.json")]


def _stored(config, registry, path):
    logins = config.get("auths") if isinstance(config, dict) else None
    if not isinstance(logins, dict):
        return None
    names = _DOCKER_HUB if registry == "docker.io" else (registry, "https://" + registry, "http://" + registry)
    for key, value in logins.items():
        if key not in names and key.rstrip("/") not in names and _host(key) != registry:
            continue
        if isinstance(value, dict):
            found = _login(value, registry, path)
            if found is not None:
                return found
    return None


def _host(key):
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _login(value, registry, path):
    if value.get("identitytoken"):
        return Credentials(value.get("username"), None, value["identitytoken"])
    if value.get("auth"):
        try:
            username, colon, password = base64.b64decode(value["auth"]).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise EngineError("the login for %s in %s is damaged" % (registry, path), "log in again")
        return Credentials(username, password.rstrip("\0"))
    if value.get("username"):
        return Credentials(value["username"], value.get("password"))
    return None


class Authorizer:
    """Keeps the Authorization headers of one registry, by scope. Safe to use from several threads.

    :param transport: for requests to the token server.
    """

    def __init__(self, registry, transport, credentials):
        self._registry = registry
        self._transport = transport
        self._credentials = credentials
        self._headers = {}
        self._lock = threading.Lock()

    def header(self, scope):
        """The Authorization header for a scope, if one was needed before."""
        return self._headers.get(scope) or self._headers.get(None)

    def answer(self, response, scope, used):
        """Obtain a header after a 401; returns it.

        :param used: the header that was refused, or None.
        :raises Denied: there is nothing (more) to offer.
        """
        with self._lock:
            current = self.header(scope)
            if current is not None and current != used:
                return current
            for scheme, parameters in challenges(response.headers("WWW-Authenticate")):
                if scheme == "bearer" and parameters.get("realm"):
                    header = "Bearer " + self._token(parameters, scope)
                    if header == used:
                        break
                    self._headers[scope] = header
                    return header
                if scheme == "basic" and self._credentials is not None and self._credentials.username:
                    header = self._credentials.basic()
                    if header == used:
                        break
                    self._headers[None] = header
                    return header
        raise self.denied()

    def denied(self):
        """The error for an answer of 401."""
        account = self._credentials.username if self._credentials is not None else None
        if account:
            return Denied("registry %s refused the login of account %s" % (self._registry, account), "check username and password")
        return Denied("registry %s wants a login" % self._registry, "give username and password, or log in on the host")

    def _token(self, parameters, scope):
        from urllib.parse import urlencode

        wanted = scope or parameters.get("scope")
        query = [(key, value) for key, value in (("service", parameters.get("service")), ("scope", wanted)) if value]
        realm, headers = parameters["realm"], {}
        mine = self._credentials
        if mine is not None and mine.identity_token:
            form = urlencode(query + [("grant_type", "refresh_token"), ("client_id", "agentless"), ("refresh_token", mine.identity_token)])
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            response = self._transport.request("POST", realm, headers, form.encode)
        else:
            if mine is not None and mine.username:
                headers["Authorization"] = mine.basic()
                query.append(("account", mine.username))
            response = self._transport.request("GET", "%s%s%s" % (realm, "&" if "?" in realm else "?", urlencode(query)), headers)
        data = response.data(_MAX_TOKEN)
        if response.status in (400, 401, 403):
            raise self.denied()
        if response.status != 200:
            raise Denied("the token server %s of registry %s answered %d" % (realm, self._registry, response.status), "try again later")
        answer = document(data, "the answer of token server %s" % realm)
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise Denied("the token server %s of registry %s gave no token" % (realm, self._registry))
        return token


def challenges(values):
    """WWW-Authenticate headers as a list of (scheme in lower case, dict of parameters)."""
    found = []
    for value in values:
        position = 0
        while position < len(value):
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
