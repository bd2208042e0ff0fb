#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make run-linux`: a shell in a stock Debian kernel on mote, directly where
# /dev/kvm runs kernels, else in the nested lane. Needs BUILD.
#
# A terminal goes through raw (Ctrl-] ends the VM) to a shell that prompts.
# Anything else is typed for you into one that does not, followed by the
# end-of-file key.
set -eu

SCRIPTS=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$BUILD" && pwd)
CMDLINE="console=ttyS0 quiet panic=-1"
MEMORY=256M

. "$SCRIPTS/lanes.sh"
. "$SCRIPTS/guest.sh"
. "$SCRIPTS/nested.sh"

"$SCRIPTS/linux.sh" "$BUILD"
dir=$BUILD/nested/run-linux
rm -rf "$dir"
mkdir -p "$dir/tree" "$dir/guest"
guest_tree "$dir/guest" "$SCRIPTS"
cat >"$dir/guest/command" <<'COMMAND'
echo "Linux $(uname -r) on mote. exit, or Ctrl-] at a terminal, ends it."
exec setsid cttyhack sh
COMMAND
# Without a terminal: no prompt, no echo, no line editing. (Editing would also
# lose an end of file that was typed ahead, when it changes to raw mode.)
[ -t 0 ] || cat >"$dir/guest/command" <<'COMMAND'
stty -echo
mkfifo typed
cat </dev/console >typed &
exec sh <typed
COMMAND
"$SCRIPTS/initramfs.sh" "$dir/guest" "$dir/guest.cpio"

# Type standard input into the named pipe, then ^D. The pipe is held open both
# ways by descriptor 4, so that nobody sees an end of file but the guest.
feed() {
	mkfifo "$dir/typed"
	exec 3<&0 4<>"$dir/typed"
	cat <&3 >&4 2>/dev/null &
	cat_pid=$!
	exec 3<&-
	(
		while kill -0 $cat_pid 2>/dev/null; do
			sleep 0.2
		done
		printf '\004' >&4
	) </dev/null >/dev/null 2>&1 &
	end_pid=$!
	trap 'kill $cat_pid $end_pid 2>/dev/null || true' EXIT
}

run_direct() {
	"$BUILD/mote" run --memory $MEMORY --initrd "$dir/guest.cpio" \
		--cmdline "$CMDLINE" "$BUILD/linux/vmlinuz"
}

# L1 hands its console or port to mote as standard input and output. A port
# can be opened only once.
run_nested() {
	mkdir -p "$dir/base/build"
	nested_tree "$dir/base"
	cp "$BUILD/mote" "$BUILD/linux/vmlinuz" "$dir/guest.cpio" \
		"$dir/base/build/"
	"$SCRIPTS/initramfs.sh" "$dir/base" "$dir/base.cpio"
	cat >"$dir/tree/job" <<JOB
exec 6>"\$(port status)" 7>"\$(port errors)"
run="/build/mote run --memory $MEMORY --initrd /build/guest.cpio"
run="exec \$run --cmdline '$CMDLINE' /build/vmlinuz"
if [ -e /dev/hvc0 ]; then
	setsid sh -c "\$run </dev/hvc0 >/dev/hvc0 2>&1"
else
	exec 5<>"\$(port typed)"
	sh -c "\$run <&5 >&5 2>&7"
fi
echo \$? >&6
JOB
	run_status=0
	nested_run "$dir/base.cpio" "$dir" \
		-chardev "file,id=errors,path=$dir/errors" \
		-device virtserialport,chardev=errors,name=errors \
		-chardev stdio,id=typed,signal=off \
		-device "$1,chardev=typed,name=typed" || run_status=$?
	cat "$dir/errors" >&2
	return $run_status
}

device=virtconsole
if [ ! -t 0 ]; then
	device=virtserialport
	feed
	exec <&4
fi
status=0
if kvm_runs_kernels; then
	run_direct || status=$?
else
	if kvm_usable; then
		echo "run-linux: this /dev/kvm is a software one (PVM), which" \
			"does not run kernels;" >&2
	else
		echo "run-linux: no usable /dev/kvm (see build/mote check);" >&2
	fi
	echo "           using the nested lane: a Debian kernel under QEMU's" \
		"TCG, slower by far." >&2
	run_nested $device || status=$?
fi
echo "mote ended with status $status" >&2
exit $status
