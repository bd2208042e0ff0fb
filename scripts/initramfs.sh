#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pack a directory into an initramfs, bit for bit the same for the same
# contents: initramfs.sh TREE OUT
#
# Sorted names, owner 0:0, times 0, inode and device numbers of its own, modes
# 755 or 644. TREE's times and modes are overwritten.
set -eu
export LC_ALL=C

tree=$1 out=$2
chmod -R u=rwX,go=rX "$tree"
find "$tree" -exec touch -h -d @0 {} +
(cd "$tree" && find . -print0 | sort -z |
	cpio --quiet --null --create --format=newc --reproducible \
		--owner=0:0) >"$out.tmp"
mv "$out.tmp" "$out"
