#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Network and vsock of a Linux guest in virtual time: mote against QEMU microvm
# without vhost, in one boot of the nested lane. Needs BUILD.
#
#   ROUNDS=1            rounds of both monitors in turn
#   JOBS="..."          of bench/nettest.c, and ping
#   MOTE_B=             a second mote, to compare two builds
#   NESTED_QEMU=        the outer QEMU; with the interrupt bug of its vmrun
#                       the load hangs it
#
# The same Debian kernel and initramfs, a TAP, one L1 CPU: what counts is
# work, not parallelism. 1 ns is one instruction of monitor, host kernel and
# guest together. QEMU has no vsock without vhost: those jobs are mote's only.
#
# Output: BUILD/bench/net.tsv (monitor, job, values), and a table of means.
set -eu

SCRIPTS=$(cd "$(dirname "$0")/../scripts" && pwd)
BUILD=$(cd "$BUILD" && pwd)
ROUNDS=${ROUNDS:-1}
JOBS=${JOBS:-ping udp-rr tcp-rr vsock-rr tcp-up tcp-down vsock-up vsock-down
	udp-up udp-down}
NESTED_ICOUNT=shift=0,sleep=off
NESTED_MEMORY=2048
CMDLINE="console=ttyS0 quiet panic=-1 ${GUEST_WORDS:-}"
MODULES="virtio_ring virtio virtio_mmio failover net_failover virtio_net vsock
	vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport"

. "$SCRIPTS/nested.sh"
. "$SCRIPTS/guest.sh"

"$SCRIPTS/linux.sh" "$BUILD"
dir=$BUILD/bench/net
tree=$dir/base
table=$BUILD/bench/net.tsv
rm -rf "$dir"
mkdir -p "$dir/tree" "$tree/m/qemu" "$dir/guest"

# ---- the guest ---------------------------------------------------------------
guest_tree "$dir/guest" "$SCRIPTS"
cp "$BUILD/bench/nettest" "$dir/guest/"
for module in $MODULES; do
	cp "$BUILD/linux/modules/$module.ko" "$dir/guest/"
done
cat >"$dir/guest/command" <<GUEST
for module in $(echo $MODULES); do
	insmod /\$module.ko
done
ip link set lo up
ip link set eth0 up
ip addr add 10.0.0.2/24 dev eth0
ping -c 1 10.0.0.1 >/dev/null
for j in $(echo $JOBS); do
	case \$j in
	ping)
		ping -c 300 -i 0.001 -q 10.0.0.1 |
			sed -n 's/^round-trip.* = [0-9.]*\/\([0-9.]*\)\/.*/job ping \1/p' ;;
	vsock-*)
		grep -q vsock=1 /proc/cmdline && /nettest run 10.0.0.1 \$j ;;
	*) /nettest run 10.0.0.1 \$j ;;
	esac
done
GUEST
"$SCRIPTS/initramfs.sh" "$dir/guest" "$dir/guest.cpio"

# ---- the nested lane -----------------------------------------------------------
nested_tree "$tree"
cp "$BUILD/mote" "$BUILD/linux/vmlinux" "$dir/guest.cpio" \
	"$BUILD/bench/nettest" "$tree/m/"
nested_binary "$tree" "$(command -v qemu-system-x86_64)"
nested_binary "$tree" "$(PATH=$PATH:/usr/sbin:/sbin command -v ip)"
for rom in bios-microvm.bin linuxboot_dma.bin pvh.bin; do
	cp "$(find -L /usr/share/seabios /usr/share/qemu -name $rom |
		head -n 1)" "$tree/m/qemu/"
done
monitors=${MONITORS:-mote qemu}
if [ -n "${MOTE_B:-}" ]; then
	cp "$MOTE_B" "$tree/m/mote-b"
	monitors="$monitors mote-b"
fi
"$SCRIPTS/initramfs.sh" "$tree" "$dir/base.cpio"

cat >"$dir/tree/job" <<JOB
exec 5>"\$(port results)" 6>"\$(port status)"
cd /m
/usr/bin/ip tuntap add dev tap0 mode tap
ip link set tap0 up
ip addr add 10.0.0.1/24 dev tap0
echo 8388608 >/proc/sys/net/core/rmem_max
./nettest serve /tmp/v.sock &
run() {
	case \$1 in
	mote | mote-b)
		./\$1 run --memory 512M --cmdline '$CMDLINE vsock=1' \
			--initrd guest.cpio --net tap=tap0 \
			--vsock path=/tmp/v.sock vmlinux ;;
	qemu)
		qemu-system-x86_64 -L /m/qemu -M microvm -enable-kvm \
			-cpu host -m 512 -smp 1 -nodefaults -no-user-config \
			-nographic -no-reboot -serial stdio \
			-kernel vmlinux -initrd guest.cpio -append '$CMDLINE' \
			-global virtio-mmio.force-legacy=false \
			-netdev tap,id=n,ifname=tap0,script=no,downscript=no,vhost=off \
			-device virtio-net-device,netdev=n ;;
	esac
}
round=0
while [ \$round -lt $ROUNDS ]; do
	round=\$((round + 1))
	for m in $monitors; do
		run \$m </dev/null >/tmp/out 2>&1
		tr -d '\r' </tmp/out | tee /dev/console |
			sed -n "s/^.*job \([a-z]*[a-z-]* [0-9. ]*\)$/\$m \1/p" >&5
	done
done
echo 0 >&6
JOB

nested_run "$dir/base.cpio" "$dir" \
	-chardev "file,id=results,path=$dir/results" \
	-device virtserialport,chardev=results,name=results

# monitor job value [value]
awk '
	{
		print > table
		sum[$1, $2] += $3
		also[$1, $2] += $4
		runs[$1, $2]++
		if (!($1 in monitor))
			monitors[++m] = $1
		if (!($2 in job))
			jobs[++j] = $2
		monitor[$1]
		job[$2]
	}
	END {
		printf "%-11s", ""
		for (k = 1; k <= m; k++)
			printf "%20s", monitors[k]
		print ""
		for (i = 1; i <= j; i++) {
			printf "%-11s", jobs[i]
			for (k = 1; k <= m; k++) {
				n = runs[monitors[k], jobs[i]]
				if (!n)
					printf "%20s", "-"
				else if (also[monitors[k], jobs[i]])
					printf "%10.2f/%9.2f", sum[monitors[k], jobs[i]] / n, also[monitors[k], jobs[i]] / n
				else
					printf "%20.3f", sum[monitors[k], jobs[i]] / n
			}
			print ""
		}
	}' table="$table" "$dir/results"
