# SPDX-License-Identifier: Apache-2.0
# Initramfs of the small Linux guests. A library to be sourced.
#
#   guest_tree TREE SCRIPTS    lay out busybox and /init
#   guest_command INITRD TEXT  print INITRD followed by a second archive whose
#                              /command is TEXT (the kernel unpacks both)
#
# guest_command runs in both lanes, so it must suit busybox and GNU cpio.

guest_tree() {
	mkdir -p "$1/bin" "$1/dev" "$1/proc" "$1/sys" "$1/tmp"
	cp "$(command -v busybox)" "$1/bin/busybox"
	ln -sf busybox "$1/bin/sh"
	cp "$2/guest-init" "$1/init"
	chmod 755 "$1/init" "$1/bin/busybox"
}

guest_command() {
	guest_tmp=$(mktemp -d)
	printf '%s\n' "$2" >"$guest_tmp/command"
	cat "$1"
	(cd "$guest_tmp" && echo command | cpio -o -H newc 2>/dev/null)
	rm -r "$guest_tmp"
}
