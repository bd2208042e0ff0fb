#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From exec of the monitor to the Debian kernel's "Unable to mount root fs",
# in virtual time: mote against QEMU microvm, and against others where the
# environment names a static binary. Needs BUILD.
#
#   ROUNDS=3            rounds of all monitors in turn
#   LKVM=, FIRECRACKER= kvmtool, Firecracker
#   MOTE_B=             a second mote, to compare two builds
#   NESTED_QEMU=        the outer QEMU
#
# All run in one boot of the nested lane with one icount clock: 1 ns for each
# instruction of monitor, host kernel and guest together, so the figures agree
# within a percent whatever this machine is doing. One vCPU, 256 MiB, quiet
# serial console, the same uncompressed ELF (kvmtool cannot load that: it gets
# the bzImage, which says so).
#
# Output: BUILD/bench/linux-boot.tsv, one line per run (monitor, image, then
# the fields of bench/timer), and a table of medians and ratios.
set -eu

SCRIPTS=$(cd "$(dirname "$0")/../scripts" && pwd)
BUILD=$(cd "$BUILD" && pwd)
ROUNDS=${ROUNDS:-3}
NESTED_ICOUNT=shift=0,sleep=off
NESTED_MEMORY=2048
TEXT='Unable to mount root fs'
CMDLINE='console=ttyS0 quiet panic=-1'

. "$SCRIPTS/nested.sh"

"$SCRIPTS/linux.sh" "$BUILD"
dir=$BUILD/bench/linux-boot
tree=$dir/base
table=$BUILD/bench/linux-boot.tsv
rm -rf "$dir"
mkdir -p "$dir/tree" "$tree/m/qemu"

nested_tree "$tree"
cp "$BUILD/mote" "$BUILD/bench/timer" "$BUILD/linux/vmlinux" \
	"$BUILD/linux/vmlinuz" "$tree/m/"
nested_binary "$tree" "$(command -v qemu-system-x86_64)"
for rom in bios-microvm.bin linuxboot_dma.bin pvh.bin; do
	found=$(find -L /usr/share/seabios /usr/share/qemu -name $rom |
		head -n 1)
	cp "$found" "$tree/m/qemu/"
done

skipped=
# with NAME FILE: take the static binary FILE along as NAME
with() {
	if [ -z "$2" ]; then
		skipped="$skipped $1"
	else
		cp "$2" "$tree/m/$1"
		monitors="$monitors $1"
	fi
}
monitors="mote qemu"
with mote-b "${MOTE_B:-}"
with lkvm "${LKVM:-}"
with firecracker "${FIRECRACKER:-}"
"$SCRIPTS/initramfs.sh" "$tree" "$dir/base.cpio"

cat >"$dir/tree/job" <<JOB
exec 5>"\$(port results)" 6>"\$(port status)"
cd /m
cat >fc.json <<FC
{ "boot-source": { "kernel_image_path": "/m/vmlinux",
    "boot_args": "$CMDLINE" },
  "drives": [],
  "machine-config": { "vcpu_count": 1, "mem_size_mib": 256 } }
FC
measure() {
	name=\$1 image=\$2
	shift 2
	./timer -q -t 100 -u '$TEXT' -o report "\$@" </dev/null 2>errors ||
		cat errors
	echo "\$name	\$image	\$(cat report)" >&5
}
round=0
while [ \$round -lt $ROUNDS ]; do
	round=\$((round + 1))
	for m in $monitors; do
		case \$m in
		mote | mote-b)
			measure \$m vmlinux ./\$m run --memory 256M \
				--cmdline '$CMDLINE' vmlinux ;;
		qemu)
			measure qemu vmlinux qemu-system-x86_64 -L /m/qemu \
				-M microvm -enable-kvm -cpu host -m 256 \
				-smp 1 -nodefaults -no-user-config -nographic \
				-no-reboot -serial stdio -kernel vmlinux \
				-append '$CMDLINE' ;;
		lkvm)
			measure lkvm bzimage ./lkvm run -m 256 -c 1 \
				-k vmlinuz -p '$CMDLINE' --console serial ;;
		firecracker)
			measure firecracker vmlinux ./firecracker --no-api \
				--config-file fc.json ;;
		esac
	done
done
echo 0 >&6
JOB

nested_run "$dir/base.cpio" "$dir" \
	-chardev "file,id=results,path=$dir/results" \
	-device virtserialport,chardev=results,name=results
{
	printf '# %s, outer %s\n' "Debian $(cat "$BUILD/linux/release")" \
		"$(qemu-system-x86_64 --version | head -n 1)"
	cat "$dir/results"
} >"$table"

cat "$table"
for m in $skipped; do
	echo "# $m: not named in the environment, left out"
done
# The median of each monitor's text_us, and its ratio to QEMU's.
sed -n 's/^\([^#\t]*\)\t.*text_us=\([0-9]*\).*/\1 \2/p' "$table" |
	sort -k1,1 -k2,2n | awk '
	{ n[$1]++; v[$1, n[$1]] = $2 }
	END {
		for (m in n)
			median[m] = v[m, int((n[m] + 1) / 2)]
		if (!median["qemu"] || !median["mote"]) {
			print "linux-boot: no figure for mote or QEMU"
			exit 1
		}
		for (m in median)
			printf "%-12s %8.1f virtual ms  %.3f of QEMU microvm\n",
				m, median[m] / 1000, median[m] / median["qemu"]
	}'
