#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make bench`: measure, and write BUILD/bench/report.html with the raw samples
# beside it. Needs BUILD, a usable /dev/kvm and gnuplot.
#
#   ROUNDS=100          of the alternating loop
#   VMS=1000            of the density curve
#   LKVM=, FIRECRACKER= static binaries of kvmtool and Firecracker, measured
#                       in the same loop; without them they are named as
#                       skipped
#   QEMU=               default: qemu-system-x86_64
#   REALTIME=1          measure single starts at real-time priority: for a
#                       machine that has other work
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$BUILD" && pwd)
SCRIPTS=$HERE/../scripts
ROUNDS=${ROUNDS:-100}
VMS=${VMS:-1000}
QEMU=${QEMU:-qemu-system-x86_64}
out=$BUILD/bench
data=$out/data
hello=$BUILD/guest/hello

. "$SCRIPTS/lanes.sh"

kvm_usable || {
	echo "bench: no usable /dev/kvm (see build/mote check)." \
		"make bench-linux-boot compares in the nested lane." >&2
	exit 1
}
mkdir -p "$data"
say() { echo "bench: $*" >&2; }

# ---- what there is to compare ------------------------------------------------

# A disk, a TAP and a vsock to attach; without root there is no TAP.
truncate -s 16M "$data/disk.img"
# {}: four run at once, and a TAP or a vsock is for one.
devices="--disk path=$data/disk.img,ro --vsock path=$data/vsock-{}.sock"
attached="disk+vsock"
taps=
sockets=
cleanup() {
	[ -z "$sockets" ] || rm -rf "$sockets"
	for tap in $taps; do
		ip link del "$tap" 2>/dev/null || true
	done
}
trap cleanup EXIT
trap 'exit 1' INT TERM
if ip tuntap add dev motebench0 mode tap 2>/dev/null; then
	taps="motebench0 motebench1 motebench2 motebench3"
	for tap in $taps; do
		ip tuntap add dev "$tap" mode tap 2>/dev/null || true
		ip link set "$tap" up
	done
	devices="$devices --net tap=motebench{}"
	attached="disk+net+vsock"
fi
# What is named must be there: one virtio-mmio window for each.
want=$(echo "$attached" | tr + '\n' | wc -l)
have=$("$BUILD/mote" run --dry-run --announce cmdline \
	$(echo "$devices" | sed 's/{}/0/g') "$hello" |
	grep -o 'virtio_mmio.device=' | wc -l)
if [ "$have" -ne "$want" ]; then
	say "only $have of $want devices ($attached) are attached;" \
		"measuring with a disk alone"
	devices="--disk path=$data/disk.img,ro"
	attached=disk
fi

cat >"$data/firecracker.json" <<FC
{ "boot-source": { "kernel_image_path": "$hello", "boot_args": "hello" },
  "drives": [],
  "machine-config": { "vcpu_count": 1, "mem_size_mib": 128 } }
FC
qemu_hello="$QEMU -M microvm -enable-kvm -cpu host,arch-capabilities=off \
-m 128 -nodefaults -no-user-config -nographic -no-reboot -serial stdio \
-device isa-debug-exit,iobase=0x501,iosize=1 -kernel $hello"
skipped=
set -- floor "$out/floor" mote "$BUILD/mote run $hello" \
	"mote_$attached" "$BUILD/mote run $devices $hello"

# add NAME BINARY COMMAND: one more, if it is named and boots the guest
greets() { timeout 20 $1 </dev/null 2>/dev/null | grep -q 'hello, world'; }
if ! command -v "$QEMU" >/dev/null; then
	skipped="$skipped qemu:not-installed"
elif greets "$qemu_hello"; then
	set -- "$@" qemu-microvm "$qemu_hello"
else
	skipped="$skipped qemu:does-not-boot-the-guest-here"
fi
fc="${FIRECRACKER:-} --no-api --config-file $data/firecracker.json"
if [ -z "${FIRECRACKER:-}" ]; then
	skipped="$skipped firecracker:not-named(FIRECRACKER=)"
elif greets "$fc"; then
	set -- "$@" firecracker "$fc"
else
	skipped="$skipped firecracker:does-not-boot-the-guest-here"
fi
lkvm="${LKVM:-} run -m 128 -c 1 -k $hello --console serial"
if [ -z "${LKVM:-}" ]; then
	skipped="$skipped kvmtool:not-named(LKVM=)"
elif greets "$lkvm"; then
	set -- "$@" kvmtool "$lkvm"
else
	skipped="$skipped kvmtool:does-not-boot-the-guest-here"
fi
for s in $skipped; do say "skipped: $s"; done

# ---- measure -----------------------------------------------------------------

cat >"$data/host.txt" <<HOST
kernel	$(uname -srv)
cpu	$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
cpus	$(nproc)
memory	$(awk '/^MemTotal/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo)
kvm	$(ls -d /sys/module/kvm_* 2>/dev/null | sed 's|.*/||' | xargs)
huge pages	$(cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null)
qemu	$("$QEMU" --version 2>/dev/null | head -n 1)
mote	$("$BUILD/mote" version), $(stat -c %s "$BUILD/mote") bytes, commit $(git -C "$HERE" describe --always --dirty 2>/dev/null)
load at start	$(cut -d ' ' -f 1-3 /proc/loadavg)
date	$(date -u +%F)
HOST
sync # pages of a file that is not on the disk yet count as private and dirty
say "start and stop, $ROUNDS rounds"
startup_command="bench/startup ${REALTIME:+-r }-n $ROUNDS -p 40"
"$out/startup" ${REALTIME:+-r} -n "$ROUNDS" -p 40 -o "$out/startup.json" \
	-t "$data" "$@" | tee "$data/startup.txt"
say "the ladder"
ladder_command="${REALTIME:+chrt -f 10 }mote run --timing=json:FILE $hello"
# In memory: creating a file on a disk is the longest step.
one=$(mktemp -p /dev/shm 2>/dev/null || mktemp)
${REALTIME:+chrt -f 10} "$out/ladder" -n 50 -m "$data/ladder-run.tsv" -o "$out/ladder.json" "$one" \
	"$BUILD/mote run --timing=json:$one $hello" >"$data/ladder.tsv"
rm -f "$one"
say "density, $VMS VMs that wait on vsock"
density_command="bench/density -n $VMS -s {}.sock mote run --memory 16M \
--vsock path={}.sock vecho"
sockets=$(mktemp -d) # a socket's path is short
"$out/density" -n "$VMS" -o "$out/density.json" -t "$data/density.tsv" \
	-s "$sockets/{}.sock" "$BUILD/mote run --memory 16M \
--vsock path=$sockets/{}.sock $BUILD/guest/vecho" | tee "$data/density.txt"
say "density, $VMS VMs that wait on their serial port"
serial_command="bench/density -n $VMS mote run --memory 16M pong"
"$out/density" -n "$VMS" -o "$out/density-serial.json" \
	-t "$data/density-serial.tsv" \
	"$BUILD/mote run --memory 16M $BUILD/guest/pong" |
	tee "$data/density-serial.txt"
{
	echo "startup_rounds=$ROUNDS"
	echo "startup_command='$startup_command'"
	echo "ladder_command='$ladder_command'"
	echo "density_command='$density_command'"
	echo "serial_command='$serial_command'"
} >"$data/commands"
echo "$skipped" >"$data/skipped"
"$HERE/page.sh"
