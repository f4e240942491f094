# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in and out: an account is tried at its registry, and kept in (or taken out of) a file of logins or a credential helper."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import stat
from typing import Optional

from .. import state
from ..errors import EngineError, InvalidValue
from . import credential_helper
from .credentials import Credentials, helper_of, read_config, registry_of, server_of, stored_in
from .transport import is_host

_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SECRET = 0o077


@dataclasses.dataclass(frozen=True)
class Stored:
    """What a file of logins has for a registry.

    :ivar helper: the credential helper that keeps (or would keep) the login, or None. :ivar exposed: others may read the file.
    """

    credentials: Optional[Credentials] = None
    helper: Optional[str] = None
    exposed: bool = False


def registry_named(url, option="registry_url"):
    """The registry that an address or a name stands for.

    :raises InvalidValue: it is none; ``option`` is the option named in the message.
    """
    name = registry_of(url.strip())
    if not _REGISTRY.fullmatch(name) or not is_host(name) or ("://" in url and not url.startswith(("http://", "https://"))):
        raise InvalidValue(option, url, "is not the address of a registry",
                           "write it as https://registry.example.com:5000, or without https://")
    return name


def observe(path, registry):
    """The :class:`Stored` login of a registry in a file."""
    config = read_config(path)
    try:
        exposed = bool(os.stat(path).st_mode & _SECRET)
    except FileNotFoundError:
        exposed = False
    return Stored(stored_in(config, registry, path), helper_of(config, registry), exposed)


def verify(registry, options):
    """Try the account of the options at a registry. Returns whether the registry wanted to know it at all.

    :raises Denied: it is refused.
    """
    from .registry import Registry

    with Registry(registry, options) as client:
        response = client.reach(lambda: client.call("GET", client.base + "v2/", None, {}))
        data = response.data()
        if response.status != 200:
            client.fail(response, None, data)
        return client.auth.header(None) is not None


def save(path, registry, credentials):
    """Keep a login. The file is 0600, and everything else in it stays as it is."""
    with _changing(path) as config:
        helper = helper_of(config, registry)
        entry = {}
        if helper is not None:
            credential_helper.store(helper, server_of(registry), credentials, path)
        else:
            entry["auth"] = credentials.basic().partition(" ")[2]
        auths = config.get("auths") or {}
        auths[server_of(registry)] = entry
        config["auths"] = auths


def erase(path, registry):
    """Forget a registry's login, under whatever name it is kept."""
    with _changing(path) as config:
        helper = helper_of(config, registry)
        if helper is not None:
            credential_helper.erase(helper, server_of(registry), path)
        for key in list(config.get("auths") or {}):
            if registry_of(key) == registry and not _namespace(key):
                del config["auths"][key]


def _namespace(key):
    """What follows the host in a key of podman's: such a login is for a part of the registry only."""
    rest = "" if "://" in key else key.partition("/")[2].strip("/")
    return "" if rest in ("v1", "v2") else rest


def restrict(path):
    """Let nobody but its owner read a file of logins."""
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) & ~_SECRET)


@contextlib.contextmanager
def _changing(path):
    """The content of the file as a dict, written back at the end; one at a time."""
    path = os.path.realpath(path)
    directory = os.path.dirname(path)
    try:
        state.make_directory(directory)
    except NotADirectoryError:
        raise EngineError("%s cannot be made: a part of its path is no directory" % path, "give another config_path") from None
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        config = read_config(path)
        yield config
        state.write_json(path, config, owner=_owner(path))
    finally:
        os.close(fd)


def _owner(path):
    """Whose file it stays when root writes it; an ordinary account can only make files of its own."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
