#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything that the other targets of the Makefile need: Debian packages, .venv, base images. Fast when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

PACKAGES=(
    busybox-static ca-certificates curl debootstrap docker-registry git iproute2 kmod libseccomp2
    nftables procps python3 python3-pyroute2 python3-venv shellcheck
)

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

install_packages() {
    local missing=() package
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        fail "packages are missing (${missing[*]}): run 'make setup' as root once"
    fi
    say "installing ${missing[*]}"
    # The registry's package starts a service on every address. Ours is started by its own command line on 127.0.0.1, so its unit is
    # masked while the package is installed and left disabled.
    local guard=""
    if [[ " ${missing[*]} " == *" docker-registry "* ]] && [ -d /run/systemd/system ]; then
        systemctl mask --quiet docker-registry.service
        guard=yes
    fi
    if ! apt-cache policy "${missing[@]}" | grep -q 'Candidate: [^(]'; then
        apt-get update -qq
    fi
    if ! DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        say "the package lists may be old: updating them and trying again"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
    if [ -n "$guard" ]; then
        systemctl unmask --quiet docker-registry.service
        systemctl disable --quiet docker-registry.service || true
    fi
}

choose_python() {
    local candidate
    for candidate in /usr/bin/python3 python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "ansible-core 2.19 needs Python 3.11 to 3.13 with its venv module; none was found"
}

make_venv() {
    local python key
    key=$(cat requirements/*.txt scripts/setup.sh | sha256sum | cut -d' ' -f1)
    if [ "$(cat .venv/.requirements 2>/dev/null)" = "$key" ] && .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    python=$(choose_python)
    say "making .venv with $python"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt -c requirements/constraints.txt 2>&1 \
        | { grep -v '^WARNING: Location' || true; }
    echo "$key" >.venv/.requirements
}

install_packages
make_venv
./scripts/base_images.sh
say "ready"
