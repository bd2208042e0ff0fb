#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A small ext4 image of host programs with their libraries, for Linux guests
# that test disks and networks: tools-image.sh OUT
#
# To be mounted read-only; `chroot` into it, or run its loader. Needs the
# programs; no root.
set -eu

SCRIPTS=$(cd "$(dirname "$0")" && pwd)
out=$1
PATH=$PATH:/usr/sbin:/sbin

. "$SCRIPTS/nested.sh"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
tree=$work/tree
mkdir -p "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/mnt" \
	"$tree/etc"
# tcpdump and passt look for the user they are to be
echo 'root:x:0:0:root:/:/bin/sh' >"$tree/etc/passwd"
echo 'root:x:0:' >"$tree/etc/group"
for tool in fio mke2fs e2fsck fstrim fallocate blkdiscard iperf3 socat \
	passt tcpdump; do
	nested_binary "$tree" "$(command -v $tool)"
done
strip "$tree"/lib/*/*.so* "$tree"/usr/lib/*/*.so* 2>/dev/null || true
size=$(du -sk "$tree" | cut -f 1)
mkdir -p "$(dirname "$out")"
rm -f "$out.tmp"
mke2fs -q -F -t ext4 -O ^has_journal -d "$tree" "$out.tmp" $((size + size / 8 + 4096))k >/dev/null
mv "$out.tmp" "$out"
