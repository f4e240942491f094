#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs kernel tests in a virtual machine whose only control groups are version 2, with Debian's cloud kernel: for hosts that have version 1.
#
#     tests/lab/cgroup2.sh [PYTEST ARGUMENTS]        default: tests/kernel/test_{cgroup,devices,security}.py
#
# Needs root, and the packages qemu-system-x86, debootstrap and cpio. The machine is slow (no KVM): half a minute for the default.
# Everything is made once under .cache/lab/cgroup2; the root file system is unpacked into memory, so no disk driver is needed.

set -euo pipefail
cd "$(dirname "$0")/../.."

CHECKOUT=$PWD
LAB=$CHECKOUT/.cache/lab/cgroup2
TESTS=${*:-tests/kernel/test_cgroup.py tests/kernel/test_devices.py tests/kernel/test_security.py}

for command in qemu-system-x86_64 debootstrap cpio; do
    command -v "$command" >/dev/null || { echo "$command is missing: apt install qemu-system-x86 debootstrap cpio" >&2; exit 1; }
done
mkdir -p "$LAB"

if [ ! -e "$LAB/root.done" ]; then
    rm -rf "$LAB/root"
    debootstrap --variant=minbase --include=python3,python3-pytest,libseccomp2 bookworm "$LAB/root" >"$LAB/debootstrap.log"
    rm -rf "$LAB"/root/var/cache/apt "$LAB"/root/var/lib/apt/lists "$LAB"/root/usr/share/{doc,man,locale}
    touch "$LAB/root.done"
fi
if ! ls "$LAB"/kernel/boot/vmlinuz-* >/dev/null 2>&1; then
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
    (cd "$LAB" && rm -f ./*.deb && apt-get download -q "$package" >/dev/null 2>&1 && dpkg-deb -x ./*.deb kernel)
fi

rm -rf "$LAB/root/src"
mkdir -p "$LAB/root/src"
cp -r plugins tests galaxy.yml "$LAB/root/src/"
find "$LAB/root/src" -name __pycache__ -prune -exec rm -rf {} +
cat >"$LAB/root/init" <<-INIT
	#!/bin/sh
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	mount -t tmpfs tmp /tmp
	mount -t cgroup2 none /sys/fs/cgroup
	cd /src
	python3 -m pytest -q --color=no -rs -p no:cacheprovider --disable-warnings --import-mode=importlib -c /dev/null --rootdir /src $TESTS
	echo "tests ended with \$?"
	echo o >/proc/sysrq-trigger
	sleep 10
INIT
chmod 0755 "$LAB/root/init"
(cd "$LAB/root" && find . -path './proc/*' -prune -o -print0 | cpio --quiet --null -o -H newc >"$LAB/root.cpio")

timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -m 2048 -smp 2 -nographic -no-reboot \
    -kernel "$(ls "$LAB"/kernel/boot/vmlinuz-*)" -initrd "$LAB/root.cpio" \
    -append "console=ttyS0 quiet panic=1 rdinit=/init" </dev/null | tr -d '\r' >"$LAB/console.log"
sed -n '/^Booting from ROM/,$p' "$LAB/console.log" | tail -n +2
grep -q "^tests ended with 0" "$LAB/console.log"
