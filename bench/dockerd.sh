#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs Debian's dockerd with a data root and a network namespace of its own (it sets the policy of FORWARD to DROP, and must not do so on
# the host), writes its socket's path to $1/ready, and takes all of it away when it is stopped by SIGTERM.
#
#   bench/dockerd.sh DIRECTORY
set -euo pipefail

WORK=$1
NAMESPACE=agentless-bench-docker
mkdir -p "$WORK"
rm -f "$WORK/ready"

HAD_NETNS=$(grep ' /run/netns ' /proc/self/mounts || true)

finish() {
    if [ -n "${DAEMON:-}" ]; then
        kill "$DAEMON" 2>/dev/null || true
        wait "$DAEMON" 2>/dev/null || true
    fi
    { grep -o " $WORK/[^ ]*" /proc/self/mounts || true; } | tac | while read -r mount; do umount "$mount" 2>/dev/null || true; done
    ip netns delete "$NAMESPACE" 2>/dev/null || true
    # The first "ip netns add" on a machine makes /run/netns a mount of its own.
    [ -n "$HAD_NETNS" ] || [ -n "$(ls -A /run/netns 2>/dev/null)" ] || umount /run/netns 2>/dev/null || true
    find /sys/fs/cgroup -depth -type d -path "*/$NAMESPACE*" -exec rmdir {} \; 2>/dev/null || true
    rm -rf --one-file-system "$WORK"
}
trap finish EXIT
trap 'exit 0' TERM INT

ip netns add "$NAMESPACE"
ip -n "$NAMESPACE" link set lo up
# "ip netns exec" would give dockerd a mount namespace whose /sys lacks the cgroups; nsenter changes the network namespace alone.
nsenter --net="/run/netns/$NAMESPACE" /usr/sbin/dockerd --data-root "$WORK/data" --exec-root "$WORK/exec" --pidfile "$WORK/dockerd.pid" \
    --cgroup-parent "$NAMESPACE" -H "unix://$WORK/docker.sock" >"$WORK/dockerd.log" 2>&1 &
DAEMON=$!
for _ in $(seq 150); do
    if [ -S "$WORK/docker.sock" ] && /usr/bin/docker -H "unix://$WORK/docker.sock" version >/dev/null 2>&1; then
        echo "$WORK/docker.sock" >"$WORK/ready"
        break
    fi
    kill -0 "$DAEMON"
    sleep 0.2
done
wait "$DAEMON"
