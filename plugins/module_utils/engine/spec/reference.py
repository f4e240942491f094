# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references as people type them: ``nginx``, ``nginx:1.27``, ``localhost:5000/team/web@sha256:...``.

The grammar is that of the distribution project's reference package; the defaults (docker.io, library/, latest) are Docker's.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Optional

from ..errors import InvalidValue

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
_MAX_REPOSITORY = 255

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(r"(?:%s(?:\.%s)*|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?" % (_LABEL, _LABEL))
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Reference:
    """A parsed reference. At least one of ``tag`` and ``digest`` is set; with both, the digest decides."""

    registry: str
    repository: str
    tag: Optional[str] = None
    digest: Optional[str] = None

    @classmethod
    def parse(cls, text, option="name"):
        """The reference that ``text`` stands for.

        :raises InvalidValue: it is none; ``option`` is the option named in the message.
        """
        if not isinstance(text, str) or not text:
            raise InvalidValue(option, text, "is not an image reference", "write it as [registry/]repository[:tag] or ...@sha256:DIGEST")
        rest, at, digest = text.partition("@")
        if at and not _DIGEST.fullmatch(digest):
            raise InvalidValue(option, text, "has a malformed digest", "a digest is sha256: and 64 lower-case hexadecimal digits")
        registry, repository = _split_registry(rest)
        tag = None
        if ":" in repository:
            repository, tag = repository.split(":", 1)
            if not _TAG.fullmatch(tag):
                raise InvalidValue(option, text, "has a malformed tag",
                                   "a tag has up to 128 letters, digits, '_', '.', '-' and starts with a letter, a digit or '_'")
        return cls._checked(text, option, registry, repository, tag, digest or None)

    @classmethod
    def _checked(cls, text, option, registry, repository, tag, digest):
        if registry in ("index.docker.io", "registry-1.docker.io"):
            registry = DEFAULT_REGISTRY
        if registry != DEFAULT_REGISTRY and not _REGISTRY.fullmatch(registry):
            raise InvalidValue(option, text, "has a malformed registry name", "write it as HOST or HOST:PORT, without http://")
        if registry == DEFAULT_REGISTRY and "/" not in repository:
            if _HEXADECIMAL.fullmatch(repository):
                raise InvalidValue(option, text, "is an image ID and no reference")
            repository = _OFFICIAL + repository
        for component in repository.split("/"):
            if not _COMPONENT.fullmatch(component):
                reason = "has upper-case letters in its repository" if component != component.lower() else "has a malformed repository"
                raise InvalidValue(option, text, reason,
                                   "the parts of a repository are lower-case letters and digits, separated by '.', '_', '__' or '-'")
        if len(repository) > _MAX_REPOSITORY:
            raise InvalidValue(option, text, "has a repository of more than %d characters" % _MAX_REPOSITORY)
        if tag is None and digest is None:
            tag = DEFAULT_TAG
        return cls(registry, repository, tag, digest)

    @property
    def name(self):
        """``docker.io/library/nginx``: without tag and digest."""
        return "%s/%s" % (self.registry, self.repository)

    @property
    def target(self):
        """What a registry is asked for: the digest, or else the tag."""
        return self.digest or self.tag

    @property
    def canonical(self):
        """``docker.io/library/nginx:latest``, or ``...@sha256:...`` where a digest is given."""
        return self.name + self._suffix

    @property
    def familiar_name(self):
        """``nginx``: the name without what everybody leaves out."""
        if self.registry != DEFAULT_REGISTRY:
            return self.name
        short = self.repository.removeprefix(_OFFICIAL)
        if "/" not in short and not _HEXADECIMAL.fullmatch(short):
            return short
        # "0.0/web" would mean a registry 0.0
        return self.repository if _split_registry(self.repository)[0] == DEFAULT_REGISTRY else self.name

    @property
    def familiar(self):
        """``nginx:latest``, as Docker shows it."""
        return self.familiar_name + self._suffix

    @property
    def _suffix(self):
        return "@" + self.digest if self.digest else ":" + self.tag

    def with_digest(self, digest):
        """This repository at a digest."""
        return Reference(self.registry, self.repository, None, digest)

    def __str__(self):
        return self.familiar


def _split_registry(text):
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return first, rest
    return DEFAULT_REGISTRY, text
