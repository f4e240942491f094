# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specification of module image_build: apart, so that it is read before anything of the engine is imported."""

from __future__ import annotations

from .argspec import REGISTRY

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "tags": {"type": "list", "elements": "str"},
    "path": {"type": "str"},
    "dockerfile": {"type": "str"},
    "dockerfile_inline": {"type": "str"},
    "contexts": {"type": "dict"},
    "args": {"type": "dict"},
    "target": {"type": "str"},
    "platform": {"type": "str"},
    "labels": {"type": "dict"},
    "pull": {"type": "bool", "default": False},
    "nocache": {"type": "bool", "default": False, "aliases": ["no_cache"]},
    "cache_from": {"type": "list", "elements": "str"},
    "network": {"type": "str", "default": "default", "choices": ["default", "host", "none"]},
    "etc_hosts": {"type": "dict"},
    "shm_size": {"type": "str"},
    "secrets": {"type": "list", "elements": "dict", "no_log": False, "options": {
        "id": {"type": "str", "required": True},
        "type": {"type": "str", "default": "file", "choices": ["file", "env", "value"]},
        "src": {"type": "path"},
        "env": {"type": "str"},
        "value": {"type": "str", "no_log": True},
    }, "required_if": [("type", "file", ["src"]), ("type", "env", ["env"]), ("type", "value", ["value"])]},
    "ssh": {"type": "list", "elements": "str"},
    "allow": {"type": "list", "elements": "str", "choices": ["network.host", "security.insecure"]},
    "squash": {"type": "bool", "default": False},
    **REGISTRY,
}
