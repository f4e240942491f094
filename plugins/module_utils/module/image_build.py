# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_build``."""

from __future__ import annotations

import os

from ..engine.build.fetch import FetchOptions
from ..engine.build.settings import Settings, agent_socket, source_date_epoch
from ..engine.build.solve import Build
from ..engine.errors import InvalidValue
from ..engine.reconcile.image_build import observe, plan
from .container_limits import shm_size
from .image import inspected, named_reference, registry_options
from .run import Outcome


def handle(params, roots, check_mode):
    """See module/run.py."""
    references = _references(params)
    build = Build(roots, settings(params))
    build.__enter__()
    try:
        predicted = build.dry_run()
        holders = observe(roots, references)
        made = []
        todo = plan(references, holders, predicted, build, made)
    except BaseException:
        build.__exit__()
        raise
    report = {}

    def close():
        report["log"] = build.log_text()
        build.__exit__()

    def result():
        outcome = made[0] if made else predicted
        return {"image": {} if todo and check_mode else inspected(roots, references[0]), "id": outcome.id,
                "steps": [step.to_json() for step in outcome.steps], "pulled": outcome.pulls,
                "log": report.get("log") or build.log_text() if not check_mode else ""}

    outcome = Outcome(result, todo, lambda: bool(made) and any(holder != made[0].id for holder in holders), close=close)
    # the very list: the build itself adds to it
    outcome.warnings = build.warnings
    if check_mode:
        close()
    return outcome


def _references(params):
    found = [named_reference(params["name"], params["tag"])]
    for each in params["tags"] or ():
        # "1.2" is another tag of the same name, "other:1.2" another name
        plain = ":" not in each and "/" not in each
        found.append(named_reference(found[0].name if plain else each, each if plain else params["tag"]))
    return list(dict.fromkeys(found))


def settings(params):
    """The Settings of a module's parameters."""
    args = _strings(params["args"], "args")
    return Settings(
        source=_source(params),
        dockerfile=params["dockerfile"],
        inline=params["dockerfile_inline"],
        args=args,
        target=params["target"],
        platform=params["platform"],
        labels=_strings(params["labels"], "labels"),
        contexts=_strings(params["contexts"], "contexts"),
        secrets=_secrets(params),
        ssh=dict(agent_socket(each, "ssh") for each in params["ssh"] or ()),
        network=params["network"],
        allow=tuple(params["allow"] or ()),
        etc_hosts=_strings(params["etc_hosts"], "etc_hosts"),
        shm_size=shm_size(params["shm_size"]),
        pull=params["pull"],
        no_cache=params["nocache"],
        cache_from=tuple(params["cache_from"] or ()),
        squash=params["squash"],
        registry=registry_options(params),
        fetch=FetchOptions(params["validate_certs"], params["ca_path"], params["timeout"]),
        epoch=source_date_epoch(args, "args.SOURCE_DATE_EPOCH"))


def _source(params):
    if params["path"] is None and params["dockerfile_inline"] is None:
        raise InvalidValue("path", None, "is needed", "give path, or a Dockerfile without context in dockerfile_inline")
    if params["dockerfile_inline"] is not None and params["dockerfile"] is not None:
        raise InvalidValue("dockerfile", params["dockerfile"], "goes not with dockerfile_inline", "leave one of them out")
    return params["path"] if params["path"] is not None else params["dockerfile_inline"].encode()


def _strings(value, option):
    found = {}
    for key, each in (value or {}).items():
        if isinstance(each, (dict, list)):
            raise InvalidValue("%s.%s" % (option, key), each, "is not a string", "put quotes around it")
        found[str(key)] = "" if each is None else str(each)
    return found


def _secrets(params):
    found = {}
    for each in params["secrets"] or ():
        if each["type"] == "value":
            found[each["id"]] = each["value"].encode()
        elif each["type"] == "env":
            if each["env"] not in os.environ:
                raise InvalidValue("secrets.env", each["env"], "is not in the environment of the task on the host",
                                   "set it with environment")
            found[each["id"]] = os.environb[os.fsencode(each["env"])]
        else:
            try:
                with open(each["src"], "rb") as stream:
                    found[each["id"]] = stream.read()
            except OSError as error:
                raise InvalidValue("secrets.src", each["src"], "cannot be read: %s" % error.strerror.lower(),
                                   "the file must be on the host") from None
    return found
