#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Copies the checkout's files (tracked and new, not the ignored ones) to the directory $1, which becomes a git repository of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

TREE=$1
mkdir -p "$TREE"
# tests/output holds ansible-test's virtual environments, which the next run uses again.
find "$TREE" -mindepth 1 -maxdepth 1 ! -name tests -exec rm -rf {} +
[ ! -d "$TREE/tests" ] || find "$TREE/tests" -mindepth 1 -maxdepth 1 ! -name output -exec rm -rf {} +
git ls-files --cached --others --exclude-standard -z \
    | while IFS= read -r -d '' path; do
        # A file that was deleted and not yet committed is still listed.
        [ ! -e "$path" ] && [ ! -L "$path" ] || printf '%s\0' "$path"
    done \
    | tar --create --null --files-from=- | tar --extract --directory "$TREE"
# Tools walk up to the next repository to learn which files count, and this checkout ignores .cache.
git -C "$TREE" init --quiet
