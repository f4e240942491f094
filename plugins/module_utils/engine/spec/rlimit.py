# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One resource limit of a process, as the OCI runtime specification has it (config.md, "POSIX process")."""

from __future__ import annotations

from .document import Document, document


@document
class Rlimit(Document):
    """``type`` as RLIMIT_NOFILE; ``soft`` and ``hard`` in the resource's own unit, -1 for no limit (2**64-1 in the JSON)."""

    type: str
    soft: int
    hard: int

    @classmethod
    def from_json(cls, data):
        return cls(data["type"], *(-1 if data[key] >= 2**64 - 1 else data[key] for key in ("soft", "hard")))

    def to_json(self):
        return {"type": self.type, "soft": self.soft % 2**64, "hard": self.hard % 2**64}
