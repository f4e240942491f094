# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the image modules share: how a name and a tag become a reference, options of a registry, the inspect document of a result."""

from __future__ import annotations

import re

from ..engine.errors import EngineError, InvalidValue
from ..engine.image.store import ImageStore
from ..engine.image.transport import RegistryOptions
from ..engine.spec.reference import Reference
from .argspec import REGISTRY

_ID = re.compile(r"sha256:[0-9a-f]{4,64}|[0-9a-f]{64}")


def registry_options(params):
    """The RegistryOptions of a module's parameters."""
    if params["password"] is not None and params["username"] is None:
        raise EngineError("password is given without username", "give username, too")
    if params["timeout"] < 1:
        raise InvalidValue("timeout", params["timeout"], "is no time to wait", "give a number of seconds, 1 or more")
    if params["client_key"] is not None and params["client_cert"] is None:
        raise InvalidValue("client_key", params["client_key"], "is given without client_cert", "give the certificate, too")
    if params.get("registry_mirrors") is not None:
        from ..engine.image.mirrors import parse

        parse(params["registry_mirrors"])
    return RegistryOptions(**{key: params.get(key) for key in REGISTRY})


def is_id(name):
    """Whether a name can only be an image ID (a short one without ``sha256:`` may be a name as well)."""
    return bool(_ID.fullmatch(name))


def reference_of(name, tag=None, option="name"):
    """The Reference of a name; ``tag`` counts where the name has neither tag nor digest.

    :raises InvalidValue: names the option.
    """
    last = name.rpartition("/")[2]
    if "@" in last or ":" in last or not tag:
        return Reference.parse(name, option)
    Reference.parse(name, option)
    try:
        return Reference.parse("%s@%s" % (name, tag) if tag.startswith("sha256:") else "%s:%s" % (name, tag), "tag")
    except InvalidValue as error:
        raise InvalidValue("tag", tag, "cannot be the tag of an image", error.hint) from None


def named_reference(name, tag, option="name"):
    """The Reference under which a module stores what it makes; no digest and no ID."""
    if is_id(name):
        raise InvalidValue(option, name, "is an image ID", "give the name that the image is to have")
    reference = reference_of(name, tag, option)
    if reference.digest:
        raise InvalidValue(option, name, "has a digest, which is no name to give", "give a tag")
    return reference


def resolve(store, name, tag=None):
    """(Image or None, Reference or None) of what a user named: a reference, or an ID in full or short form."""
    if is_id(name):
        return store.find(name), None
    reference = reference_of(name, tag)
    image = store.find(reference.canonical)
    if image is None and re.fullmatch(r"[0-9a-f]{4,63}", name):
        image = store.find(name)
        if image is not None:
            return image, None
    return image, reference


def inspected(roots, name):
    """The inspect document (dict) of a Reference or an ID; empty if there is no such image."""
    store = ImageStore(roots)
    image = store.find(name.canonical if isinstance(name, Reference) else name)
    return store.inspect(image) if image is not None else {}
