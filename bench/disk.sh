#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Block requests of a Linux guest in virtual time: mote against QEMU microvm
# with io_uring, in one boot of the nested lane. Needs BUILD.
#
#   ROUNDS=2            rounds of both monitors in turn
#   JOBS="..."          of the jobs below
#   GUEST_WORDS=        more for the guest's command line (mitigations=off)
#   MOTE_B=             a second mote, to compare two builds
#   NESTED_QEMU=        the outer QEMU; with the interrupt bug of its vmrun
#                       the load may hang it
#
# The same Debian kernel, initramfs and fio jobs; raw image on tmpfs, page
# cache, one L1 CPU: what counts is work, not parallelism. 1 ns is one
# instruction of monitor, host kernel and guest together.
#
# Output: BUILD/bench/disk.tsv (monitor, job, requests, virtual ms), and a
# table of virtual us per request and ratios.
set -eu

SCRIPTS=$(cd "$(dirname "$0")/../scripts" && pwd)
BUILD=$(cd "$BUILD" && pwd)
ROUNDS=${ROUNDS:-2}
JOBS=${JOBS:-rr1 rr32 rw32 sr8 wf1}
NESTED_ICOUNT=shift=0,sleep=off
NESTED_MEMORY=2048
CMDLINE="console=ttyS0 quiet panic=-1 ${GUEST_WORDS:-}"

. "$SCRIPTS/nested.sh"
. "$SCRIPTS/guest.sh"

"$SCRIPTS/linux.sh" "$BUILD"
dir=$BUILD/bench/disk
tree=$dir/base
table=$BUILD/bench/disk.tsv
rm -rf "$dir"
mkdir -p "$dir/tree" "$tree/m/qemu" "$dir/guest"
[ -e "$BUILD/system/tools.img" ] ||
	"$SCRIPTS/tools-image.sh" "$BUILD/system/tools.img"

# ---- the guest: modules, tools, jobs -----------------------------------------
guest_tree "$dir/guest" "$SCRIPTS"
for module in virtio_ring virtio virtio_mmio virtio_blk; do
	cp "$BUILD/linux/modules/$module.ko" "$dir/guest/"
done
mkdir "$dir/guest/tools"
cat >"$dir/guest/command" <<GUEST
for module in virtio_ring virtio virtio_mmio virtio_blk; do
	insmod /\$module.ko
done
for d in vda vdb; do
	mount -t ext4 -o ro /dev/\$d /tools 2>/dev/null && tools=\$d || disk=\$d
done
mount -t devtmpfs dev /tools/dev
mount -t proc proc /tools/proc
mount -t sysfs sys /tools/sys
mount -t tmpfs tmp /tools/tmp
job() {
	name=\$1
	shift
	chroot /tools fio --name=\$name --filename=/dev/\$disk --size=64M \
		--ioengine=libaio --direct=1 --thread --randrepeat=1 \
		--norandommap --minimal --output=/tmp/out "\$@" >/dev/null
	echo "job \$name \$(cut -d';' -f 6,9,47,50 /tools/tmp/out | tr ';' ' ')"
}
for j in $JOBS; do
	case \$j in
	rr1) job rr1 --rw=randread --bs=4k --iodepth=1 --number_ios=3000 ;;
	rr32) job rr32 --rw=randread --bs=4k --iodepth=32 --number_ios=8000 ;;
	rw32) job rw32 --rw=randwrite --bs=4k --iodepth=32 --number_ios=8000 ;;
	sr8) job sr8 --rw=read --bs=128k --iodepth=8 --io_size=192M ;;
	wf1) job wf1 --rw=randwrite --bs=4k --iodepth=1 --fsync=1 --number_ios=1500 ;;
	esac
done
GUEST
"$SCRIPTS/initramfs.sh" "$dir/guest" "$dir/guest.cpio"

# ---- the nested lane -----------------------------------------------------------
nested_tree "$tree"
cp "$BUILD/mote" "$BUILD/linux/vmlinux" "$dir/guest.cpio" \
	"$BUILD/system/tools.img" "$tree/m/"
nested_binary "$tree" "$(command -v qemu-system-x86_64)"
for rom in bios-microvm.bin linuxboot_dma.bin pvh.bin; do
	cp "$(find -L /usr/share/seabios /usr/share/qemu -name $rom |
		head -n 1)" "$tree/m/qemu/"
done
monitors="mote qemu"
if [ -n "${MOTE_B:-}" ]; then
	cp "$MOTE_B" "$tree/m/mote-b"
	monitors="$monitors mote-b"
fi
"$SCRIPTS/initramfs.sh" "$tree" "$dir/base.cpio"

cat >"$dir/tree/job" <<JOB
exec 5>"\$(port results)" 6>"\$(port status)"
cd /m
truncate -s 64M /tmp/disk
yes mote | dd of=/tmp/disk bs=64k count=1024 iflag=fullblock conv=notrunc 2>/dev/null
# the first reads move the file's pages up the page cache's lists: 5 of 79 us
# for 128 KiB, which the first guest of a boot would pay for
for i in 1 2 3; do cat /tmp/disk >/dev/null; done
run() {
	case \$1 in
	mote | mote-b)
		./\$1 run --memory 512M --cmdline '$CMDLINE' \
			--initrd guest.cpio --disk path=tools.img,ro \
			--disk path=/tmp/disk vmlinux ;;
	qemu)
		qemu-system-x86_64 -L /m/qemu -M microvm -enable-kvm \
			-cpu host -m 512 -smp 1 -nodefaults -no-user-config \
			-nographic -no-reboot -serial stdio \
			-kernel vmlinux -initrd guest.cpio -append '$CMDLINE' \
			-global virtio-mmio.force-legacy=false \
			-drive if=none,id=t,file=tools.img,format=raw,readonly=on \
			-device virtio-blk-device,drive=t \
			-drive if=none,id=d,file=/tmp/disk,format=raw,aio=io_uring \
			-device virtio-blk-device,drive=d ;;
	esac
}
round=0
while [ \$round -lt $ROUNDS ]; do
	round=\$((round + 1))
	for m in $monitors; do
		run \$m </dev/null >/tmp/out 2>&1
		tr -d '\r' </tmp/out | tee /dev/console |
			sed -n "s/^.*job \([a-z0-9]* [0-9 ]*\)$/\$m \1/p" >&5
	done
done
echo 0 >&6
JOB

nested_run "$dir/base.cpio" "$dir" \
	-chardev "file,id=results,path=$dir/results" \
	-device virtserialport,chardev=results,name=results

# monitor job read_kib read_ms write_kib write_ms -> us per request
awk '
	BEGIN { kib["sr8"] = 128; kib["wf1"] = 4 }
	{
		k = $2 in kib ? kib[$2] : 4
		n = ($3 + $5) / k
		us = ($4 + $6) * 1000 / n
		print $1 "\t" $2 "\t" n "\t" ($4 + $6) > table
		sum[$1, $2] += us
		runs[$1, $2]++
		monitor[$1]
		job[$2]
	}
	END {
		printf "%-8s", ""
		for (m in monitor)
			printf "%12s", m
		for (m in monitor)
			if (m != "qemu")
				printf "%14s", m "/qemu"
		print ""
		for (j in job) {
			printf "%-8s", j
			for (m in monitor)
				printf "%9.2f us", sum[m, j] / runs[m, j]
			q = sum["qemu", j] / runs["qemu", j]
			for (m in monitor)
				if (m != "qemu")
					printf "%14.3f", sum[m, j] / runs[m, j] / q
			print ""
		}
	}' table="$table" "$dir/results"
