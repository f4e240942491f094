# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that modules which make images share: the defaults that containers of the image take. Their text is in doc_fragments/image.py."""

from __future__ import annotations

import os

from ..engine.errors import InvalidValue
from ..engine.image import changes
from ..engine.spec.image import parse_platform, platform_of

CONFIG = {
    "cmd": {"type": "raw", "aliases": ["command"]},
    "entrypoint": {"type": "raw"},
    "env": {"type": "dict"},
    "exposed_ports": {"type": "list", "elements": "str", "aliases": ["exposed", "expose"]},
    "labels": {"type": "dict"},
    "workdir": {"type": "str", "aliases": ["working_dir"]},
    "user": {"type": "str"},
    "volumes": {"type": "list", "elements": "str"},
    "healthcheck": {"type": "dict", "options": {
        "test": {"type": "raw"},
        "interval": {"type": "str"},
        "timeout": {"type": "str"},
        "start_period": {"type": "str"},
        "start_interval": {"type": "str"},
        "retries": {"type": "int"},
    }},
    "stop_signal": {"type": "str"},
    "changes": {"type": "list", "elements": "str"},
    "platform": {"type": "str"},
}


def parsed_changes(params):
    """The Changes of a module's parameters, or the LineChanges if there are lines of a Dockerfile among them."""
    options = changes.parse(params)
    if not params["changes"]:
        return options
    from ..engine.build import lines

    return lines.read(params["changes"], options)


def platform(params):
    """The Platform that an image is for: this host's unless told otherwise."""
    if params["platform"] is None:
        return platform_of(os.uname().machine)
    found = parse_platform(params["platform"])
    if found is None:
        raise InvalidValue("platform", params["platform"], "is not a platform", "write it as linux/amd64 or linux/arm64/v8")
    return found
