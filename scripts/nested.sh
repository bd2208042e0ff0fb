# SPDX-License-Identifier: Apache-2.0
# The nested lane: a Debian kernel under QEMU's TCG that has a true kvm_amd.
# A library to be sourced; needs BUILD, SCRIPTS (this folder), and BUILD/linux
# from linux.sh.
#
#   nested_tree TREE        lay out L1's root: busybox, modules, /init
#   nested_binary TREE FILE put a host program there, with its libraries
#   nested_boot BASE DIR QEMU_ARGUMENT...
#                           become the outer QEMU; it boots the archive BASE
#                           followed by DIR/tree, where DIR/tree/job is the
#                           shell script for L1 to run. L1's console goes to
#                           DIR/console.log
#
#   nested_run BASE DIR QEMU_ARGUMENT...
#                           nested_boot as a command; the job writes its exit
#                           status to the port "status", and it is returned
#
# Why these flags: with the interrupt bug of QEMU's vmrun only a single TCG
# thread, one L1 CPU and no icount ran without a hang under load; AVX and
# XSAVE state of nested guests gets corrupted; ERMS makes icount lie; vgif and
# la57 are slow. `-cpu max` otherwise.
#
# NESTED_LINUX is L1's kernel, a directory as BUILD/linux is, but that it needs
# no vmlinux, and that modules/order may name others. Guests have BUILD/linux's.
# Linux 7.2 as L1 ends many guests by an internal error of suberror 3 at an MMIO
# exit: QEMU leaves the type of an exception that was delivered in EXITINTINFO,
# without V, and this kvm_amd does not look at V.

NESTED_CPU=max,-erms,-vgif,-la57,-xsave,-avx,+svm,+npt

nested_tree() {
	mkdir -p "$1/bin" "$1/dev" "$1/proc" "$1/sys" "$1/tmp" "$1/lib/modules"
	cp "$(command -v busybox)" "$1/bin/busybox"
	ln -sf busybox "$1/bin/sh"
	cp "${NESTED_LINUX:-$BUILD/linux}"/modules/* "$1/lib/modules/"
	cp "$SCRIPTS/nested-init" "$1/init"
	chmod 755 "$1/init" "$1/bin/busybox"
}

nested_binary() {
	mkdir -p "$1/usr/bin"
	cp "$2" "$1/usr/bin/"
	ldd "$2" | sed -n 's/.*[ \t]\(\/[^ ]*\) (0x.*/\1/p' |
	while read -r nested_lib; do
		mkdir -p "$1${nested_lib%/*}"
		cp -L "$nested_lib" "$1$nested_lib"
	done
}

# This QEMU also loses an L1 interrupt now and then under load: the LAPIC has it
# pending, the halted CPU is not told, and L1 sleeps for ever. The next
# interrupt from outside wakes it. So somebody pokes it, by a byte into a port,
# as long as the process with our id lives, which will be QEMU's.
nested_poke() {
	rm -f "$1/poke"
	mkfifo "$1/poke"
	nested_pid=$(exec sh -c 'echo $PPID')
	(
		while kill -0 "$nested_pid"; do
			sleep 0.5
			echo
		done 1<>"$1/poke"
	) </dev/null >/dev/null 2>&1 &
}

# NESTED_MEMORY (MiB) and NESTED_ICOUNT may be set. The kernel
# unpacks archives that follow one another, so what differs from boot to boot
# is a small second one.
nested_boot() {
	nested_base=$1 nested_dir=$2
	shift 2
	"$SCRIPTS/initramfs.sh" "$nested_dir/tree" "$nested_dir/job.cpio"
	cat "$nested_base" "$nested_dir/job.cpio" >"$nested_dir/initrd"
	if [ -z "${NESTED_ICOUNT:-}" ]; then
		nested_poke "$nested_dir"
		set -- "$@" -chardev "pipe,id=poke,path=$nested_dir/poke" \
			-device virtserialport,chardev=poke,name=poke
	fi
	exec ${NESTED_QEMU:-qemu-system-x86_64} -M q35 \
		-accel tcg,thread=single ${NESTED_ICOUNT:+-icount "$NESTED_ICOUNT"} \
		-cpu "$NESTED_CPU" -smp 1 -m "${NESTED_MEMORY:-2048}" \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "${NESTED_LINUX:-$BUILD/linux}/vmlinuz" -initrd "$nested_dir/initrd" \
		-append "console=ttyS0 quiet panic=-1" \
		-serial "file:$nested_dir/console.log" \
		-device virtio-serial-pci "$@"
}

nested_run() {
	nested_status=$2/status
	(nested_boot "$@" -chardev "file,id=status,path=$nested_status" \
		-device virtserialport,chardev=status,name=status) ||
		{ echo "nested: QEMU failed" >&2; return 1; }
	if [ ! -s "$nested_status" ]; then
		echo "nested: ended without a status; see $2/console.log" >&2
		return 1
	fi
	return "$(cat "$nested_status")"
}
