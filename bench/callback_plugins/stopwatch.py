# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each task took, as one JSON line a task in the file named by STOPWATCH. A loop counts as one task."""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stopwatch
type: aggregate
short_description: writes the duration of each task to a file
description: Writes the duration of each task to the file named by the environment variable STOPWATCH.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "stopwatch"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.name = None
        self.start = 0.0

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._end()
        self.name, self.start = task.get_name(), time.monotonic()

    v2_playbook_on_cleanup_task_start = v2_playbook_on_task_start

    def v2_playbook_on_play_start(self, play):
        self._end()

    def v2_playbook_on_stats(self, stats):
        self._end()

    def _end(self):
        if self.name is not None:
            with open(os.environ["STOPWATCH"], "a", encoding="utf-8") as stream:
                stream.write(json.dumps({"task": self.name, "seconds": time.monotonic() - self.start}) + "\n")
        self.name = None
