#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The pages of modules and roles, and the changelog fragments.
set -euo pipefail
cd "$(dirname "$0")/.."

CHECKOUT=$PWD
TREE=$CHECKOUT/.cache/docs/ansible_collections/agentless/containers
PATH=$CHECKOUT/.venv/bin:$PATH
export PATH LC_ALL=C.UTF-8

./scripts/export.sh "$TREE"
antsibull-changelog lint
cd "$TREE"
antsibull-docs lint-collection-docs --plugin-docs .
echo "docs-lint: passed"
