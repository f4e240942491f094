# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules share. Each has its text in plugins/doc_fragments/."""

from __future__ import annotations

COMMON = {
    "state_root": {"type": "path", "default": "/var/lib/agentless"},
}

REGISTRY = {
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "plain_http": {"type": "bool"},
    "timeout": {"type": "int", "default": 60},
    "registry_mirrors": {"type": "dict"},
}
