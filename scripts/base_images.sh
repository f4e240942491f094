#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Root file systems for demos and tests, as tar archives under .cache/images:
#   busybox.tar   /bin/busybox of Debian's busybox-static with a link for each applet
#   debian.tar    debootstrap --variant=minbase with nginx-light and busybox in it, from the mirror that apt uses on this host
# A base image cannot be pulled here and there without an account or a network; these can always be made.
set -euo pipefail
cd "$(dirname "$0")/.."

CACHE=$PWD/.cache/images
WORK=

say() { echo "images: $*"; }

cleanup() {
    if [ -n "$WORK" ]; then
        # debootstrap unmounts what it mounts; after a failure it may not have.
        { grep -o " $WORK/[^ ]*" /proc/self/mounts || true; } | tac | while read -r mount; do umount "$mount"; done
        rm -rf --one-file-system "$WORK"
    fi
}
trap cleanup EXIT

# An archive is kept as long as its recipe (this file and the suite) is the same.
is_fresh() { [ -s "$CACHE/$1.tar" ] && [ "$(cat "$CACHE/$1.key" 2>/dev/null)" = "$2" ]; }

pack() {
    local name=$1 root=$2 key=$3
    tar --create --file "$CACHE/$name.tar.new" --directory "$root" --numeric-owner --sort=name --exclude='./dev/*' --exclude='./proc/*' \
        --exclude='./sys/*' .
    mv "$CACHE/$name.tar.new" "$CACHE/$name.tar"
    echo "$key" >"$CACHE/$name.key"
    say "$name.tar $(du -h "$CACHE/$name.tar" | cut -f1)"
}

accounts() {
    cat >"$1/etc/passwd" <<-EOF
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/nonexistent:/bin/false
	www-data:x:33:33:www-data:/var/www:/bin/false
	EOF
    printf 'root:x:0:\nnogroup:x:65534:\nwww-data:x:33:\n' >"$1/etc/group"
}

busybox_root() {
    local root=$1 applet binary
    binary=$(command -v busybox)
    mkdir -p "$root"/{bin,dev,etc,home,proc,root,run,sys,tmp,usr,var/www,var/tmp}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    chmod 0700 "$root/root"
    cp "$binary" "$root/bin/busybox"
    for applet in $("$binary" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
    done
    ln -s bin "$root/sbin"
    ln -s ../bin "$root/usr/bin"
    ln -s ../bin "$root/usr/sbin"
    accounts "$root"
}

# "http://deb.debian.org/debian/" for the suite that this host runs, whatever the format of its apt sources is.
apt_mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Component: main' \
        | awk -v suite="$1" '$1 == suite && $2 ~ /^https?:/ { print $2; exit }'
}

debian_root() {
    local root=$1 suite=$2 mirror components=main
    mirror=$(apt_mirror "$suite")
    [ "$DISTRIBUTION" = ubuntu ] && components=main,universe
    say "debootstrap of $suite from ${mirror:-its default mirror} (about a minute)"
    if ! debootstrap --variant=minbase --components="$components" --include=busybox,nginx-light "$suite" "$root" ${mirror:+"$mirror"} \
        >"$CACHE/debootstrap.log" 2>&1; then
        tail -5 "$CACHE/debootstrap.log" "$root/debootstrap/debootstrap.log" >&2 2>/dev/null || true
        say "debootstrap failed, see $CACHE/debootstrap.log" >&2
        exit 1
    fi
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale}/* \
        "$root"/var/log/*.log "$root"/var/log/apt/*
    : >"$root/etc/resolv.conf"
    rm -f "$root/etc/hostname"
}

# shellcheck source=/dev/null
. /etc/os-release
DISTRIBUTION=${ID:-debian}
SUITE=${VERSION_CODENAME:-bookworm}
RECIPE=$(sha256sum scripts/base_images.sh | cut -d' ' -f1)

mkdir -p "$CACHE"
if ! is_fresh busybox "$RECIPE"; then
    WORK=$(mktemp -d "$CACHE/work.XXXXXX")
    busybox_root "$WORK/root"
    pack busybox "$WORK/root" "$RECIPE"
    cleanup
    WORK=
fi
if ! is_fresh debian "$RECIPE $SUITE"; then
    if [ "$(id -u)" -ne 0 ]; then
        say "debian.tar is made by debootstrap: run 'make setup' as root once" >&2
        exit 1
    fi
    WORK=$(mktemp -d "$CACHE/work.XXXXXX")
    debian_root "$WORK/root" "$SUITE"
    pack debian "$WORK/root" "$RECIPE $SUITE"
    cleanup
    WORK=
fi
