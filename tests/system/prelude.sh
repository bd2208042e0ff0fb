# SPDX-License-Identifier: Apache-2.0
# What every case starts with: places, and a few words for booting Linux.
#
# A case runs in an empty directory of its own, in lane 1 under the host's sh,
# in lane 2 under busybox; LANE says which. BUILD holds the files under test.
MOTE=$BUILD/mote
VMLINUX=$BUILD/linux/vmlinux
BZIMAGE=$BUILD/linux/vmlinuz
INITRD=$BUILD/system/guest.cpio
KIT=$BUILD/tests/guest
PATH=$BUILD/system:$PATH # ptyrun
QUIET="console=ttyS0 quiet panic=-1"

. "$BUILD/system/guest.sh"

# kernel vmlinux|bzimage: its path
kernel() {
	case $1 in
	vmlinux) echo "$VMLINUX" ;;
	bzimage) echo "$BZIMAGE" ;;
	esac
}

# linux IMAGE SCRIPT [MOTE OPTION...]: boot, run SCRIPT as root, power off
linux() {
	guest_command "$INITRD" "$2" >initrd
	linux_image=$(kernel "$1")
	shift 2
	"$MOTE" run --initrd initrd --cmdline "$QUIET" "$@" "$linux_image"
}

# kit_start NAME [MOTE OPTION...]: the same in the background, output to the
# file `out`, as linux_start
kit_start() {
	kit_image=$KIT/$1
	shift
	rm -f out # nobody takes the one before for this one's
	"$MOTE" run "$@" "$kit_image" ${GUEST_ARGS:+-- $GUEST_ARGS} \
		<"${INPUT:-/dev/null}" >out 2>&1 &
	pid=$!
}

# linux_start SCRIPT [MOTE OPTION...]: the same in the background, input from
# the file INPUT, output to the file `out`; mote is process $pid
linux_start() {
	guest_command "$INITRD" "$1" >initrd
	shift
	rm -f out
	"$MOTE" run --initrd initrd --cmdline "$QUIET" "$@" "$VMLINUX" \
		<"${INPUT:-/dev/null}" >out 2>&1 &
	pid=$!
}

# kit NAME [MOTE OPTION...]: boot a test guest; GUEST_ARGS are its arguments
kit() {
	kit_image=$KIT/$1
	shift
	"$MOTE" run "$@" "$kit_image" ${GUEST_ARGS:+-- $GUEST_ARGS}
}

# Host programs for guests (scripts/tools-image.sh); in lane 2 a disk of L1's.
case $LANE in
2) TOOLS=/dev/vda ;;
*) TOOLS=$BUILD/system/tools.img ;;
esac

# tools_initrd FILE SCRIPT: an initrd that runs SCRIPT in a Linux with virtio
# drivers, TOOLS as its vda, and `tool NAME` to run programs from there.
# Other disks are called there what they are called here; what is mounted at
# /tools/mnt they see at /mnt.
LINUX_MODULES="virtio_ring virtio virtio_mmio virtio_blk"
tools_initrd() {
	mkdir -p modules/modules modules/bin
	for module in $LINUX_MODULES; do
		cp "$BUILD/linux/modules/$module.ko" modules/modules/
	done
	cp "$BUILD/system/bytes" "$BUILD/system/messages" modules/bin/
	(cd modules && find modules bin/bytes bin/messages |
		cpio -o -H newc 2>/dev/null) >modules.cpio
	tools_script="
		for module in $LINUX_MODULES; do
			insmod /modules/\$module.ko
		done
		mkdir /tools
		mount -t ext4 -o ro /dev/vda /tools
		for dir in dev proc sys; do mount -o bind /\$dir /tools/\$dir; done
		mount -t tmpfs tmp /tools/tmp
		tool() {
			tool_name=/usr/bin/\$1 # a path, or busybox takes its own
			shift
			chroot /tools \$tool_name \"\$@\"
		}
		$2"
	guest_command "$INITRD" "$tools_script" | cat - modules.cpio >"$1"
}

# linux_disk SCRIPT [MOTE OPTION...]: as `linux vmlinux`, with tools_initrd. A
# --disk among the options is vdb, and so on.
linux_disk() {
	tools_initrd initrd "$1"
	shift
	"$MOTE" run --initrd initrd --cmdline "$QUIET" \
		--disk "path=$TOOLS,ro" "$@" "$VMLINUX"
}

# activity: what mote, process $pid, has done so far: "vCPU N" and "I/O N",
# context switches, and "CPU N", ticks of 10 ms
activity() {
	for task in /proc/$pid/task/*; do
		case $(cat $task/comm):${task##*/} in
		mote:$pid) who=vCPU ;;
		mote:*) who=I/O ;;
		*) continue ;; # the kernel's
		esac
		awk -v who=$who '/ctxt_switches/ { n += $2 }
			END { print who, n }' $task/status
	done
	sed 's/.*) //' /proc/$pid/stat | awk '{ print "CPU", $12 + $13 }'
}

# change_in SECONDS: by how much that changes meanwhile
change_in() {
	activity >before
	sleep "$1"
	activity | paste before - | awk '{ print $1, $4 - $2 }'
}

# idle_change [IDLE]: what activity says about two seconds in which nothing
# happens, once the start is over: IDLE, for awk, holds in every line for one
idle_change() {
	for idle_try in $(seq 30); do
		sleep 1
		change_in 1 >change
		! awk "!(${1:-\$2 == 0}) { exit 1 }" change || break
	done
	change_in 2
}

# status_of COMMAND...: run it, print "status=N"
status_of() {
	"$@" && echo status=0 || echo "status=$?"
}

# wait_for TEXT FILE: until TEXT stands in FILE; the case's deadline bounds it
wait_for() {
	until grep -qF -- "$1" "$2" 2>/dev/null; do
		sleep 0.1
	done
}

# listens PATH: somebody does, at this Unix socket, named by its whole path. For
# a moment between bind() and listen() it is there and refuses.
listens() {
	grep -q " 00010000 .* $1\$" /proc/net/unix
}

# needs_sockets: the ring must be able to make them
needs_sockets() {
	! "$MOTE" check | grep -q '^note .*--vsock' || {
		echo "skip: takes Linux 5.19"
		exit 77
	}
}

fail() {
	echo "case: $*"
	exit 99
}
