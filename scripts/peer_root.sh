#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A root file system with builders that know the newest Dockerfiles: dockerd with its BuildKit, and buildah, of Debian's testing suite, under
# .cache/peers/root. Those of Debian 12 know neither here-documents nor --link, --parents and --exclude. tests/peers/test_dockerfiles.py
# compares with them. Made once; 900 MB. Needs root and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."

SUITE=${PEER_SUITE:-forky}
MIRROR=${PEER_MIRROR:-http://deb.debian.org/debian}
ROOT=$PWD/.cache/peers/root

if [ -f "$ROOT/.complete" ]; then
    exit 0
fi
rm -rf --one-file-system "$ROOT" "$ROOT.new"
mkdir -p "$(dirname "$ROOT")"
if ! debootstrap --variant=minbase --include=docker.io,docker-cli,docker-buildx,buildah,netavark,ca-certificates,git,xz-utils,zstd,bzip2 "$SUITE" "$ROOT.new" "$MIRROR" \
    /usr/share/debootstrap/scripts/sid >"$ROOT.log" 2>&1; then
    tail -n 20 "$ROOT.log" >&2
    echo "peers: debootstrap failed; see $ROOT.log" >&2
    exit 1
fi
rm -rf "$ROOT.new/var/cache/apt/archives" "$ROOT.new/var/lib/apt/lists"
touch "$ROOT.new/.complete"
mv "$ROOT.new" "$ROOT"
echo "peers: $(chroot "$ROOT" dockerd --version), $(chroot "$ROOT" buildah --version)"
