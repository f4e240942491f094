#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the comparison needs: Debian's docker.io and python3-requests, and the community.docker collection out of PyPI's "ansible" package.
set -euo pipefail
cd "$(dirname "$0")/.."

DESTINATION=.cache/bench/collections
missing=()
for package in docker.io python3-requests; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    # The daemon is started by hand, so its units stay off while the package comes.
    [ ! -d /run/systemd/system ] || systemctl mask --quiet docker.service docker.socket containerd.service
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    if [ -d /run/systemd/system ]; then
        systemctl unmask --quiet docker.service docker.socket containerd.service
        systemctl disable --quiet docker.service docker.socket containerd.service || true
    fi
fi
if [ ! -d "$DESTINATION/ansible_collections/community/docker" ]; then
    mkdir -p .cache/bench/wheels
    # Only collections are taken out of it, so the Python version that its metadata asks for does not matter.
    .venv/bin/python -m pip download --quiet --no-deps --python-version 3.12 --only-binary=:all: --dest .cache/bench/wheels 'ansible==13.8.0' \
        2>&1 | { grep -v '^WARNING: Location' || true; }
    .venv/bin/python - "$DESTINATION" <<-'EOF'
	import glob, sys, zipfile
	with zipfile.ZipFile(glob.glob(".cache/bench/wheels/ansible-13.8.0-*.whl")[0]) as wheel:
	    wanted = ("ansible_collections/community/docker/", "ansible_collections/community/library_inventory_filtering_v1/")
	    wheel.extractall(sys.argv[1], [name for name in wheel.namelist() if name.startswith(wanted)])
	EOF
fi
