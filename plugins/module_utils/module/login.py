# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules ``login`` and ``logout``."""

from __future__ import annotations

import dataclasses
import os

from ..engine.errors import InvalidValue
from ..engine.image import logins
from ..engine.image.credentials import HUB_SERVER, Credentials, config_files, server_of
from ..engine.reconcile.login import is_kept, plan_login, plan_logout
from .argspec import REGISTRY
from .image import registry_options
from .run import Outcome

LOGOUT_ARGUMENTS = {
    "registry_url": {"type": "str", "default": HUB_SERVER, "aliases": ["registry", "url"]},
    "config_path": {"type": "path", "aliases": ["dockercfg_path"]},
}

ARGUMENTS = {
    **LOGOUT_ARGUMENTS,
    **{key: value for key, value in REGISTRY.items() if key != "registry_mirrors"},
    "reauthorize": {"type": "bool", "default": False, "aliases": ["reauth"]},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    if params["state"] == "absent":
        return handle_logout(params, roots, check_mode)
    for option in ("username", "password"):
        if not params[option]:
            raise InvalidValue(option, params[option] and "", "is needed to log in", "give %s, or set state: absent" % option)
    if ":" in params["username"]:
        raise InvalidValue("username", params["username"], "has a colon, which no account's name can have", "correct it")
    registry, path = logins.registry_named(params["registry_url"]), _path(params)
    credentials = Credentials(params["username"], params["password"])
    observed = logins.observe(path, registry)
    warnings = []
    if params["reauthorize"] or not is_kept(credentials, observed):
        options = registry_options(params)
        if options.plain_http is None and params["registry_url"].startswith("http://"):
            options = dataclasses.replace(options, plain_http=True)
        if not logins.verify(registry, options):
            warnings.append("registry %s lets everybody in: username and password were not checked" % registry)
    plan = plan_login(registry, path, credentials, observed)
    return Outcome(lambda: {"login_result": {"serveraddress": server_of(registry), "username": params["username"]}}, plan,
                   warnings=warnings)


def handle_logout(params, roots, check_mode):
    """See module/run.py."""
    registry, path = logins.registry_named(params["registry_url"]), _path(params)
    return Outcome(dict, plan_logout(registry, path, logins.observe(path, registry)))


def _path(params):
    if params["config_path"]:
        return os.path.abspath(params["config_path"])
    # Docker's file, not the one that REGISTRY_AUTH_FILE names for podman
    return config_files(environ={key: value for key, value in os.environ.items() if key != "REGISTRY_AUTH_FILE"})[0]
