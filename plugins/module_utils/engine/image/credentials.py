# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored logins: where ``docker login`` and ``podman login`` keep them, and how one is found for a registry or for a repository in it.

Formats: Docker's config.json (auths, credHelpers, credsStore) and containers-auth.json(5), whose keys may go on with a namespace.
"""

from __future__ import annotations

import base64
import dataclasses
import os
from typing import Optional

from .. import state
from ..errors import EngineError

HUB = "docker.io"
HUB_SERVER = "https://index.docker.io/v1/"
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclasses.dataclass(frozen=True)
class Credentials:
    """An account with its password, or a token that stands for both.

    :ivar identity_token: to be exchanged for tokens at the token server. :ivar registry_token: to be sent to the registry as it is.
    """

    username: Optional[str] = None
    password: Optional[str] = dataclasses.field(default=None, repr=False)
    identity_token: Optional[str] = dataclasses.field(default=None, repr=False)
    registry_token: Optional[str] = dataclasses.field(default=None, repr=False)

    def basic(self):
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(("%s:%s" % (self.username, self.password or "")).encode()).decode()


def credentials_for(registry, options, repository=None, home=None):
    """The task's credentials, or a stored login's, or None.

    :param repository: a login for its namespace comes before one for the whole registry.
    :param home: home directory to look into; this account's where None.
    :raises EngineError: a stored login is damaged, or the credential helper that keeps it cannot be asked.
    """
    if options.username:
        return Credentials(options.username, options.password or "")
    for path in config_files(home):
        found = stored_in(read_config(path), registry, path, repository)
        if found is not None:
            return found
    return None


def config_files(home=None, environ=None):
    """Where logins are stored: the file that the environment names, Docker's, then those of podman and skopeo."""
    environ = os.environ if environ is None else environ
    home = home or environ.get("HOME") or os.path.expanduser("~")
    docker = environ.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    volatile = environ.get("XDG_RUNTIME_DIR")
    volatile = os.path.join(volatile, "containers") if volatile else "/run/containers/%d" % os.geteuid()
    found = [os.path.join(docker, "config.json"), os.path.join(volatile, "auth.json"),
             os.path.join(home, ".config", "containers", "auth.json")]
    named = environ.get("REGISTRY_AUTH_FILE")
    return [named] + found if named else found


def read_config(path):
    """The content of a file of logins as a dict; empty if there is none.

    :raises EngineError: it holds something else.
    """
    try:
        config = state.read_json(path, {})
    except EngineError as error:
        raise EngineError("the file of logins %s" % error.message, "repair it, or remove it and log in again") from error
    if not isinstance(config, dict) or not isinstance(config.get("auths") or {}, dict):
        raise EngineError("the file of logins %s is damaged: it has not the form of Docker's config.json" % path,
                          "repair it, or remove it and log in again")
    return config


def server_of(registry):
    """The name under which Docker keeps a registry's login."""
    return HUB_SERVER if registry == HUB else registry


def registry_of(key):
    """The registry that a key of ``auths`` is for: ``https://registry.example.com/v2/`` is ``registry.example.com``."""
    host = key.partition("://")[2] if "://" in key else key
    host = host.partition("/")[0]
    return HUB if host in _HUB_NAMES else host


def helper_of(config, registry):
    """The name of the credential helper that keeps a registry's login, or None."""
    helpers = config.get("credHelpers")
    if isinstance(helpers, dict):
        for key, name in helpers.items():
            if registry_of(key) == registry and isinstance(name, str) and name:
                return name
    name = config.get("credsStore")
    return name if isinstance(name, str) and name else None


def stored_in(config, registry, path, repository=None):
    """The login for a registry in the content of one file, or None."""
    helper = helper_of(config, registry)
    if helper is not None:
        from .credential_helper import get

        found = get(helper, server_of(registry), path)
        if found is not None:
            return found
    for key in _keys(config, registry, repository):
        found = _login(config["auths"][key], registry, path)
        if found is not None:
            return found
    return None


def _keys(config, registry, repository):
    """The keys of ``auths`` that fit, the closest first."""
    fits = []
    for key, value in (config.get("auths") or {}).items():
        if not isinstance(value, dict) or registry_of(key) != registry:
            continue
        namespace = "" if "://" in key else key.partition("/")[2].strip("/")
        if namespace in ("v1", "v2"):
            namespace = ""
        if not namespace or (repository is not None and (repository + "/").startswith(namespace + "/")):
            fits.append((len(namespace), key == server_of(registry), key))
    return [key for unused, unused2, key in sorted(fits, reverse=True)]


def _login(value, registry, path):
    damaged = EngineError("the login for %s in %s is damaged" % (registry, path), "log in again")
    if not all(isinstance(value.get(key) or "", str) for key in ("auth", "username", "password", "identitytoken", "registrytoken")):
        raise damaged
    username, password = value.get("username"), value.get("password")
    if value.get("auth"):
        try:
            username, colon, password = base64.b64decode(value["auth"], validate=True).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise damaged
        password = password.rstrip("\0")
    if value.get("identitytoken"):
        return Credentials(username, None, value["identitytoken"])
    if value.get("registrytoken"):
        return Credentials(username, None, None, value["registrytoken"])
    return Credentials(username, password) if username else None
