#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes .cache/bench/pull/debian.tar: a real Debian root of about 230 MB and 7,000 files, from the mirror that apt uses on this host.
# Kept as long as this file is the same.
set -euo pipefail
cd "$(dirname "$0")/.."

DIRECTORY=$PWD/.cache/bench/pull
KEY=$(sha256sum "$0" | cut -d ' ' -f 1)
[ "$(cat "$DIRECTORY/debian.key" 2>/dev/null)" = "$KEY" ] && exit 0

mkdir -p "$DIRECTORY"
WORK=$(mktemp -d "$DIRECTORY/root.XXXXXX")
cleanup() {
    { grep -o " $WORK/[^ ]*" /proc/self/mounts || true; } | tac | while read -r mount; do umount "$mount"; done
    rm -rf --one-file-system "$WORK"
}
trap cleanup EXIT

debootstrap --variant=minbase --include=ca-certificates,curl,git,iproute2,libicu72,openssl,procps,python3-minimal \
    bookworm "$WORK" >"$DIRECTORY/debootstrap.log" 2>&1
rm -rf "$WORK"/var/cache/apt/archives/*.deb "$WORK"/var/cache/apt/*.bin "$WORK"/var/lib/apt/lists/* "$WORK"/usr/share/{man,locale}/*
tar --create --file "$DIRECTORY/debian.tar.new" --directory "$WORK" --numeric-owner --sort=name --exclude='./dev/*' --exclude='./proc/*' \
    --exclude='./sys/*' .
mv "$DIRECTORY/debian.tar.new" "$DIRECTORY/debian.tar"
gzip -6 --no-name --stdout "$DIRECTORY/debian.tar" >"$DIRECTORY/debian.tar.gz"
find "$WORK" -type f | wc -l >"$DIRECTORY/debian.files"
echo "$KEY" >"$DIRECTORY/debian.key"
