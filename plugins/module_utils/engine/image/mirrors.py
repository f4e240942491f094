# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors: other addresses that a registry's images are pulled from first. What they lack, or fail at, comes from the registry itself.

Which mirrors a registry has says the task (``registry_mirrors``), or else the host's ``registries.json`` in the state root:
``{"mirrors": {"docker.io": ["https://mirror.example.com", "https://proxy.example.com/hub"]}}``.
"""

from __future__ import annotations

import dataclasses
import os
import re
import threading

from .. import state
from ..errors import EngineError, InvalidValue, Unreachable
from ..spec.reference import DEFAULT_REGISTRY, Reference
from .registry import Registry
from .transport import Broken, RegistryOptions, is_host

FILE = "registries.json"
_ADDRESS = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?)((?:/[a-z0-9._/-]*)?)")
_CHANCES = 2
_OPTION = "registry_mirrors"


@dataclasses.dataclass(frozen=True)
class Mirror:
    """``scheme`` None: HTTP for loopback addresses only. ``prefix``: what comes before each repository's name there."""

    scheme: object
    host: str
    prefix: str = ""

    def reference(self, origin):
        """Where it keeps what ``origin`` (Reference) is."""
        repository = "%s/%s" % (self.prefix, origin.repository) if self.prefix else origin.repository
        return Reference(self.host, repository, origin.tag, origin.digest)

    def options(self, options):
        """The registry's options for the mirror: our account at the registry is none of its business."""
        plain = {None: None, "http": True, "https": False}[self.scheme]
        return dataclasses.replace(options, username=None, password=None, plain_http=plain)


def parse(value, option=_OPTION):
    """{registry: tuple of :class:`Mirror`} of what people write: a dict of registry -> address, or list of them.

    :raises InvalidValue: names the option and what is wrong.
    """
    if not isinstance(value, dict):
        raise InvalidValue(option, value, "is not a dictionary", "write registry: [address, ...]")
    found = {}
    for registry, addresses in value.items():
        addresses = [addresses] if isinstance(addresses, str) else addresses
        if not isinstance(addresses, (list, tuple)):
            raise InvalidValue(option, addresses, "is not a list of addresses (registry %s)" % registry, "write registry: [address, ...]")
        name = DEFAULT_REGISTRY if registry in ("index.docker.io", "registry-1.docker.io") else registry
        found[name] = tuple(_mirror(address, registry, option) for address in addresses)
    return found


def _mirror(address, registry, option):
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if match is None or not is_host(match.group(2)):
        if isinstance(address, str) and "@" in address:
            # an account with its password is not to be shown
            address = "***@" + address.rpartition("@")[2]
        raise InvalidValue(option, address, "is not the address of a mirror (registry %s)" % registry,
                           "write it as https://mirror.example.com[:PORT][/PREFIX]; log in for its account")
    return Mirror(match.group(1), match.group(2), match.group(3).strip("/"))


def mirrors_of(registry, options=None, roots=None):
    """The mirrors (tuple) of a registry, by the task's options or else by the host's file."""
    if options is not None and options.registry_mirrors is not None:
        return parse(options.registry_mirrors).get(registry, ())
    if roots is None:
        return ()
    path = os.path.join(roots.state, FILE)
    try:
        config = state.read_json(path, {})
    except EngineError as error:
        raise EngineError(error.message, "correct the file") from error
    if not isinstance(config, dict):
        raise EngineError("%s is damaged: it is not a JSON object" % path, "correct the file")
    return parse(config.get("mirrors") or {}, "%s: mirrors" % path).get(registry, ())


def open_source(reference, options=None, roots=None):
    """What a reference is pulled from: a :class:`~registry.Registry`, or a :class:`Mirrored` one with the same questions to ask."""
    origin = Registry(reference.registry, options, repository=reference.repository)
    mirrors = mirrors_of(reference.registry, options, roots)
    return Mirrored(origin, mirrors, options or RegistryOptions(), reference.repository) if mirrors else origin


class Mirrored:
    """A registry behind its mirrors, for reading. Safe to use from several threads."""

    def __init__(self, origin, mirrors, options, repository):
        self._origin = origin
        self._mirrors = [(mirror, Registry(mirror.host, mirror.options(options), repository=mirror.reference(
            Reference(origin.name, repository, "x")).repository)) for mirror in mirrors]
        self._failures = dict.fromkeys(range(len(mirrors)), 0)
        self._lock = threading.Lock()
        self.name = origin.name

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for unused2, registry in self._mirrors:
            registry.transport.close()
        self._origin.transport.close()

    def head(self, reference):
        """See Registry."""
        return self._first(reference, lambda registry, there: registry.head(there))

    def manifest(self, reference, digest=None):
        """See Registry."""
        return self._first(reference, lambda registry, there: registry.manifest(there, digest))

    def small_blob(self, reference, descriptor):
        """See Registry."""
        return self._first(reference, lambda registry, there: registry.small_blob(there, descriptor))

    def blob(self, reference, descriptor, offset=0):
        """See Registry. A mirror that breaks off raises Broken; asked for the rest, another one answers after some failures."""
        for number, registry, there in self._alive(reference):
            began = False
            try:
                for chunk in registry.blob(there, descriptor, offset):
                    began = True
                    yield chunk
                self._note(number, registry, True)
                return
            except Broken:
                self._note(number, registry, False)
                if began or number is None:
                    raise
            except EngineError as error:
                self._note(number, registry, not isinstance(error, Unreachable))
                if began or number is None:
                    raise

    def distrust(self):
        """Leave the mirrors alone from now on: one of them sent wrong content. Returns whether any was in use."""
        with self._lock:
            used = any(count < _CHANCES for count in self._failures.values())
            self._failures = dict.fromkeys(self._failures, _CHANCES)
        self.name = self._origin.name
        return used

    def _first(self, reference, ask):
        for number, registry, there in self._alive(reference):
            try:
                answer = ask(registry, there)
            except EngineError as error:
                if number is None:
                    raise
                if isinstance(error, Unreachable):
                    self._note(number, registry, False, _CHANCES)
                continue
            self._note(number, registry, True)
            return answer
        raise Unreachable("registry %s has no mirror left" % self._origin.name)

    def _alive(self, reference):
        for number, (mirror, registry) in enumerate(self._mirrors):
            if self._failures[number] < _CHANCES:
                yield number, registry, mirror.reference(reference)
        yield None, self._origin, reference

    def _note(self, number, registry, worked, count=1):
        self.name = registry.name
        if number is not None:
            with self._lock:
                if self._failures[number] < _CHANCES:
                    self._failures[number] = 0 if worked else self._failures[number] + count
