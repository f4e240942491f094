#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   scripts/demo.sh run      playbooks/demo.yml twice; fails unless the second run changes nothing
#   scripts/demo.sh clean    playbooks/demo_clean.yml; fails if the host is not as it was before
set -euo pipefail
cd "$(dirname "$0")/.."

CHECKOUT=$PWD
DEMO=$CHECKOUT/.cache/demo
ROOT=/var/lib/agentless-demo
STATE_ROOT=$ROOT/engine
# The ports of a demo that is there, wherever it was started from.
PORTS=$ROOT/ports.json
export ANSIBLE_COLLECTIONS_PATH=$CHECKOUT/.cache/collections ANSIBLE_LOCALHOST_WARNING=0
export ANSIBLE_PIPELINING=1 ANSIBLE_INVENTORY_UNPARSED_WARNING=0 ANSIBLE_DISPLAY_SKIPPED_HOSTS=0 LC_ALL=C.UTF-8
export PATH=$CHECKOUT/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

if [ "$(id -u)" -ne 0 ]; then
    echo "demo: it makes containers and needs root" >&2
    exit 1
fi
mkdir -p "$DEMO" "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/agentless"
ln -sfn "$CHECKOUT" "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/agentless/containers"

# The first of $2 ports from $1 on that nobody listens on.
free_ports() {
    local first=$1 count=$2
    while [ -n "$(ss --no-header --listening --tcp --numeric "sport >= :$first and sport < :$((first + count))")" ]; do
        first=$((first + count))
    done
    echo "$first"
}

play() {
    ansible-playbook -i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3 -e "@$PORTS" "playbooks/$1"
}

changed() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | sed -n 's/^localhost *:.* changed=\([0-9]*\) .*/\1/p'
}

run() {
    # A demo that is there already keeps its ports.
    if [ ! -f "$PORTS" ]; then
        mkdir -p "$ROOT"
        python scripts/integration.py --observe "$STATE_ROOT" | LC_ALL=C sort >"$ROOT/before"
        echo "{\"demo_registry_port\": $(free_ports 5050 1), \"demo_first_port\": $(free_ports 18080 3)}" >"$PORTS"
    fi
    play demo.yml | tee "$DEMO/first.log"
    echo
    echo "demo: running the playbook again; nothing should change"
    play demo.yml >"$DEMO/second.log" || {
        cat "$DEMO/second.log"
        exit 1
    }
    local count
    count=$(changed "$DEMO/second.log")
    echo
    sed -n '/^TASK \[Show what was made\]/,/^PLAY RECAP/s/^        "\(.*\)",\{0,1\}$/\1/p' "$DEMO/second.log"
    echo
    echo "demo: first run changed=$(changed "$DEMO/first.log"), second run changed=$count"
    if [ "$count" != 0 ]; then
        echo "demo: the second run should have changed nothing:" >&2
        grep -B3 '^changed:' "$DEMO/second.log" >&2
        exit 1
    fi
}

clean() {
    rm -f "$DEMO/before"
    # The play removes these two with everything else.
    [ ! -f "$PORTS" ] || cp "$PORTS" "$DEMO/ports.json"
    [ ! -f "$ROOT/before" ] || cp "$ROOT/before" "$DEMO/before"
    PORTS=$DEMO/ports.json
    [ -f "$PORTS" ] || echo '{}' >"$PORTS"
    play demo_clean.yml >"$DEMO/clean.log" || {
        cat "$DEMO/clean.log"
        exit 1
    }
    if [ -f "$DEMO/before" ]; then
        python scripts/integration.py --observe "$STATE_ROOT" | LC_ALL=C sort >"$DEMO/after"
        if LC_ALL=C comm -13 "$DEMO/before" "$DEMO/after" | grep .; then
            echo "demo: the lines above were not there before the demo" >&2
            exit 1
        fi
        echo "demo: mounts, links, nftables tables, cgroups and processes are as before"
    fi
    rm -rf "$DEMO"
}

"$1"
