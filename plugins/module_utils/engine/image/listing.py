# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has: repositories (its catalog, or a search), the tags of one, and what refers to an image (signatures, SBOMs, ...)."""

from __future__ import annotations

import dataclasses
from typing import Optional, Tuple

from ..errors import Corrupt, EngineError, NotFound, Unreachable
from ..spec.image import INDEX_TYPES, OCI_INDEX
from ..spec.reference import Reference
from .credentials import HUB
from .resolve import CONFIG_TYPES, identified
from .transport import join
from .verify import check_index, document

_PAGE = 100
_MAX_PAGES = 10000
_MAX_HUB = 100
_HUB_SEARCH = "https://index.docker.io/v1/search"


@dataclasses.dataclass(frozen=True)
class Repository:
    """A repository that a search found; what only Docker Hub tells is None elsewhere."""

    name: str
    description: Optional[str] = None
    star_count: Optional[int] = None
    is_official: Optional[bool] = None


@dataclasses.dataclass(frozen=True)
class Referrer:
    """A manifest that refers to an image."""

    digest: str
    media_type: str
    size: int
    artifact_type: Optional[str] = None
    annotations: Tuple[Tuple[str, str], ...] = ()


def search(registry, term, limit=None):
    """The repositories of a registry whose names have ``term`` in them (Docker Hub's search looks at descriptions as well).

    :param limit: the most that are wanted; None for all, which Docker Hub bounds to 100.
    :returns: list of :class:`Repository`, in the registry's order.
    """
    if registry.name == HUB:
        return _search_v1(registry, _HUB_SEARCH, term, limit)
    try:
        found = catalog(registry, lambda name: term.lower() in name, limit)
    except EngineError as error:
        if isinstance(error, Unreachable):
            raise
        # some registries show no catalog but answer the search of old
        try:
            return _search_v1(registry, registry.base + "v1/search", term, limit)
        except EngineError:
            raise error from None
    return [Repository(name) for name in found]


def _search_v1(registry, address, term, limit):
    from urllib.parse import urlencode

    if registry.name == HUB and not term:
        raise EngineError("docker hub lists nothing without a term", "give term")
    query = urlencode({"q": term, "n": min(limit or _MAX_HUB, _MAX_HUB)})
    response = registry.call("GET", "%s?%s" % (address, query), None, {"Accept": "application/json"})
    data = response.data()
    if response.status != 200:
        registry.fail(response, None, data)
    results = document(data, "the answer of registry %s to a search" % registry.name).get("results")
    if not isinstance(results, list):
        raise Corrupt("registry %s answered a search with something else" % registry.name)
    found = [Repository(each["name"], each.get("description") or "", int(each.get("star_count") or 0), bool(each.get("is_official")))
             for each in results if isinstance(each, dict) and isinstance(each.get("name"), str)]
    return found[:limit]


def catalog(registry, wanted=lambda name: True, limit=None):
    """The names of a registry's repositories that are ``wanted``."""
    return _pages(registry, None, "v2/_catalog?n=1000", "registry:catalog:*", "repositories", wanted, limit)


def tags(registry, reference, limit=None):
    """The tags (list of str) of a reference's repository, in the registry's order.

    :raises NotFound: there is no such repository.
    """
    address = "v2/%s/tags/list?n=%d" % (reference.repository, _PAGE)
    return _pages(registry, reference, address, registry.scope(reference, False), "tags", lambda name: True, limit)


def _pages(registry, reference, address, scope, key, wanted, limit):
    """All pages of a list; each names the next in a Link header."""
    found, seen = [], set()
    response = registry.reach(lambda: registry.call("GET", registry.base + address, scope, {}))
    url = registry.base + address
    while True:
        seen.add(url)
        data = response.data()
        if response.status != 200:
            if response.status == 404 and reference is not None:
                raise NotFound("repository %s is not in registry %s" % (reference.repository, registry.name), "check the name")
            registry.fail(response, reference, data)
        names = document(data, "a list of registry %s" % registry.name).get(key) or []
        if not isinstance(names, list):
            raise Corrupt("registry %s answered a question for %s with something else" % (registry.name, key))
        found += [name for name in names if isinstance(name, str) and wanted(name)]
        url = _next(response, url)
        if url is None or url in seen or len(seen) > _MAX_PAGES or (limit is not None and len(found) >= limit):
            return found if limit is None else found[:limit]
        response = registry.call("GET", url, scope, {})


def _next(response, url):
    import re

    for header in response.headers("Link"):
        for target, parameters in re.findall(r"<([^>]*)>([^<]*)", header):
            if re.search(r'\brel="?next\b', parameters):
                return join(url, target)
    return None


def referrers(registry, reference, digest, artifact_type=None):
    """What refers to a manifest: list of :class:`Referrer`.

    The referrers API is asked, and where it is not known the tag ``sha256-...`` that clients keep for older registries.

    :param artifact_type: only those of this type.
    """
    from urllib.parse import quote

    rest = "referrers/%s" % digest
    if artifact_type:
        rest += "?artifactType=" + quote(artifact_type, safe="")
    url, found = registry.url(reference, rest), []
    response = registry.ask("GET", reference, rest, {"Accept": OCI_INDEX})
    data = response.data()
    if response.status in (404, 405, 400):
        return _selected(_fallback(registry, reference, digest), artifact_type)
    for unused in range(_MAX_PAGES):
        if response.status != 200:
            registry.fail(response, reference, data)
        found += _entries(registry, document(data, "the referrers of %s" % reference.familiar))
        url = _next(response, url)
        if url is None:
            break
        response = registry.call("GET", url, registry.scope(reference, False), {"Accept": OCI_INDEX})
        data = response.data()
    return _selected(found, artifact_type)


def _fallback(registry, reference, digest):
    tag = Reference(reference.registry, reference.repository, digest.replace(":", "-")[:128])
    try:
        remote = registry.manifest(tag)
    except NotFound:
        return []
    return _entries(registry, document(remote.data, "the referrers of %s" % reference.familiar))


def _entries(registry, index):
    check_index(index, "a list of referrers of registry %s" % registry.name)
    return [Referrer(each["digest"], each["mediaType"], each["size"], each.get("artifactType"),
                     tuple(sorted((each.get("annotations") or {}).items()))) for each in index["manifests"]]


def _selected(found, artifact_type):
    return [each for each in found if artifact_type is None or each.artifact_type == artifact_type]


def described(remote, reference):
    """What a manifest or index is (dict): digest, media_type, artifact_type, size, annotations, and ``platforms`` or ``layers``."""
    remote = identified(remote, reference)
    value = document(remote.data, reference.familiar)
    config = value.get("config") if isinstance(value.get("config"), dict) else {}
    found = {"digest": remote.digest, "media_type": remote.media_type, "size": len(remote.data),
             "annotations": value.get("annotations") or {}, "artifact_type": value.get("artifactType")}
    if remote.media_type in INDEX_TYPES:
        check_index(value, reference.familiar)
        found["platforms"] = [_entry(each) for each in value["manifests"]]
        return found
    if found["artifact_type"] is None and config.get("mediaType") not in CONFIG_TYPES:
        found["artifact_type"] = config.get("mediaType")
    found["layers"] = [{"digest": each.get("digest"), "media_type": each.get("mediaType"), "size": each.get("size")}
                       for each in value.get("layers") or () if isinstance(each, dict)]
    return found


def _entry(value):
    platform = value.get("platform") or {}
    name = "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))
    return {"platform": name or None, "digest": value["digest"], "media_type": value["mediaType"], "size": value["size"],
            "artifact_type": value.get("artifactType")}
