#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# All measurements, one after the other. Nothing else should be running: they compare, but they compare seconds.
#
#   bench/run.sh [noop_task] [start_twenty] [supervisor_memory] [image_pull] [image_build]
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- noop_task start_twenty supervisor_memory image_pull image_build
for name in "$@"; do
    .venv/bin/python "bench/$name.py"
done
