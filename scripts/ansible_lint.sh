#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-lint with its strictest profile, on an exported copy that lies in a collections tree, so that names resolve to this checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

CHECKOUT=$PWD
LINT=$CHECKOUT/.cache/lint
TREE=$LINT/ansible_collections/agentless/containers
PATH=$CHECKOUT/.venv/bin:$PATH
export PATH LC_ALL=C.UTF-8

./scripts/export.sh "$TREE"
cd "$TREE"
export HOME=$LINT/home ANSIBLE_HOME=$LINT/home/.ansible ANSIBLE_COLLECTIONS_PATH=$LINT
mkdir -p "$HOME"
exec ansible-lint --offline --profile production --nocolor "$@"
