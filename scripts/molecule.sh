#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The molecule scenario. Arguments go to "molecule test", or name another command first: scripts/molecule.sh converge
set -euo pipefail
cd "$(dirname "$0")/.."

CHECKOUT=$PWD
PATH=$CHECKOUT/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8
export AGENTLESS_COLLECTIONS=$CHECKOUT/.cache/collections AGENTLESS_IMAGES=$CHECKOUT/.cache/images
export AGENTLESS_STATE_ROOT=/var/lib/agentless-molecule
export ANSIBLE_HOME=$CHECKOUT/.cache/molecule ANSIBLE_COLLECTIONS_PATH=$AGENTLESS_COLLECTIONS
export MOLECULE_EPHEMERAL_DIRECTORY=$CHECKOUT/.cache/molecule/ephemeral

if [ "$(id -u)" -ne 0 ]; then
    echo "molecule: the scenario makes containers and needs root" >&2
    exit 1
fi
link=$AGENTLESS_COLLECTIONS/ansible_collections/agentless/containers
if [ ! -e "$link" ]; then
    mkdir -p "$(dirname "$link")"
    ln -sfn "$CHECKOUT" "$link"
fi
verb="test"
case "${1:-}" in
    "" | -*) ;;
    *)
        verb=$1
        shift
        ;;
esac
export NO_COLOR=1 ANSIBLE_NOCOLOR=1
exec molecule "$verb" --scenario-name default "$@"
