# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_search``."""

from __future__ import annotations

import dataclasses

from ..engine.errors import InvalidValue
from ..engine.image import listing, logins
from ..engine.image.registry import Registry
from ..engine.spec.reference import Reference
from .argspec import REGISTRY
from .image import is_id, registry_options
from .run import Outcome

ARGUMENTS = {
    "term": {"type": "str"},
    "name": {"type": "str"},
    "registry": {"type": "str", "default": "docker.io"},
    "limit": {"type": "int", "default": 25},
    "tags": {"type": "bool", "default": False},
    "is_official": {"type": "bool"},
    "stars": {"type": "int", "default": 0},
    "artifact_type": {"type": "str"},
    **{key: value for key, value in REGISTRY.items() if key != "registry_mirrors"},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    if params["limit"] < 1:
        raise InvalidValue("limit", params["limit"], "is no number of results", "give 1 or more")
    options = registry_options(params)
    answer = _one(params, options) if params["name"] is not None else _search(params, options)
    return Outcome(lambda: answer)


def _search(params, options):
    name = logins.registry_named(params["registry"], "registry")
    with Registry(name, options) as registry:
        filtered = params["is_official"] is not None or params["stars"] > 0
        found = listing.search(registry, params["term"] or "", None if filtered else params["limit"])
        if params["is_official"] is not None:
            found = [each for each in found if bool(each.is_official) == params["is_official"]]
        found = [each for each in found if (each.star_count or 0) >= params["stars"]][:params["limit"]]
        return {"repositories": [_repository(registry, name, each, params) for each in found]}


def _repository(registry, name, repository, params):
    reference = _reference(name, repository.name)
    entry = dataclasses.asdict(repository)
    entry["reference"] = reference.familiar_name if reference is not None else None
    if params["tags"] and reference is not None:
        entry["tags"] = listing.tags(registry, reference, None)
    return entry


def _reference(registry, repository):
    try:
        return Reference.parse("%s/%s" % (registry, repository))
    except InvalidValue:
        # a name that no image can have, but that a registry may list
        return None


def _one(params, options):
    if is_id(params["name"]):
        raise InvalidValue("name", params["name"], "is an image ID, which no registry can be asked for", "give the name of a repository")
    reference = Reference.parse(params["name"])
    last = params["name"].rpartition("/")[2]
    with Registry(reference.registry, options, repository=reference.repository) as registry:
        entry = {"name": reference.repository, "reference": reference.familiar_name, "description": None, "star_count": None,
                 "is_official": None}
        if ":" not in last and "@" not in last:
            return {"repositories": [dict(entry, tags=listing.tags(registry, reference))]}
        remote = registry.manifest(reference)
        found = listing.referrers(registry, reference, remote.digest, params["artifact_type"])
        if params["tags"]:
            entry["tags"] = listing.tags(registry, reference)
        return {"repositories": [entry], "manifest": listing.described(remote, reference),
                "referrers": [dict(dataclasses.asdict(each), annotations=dict(each.annotations)) for each in found]}
