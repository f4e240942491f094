# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 ``pids``. The files are those of v1."""

from __future__ import annotations

from ..v1.pids import FIELDS, apply, read, usage

__all__ = ("FIELDS", "apply", "read", "usage")
