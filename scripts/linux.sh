#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetch Debian's cloud kernel and lay it out in BUILD/linux: linux.sh BUILD
#
#   vmlinuz    the bzImage as Debian ships it
#   vmlinux    its payload, an ELF64
#   modules/   the modules named below, flat
#   release    its version; written last, so its presence means "complete"
#
# Nothing is installed and root is not needed: the package is only unpacked.
# LINUX_DEB=FILE takes that package instead of fetching one.
set -eu

# A module comes after those it needs: this is the order to load them in.
MODULES="irqbypass kvm kvm-amd virtio_ring virtio virtio_pci_modern_dev
	virtio_pci_legacy_dev virtio_pci virtio_console virtio_mmio virtio_blk
	failover net_failover virtio_net tun llc stp bridge vsock
	vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport"

build=$1
out=$build/linux
# Complete, and not from before a module was added?
[ ! -e "$out/release" ] ||
	[ "$(cat "$out/modules/order")" != "$(printf '%s\n' $MODULES)" ] || exit 0

say() { echo "linux: $*" >&2; }
die() { say "$*"; exit 1; }

# The package that the meta package depends on today.
package_name() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}

# Package lists may be absent (a fresh container), or name what is gone.
update_lists() {
	say "fetching package lists"
	root=
	[ "$(id -u)" -eq 0 ] || root=sudo
	$root apt-get -qq update </dev/null >&2
}

download() {
	name=$(package_name)
	[ -n "$name" ] || return 1
	say "fetching $name"
	(cd "$work" && apt-get -qq download "$name" 2>apt.log)
}

fetch() {
	download || { update_lists && download; } ||
		die "no kernel package: $(cat "$work/apt.log" 2>/dev/null)"
	deb=$(echo "$work"/*.deb)
}

# A little-endian number of $3 bytes at offset $2 of file $1.
number() { od -An -v -j "$2" -N "$3" -t "u$3" "$1" | tr -d ' '; }

# Linux boot.rst: payload_offset counts from the protected-mode code, which
# follows the boot sector and setup_sects more; the payload ends in four bytes
# of its unpacked size, which are not part of the LZ4 stream.
unpack_payload() {
	sectors=$(number "$1" 497 1)
	offset=$(number "$1" 584 4)
	length=$(number "$1" 588 4)
	start=$(((sectors + 1) * 512 + offset))
	[ "$(number "$1" "$start" 4)" = 407642370 ] || # 02 21 4c 18
		die "$1: payload is not LZ4"
	tail -c +$((start + 1)) "$1" | head -c $((length - 4)) |
		lz4 -dc >"$2" || die "$1: payload does not unpack"
}

rm -rf "$out.tmp"
mkdir -p "$out.tmp/modules"
work=$(cd "$out.tmp" && pwd)
deb=${LINUX_DEB:-}
[ -n "$deb" ] || fetch
dpkg -x "$deb" "$work/root"

mv "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
unpack_payload "$work/vmlinuz" "$work/vmlinux"
for module in $MODULES; do
	found=$(find "$work/root" -name "$module.ko")
	[ -n "$found" ] || die "the package has no module $module"
	mv "$found" "$work/modules/"
	echo "$module" >>"$work/modules/order"
done
release=$(ls "$work/root/lib/modules")
rm -rf "$work/root" "$work"/*.deb "$work/apt.log"
rm -rf "$out"
mv "$work" "$out"
echo "$release" >"$out/release"
