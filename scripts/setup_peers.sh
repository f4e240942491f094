#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Debian's packages of the tools that tests/peers exchanges images with. None of their services is started: a test starts what it needs.
set -euo pipefail

PACKAGES=(buildah docker.io libcap2-bin podman skopeo umoci zstd)

missing=()
for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "setup_peers: packages are missing (${missing[*]}): run 'make test-peers' as root once" >&2
    exit 1
fi
echo "setup_peers: installing ${missing[*]}"
guard=()
if [ -d /run/systemd/system ]; then
    for unit in docker.service docker.socket podman.service podman.socket; do
        systemctl cat "$unit" >/dev/null 2>&1 || guard+=("$unit")
    done
    [ ${#guard[@]} -eq 0 ] || systemctl mask --quiet "${guard[@]}"
fi
unmask() { [ ${#guard[@]} -eq 0 ] || systemctl unmask --quiet "${guard[@]}"; }
trap unmask EXIT
install() { DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
if ! install; then
    echo "setup_peers: the package lists may be old: updating them and trying again"
    apt-get update -qq
    install
fi
