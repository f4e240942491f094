#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the given targets of the Makefile one after the other, also after a failure, and ends with their closing lines.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

mkdir -p .cache/logs
# Nothing else runs on the machine now: an integration target that leaves something behind fails.
export STRICT=1

SUMMARY=()
FAILED=0
for target in "$@"; do
    echo "=== $target"
    start=$SECONDS
    if make --no-print-directory "$target" 2>&1 | tee ".cache/logs/$target.log"; then
        result=passed
    else
        result=FAILED
        FAILED=1
    fi
    # The closing lines of pytest ("== 12 passed in 3.4s ==") and of the integration runner ("integration: 12 passed, 0 failed").
    closing=$(sed 's/\x1b\[[0-9;]*m//g' ".cache/logs/$target.log" | grep -E '^=+ .*(passed|failed|error).* in .*=+$|^integration: [0-9]+ passed' | tr '\n' ' ')
    SUMMARY+=("$(printf '%-18s %s in %4ds  %s' "$target" "$result" "$((SECONDS - start))" "$closing")")
done
echo "=== summary"
printf '%s\n' "${SUMMARY[@]}"
exit "$FAILED"
