#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Is the present tree slower than commit BASE? In instructions, so that the
# answer does not depend on what this machine is doing. Needs BUILD.
#
#   BASE=        a commit, a tag, a branch; "before": the commit checked out
#                where the monitor's sources differ from it, else its parent
#   MARGIN=3     per cent of instructions by which a change may be slower
#                (repeats of one build agree within 0.3)
#   SHORT=1      without the Linux boots: what CI has time for
#   NESTED_QEMU= the outer QEMU
#
# Both run in one boot of the nested lane with one icount clock: 1 ns for each
# instruction of monitor, host kernel and guest together. Compared are the CPU
# time of a VM's whole life, hello by itself and with a disk (waiting would be
# counted in ticks of 4 ms), and the way of a Debian kernel to its "Unable to
# mount root fs". Of the CPU time the least of 30 runs counts: some runs have a
# tick or an RCU callback of the kernel's in them, 12 % more, which is not
# ours. The exit status is 1 if one of them got slower by more than MARGIN, 77
# if there is nothing to compare with or to compare in; the last line says why.
#
# Output: BUILD/bench/compare.tsv: what, us in BASE, us now, ratio.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
SCRIPTS=$HERE/../scripts
SCRIPTS=$(cd "$SCRIPTS" && pwd)
BUILD=$(cd "$BUILD" && pwd)
MARGIN=${MARGIN:-3}
ROUNDS=30
TRIES=3
NESTED_ICOUNT=shift=0,sleep=off
TEXT='Unable to mount root fs'
CMDLINE='console=ttyS0 quiet panic=-1'

. "$SCRIPTS/nested.sh"
. "$SCRIPTS/lanes.sh"

say() { echo "bench-compare: $*" >&2; }
skip() {
	echo "$*"
	exit 77
}
sources="Makefile bootproto devices monitor seccomp"

case ${BASE:-} in
'')
	say "against what? make bench-compare BASE=COMMIT"
	exit 2
	;;
before)
	cd "$HERE/.."
	git rev-parse --verify --quiet HEAD >/dev/null 2>&1 ||
		skip "not a git checkout: nothing to compare with"
	BASE=HEAD
	[ -n "$(git status --porcelain -- $sources)" ] || BASE=HEAD^
	cd - >/dev/null
	git -C "$HERE" rev-parse --verify --quiet "$BASE^{commit}" >/dev/null ||
		skip "no commit before this one here (a shallow clone?)"
	;;
esac
commit=$(git -C "$HERE" rev-parse --verify --quiet "$BASE^{commit}") || {
	say "no commit $BASE here"
	exit 2
}
name=$(git -C "$HERE" describe --always "$commit")
dir=$BUILD/bench/compare
tree=$dir/tree-base
rm -rf "$dir"
mkdir -p "$dir/source" "$dir/tree" "$tree/m"
git -C "$HERE/.." archive "$commit" | tar -x -C "$dir/source"
say "building $name"
# In a make of its own: the one that called us may have given us no jobs.
MAKEFLAGS= ${MAKE:-make} -j2 --no-print-directory -C "$dir/source" \
	BUILD="$dir/build" CC="${CC:-gcc}" "$dir/build/mote" \
	>"$dir/build.log" 2>&1 || {
	tail -n 20 "$dir/build.log" >&2
	skip "$name does not build here"
}

# The same program takes the same time; but for the id of its debug symbols.
plain() { objcopy -R .note.gnu.build-id "$1" "$dir/plain-$2"; }
plain "$dir/build/mote" base
plain "$BUILD/mote" now
if cmp -s "$dir/plain-base" "$dir/plain-now"; then
	: >"$BUILD/bench/compare.tsv"
	echo "bench-compare: the same program as in $name"
	exit 0
fi

"$SCRIPTS/linux.sh" "$BUILD" >&2 || skip "no kernel for the nested lane"
nested_usable || skip "no QEMU or busybox for the nested lane"
nested_tree "$tree"
cp "$dir/build/mote" "$tree/m/mote-base"
cp "$BUILD/mote" "$BUILD/guest/hello" "$BUILD/bench/startup" \
	"$BUILD/bench/timer" "$BUILD/linux/vmlinux" "$tree/m/"
"$SCRIPTS/initramfs.sh" "$tree" "$dir/base.cpio"
cat >"$dir/tree/job" <<JOB
exec 5>"\$(port results)" 6>"\$(port status)"
cd /m
truncate -s 1M disk
try() {
	./startup -n $ROUNDS -m 0 -t . base "./mote-base run \$*" \
		now "./mote run \$*" >table 2>&1 || cat table
	awk -F '\t' -v OFS='\t' -v what="\$1" '!/^#/ {
		if (!least[\$1] || \$5 < least[\$1])
			least[\$1] = \$5 }
		END { print what, least["base"], least["now"] }' samples.tsv >&5
	sed "s|^|# \$1 |" samples.tsv >&5
}
try hello
try --disk path=disk hello
boot() {
	./timer -q -t 100 -u '$TEXT' -o report "\$1" run --memory 256M \
		--cmdline '$CMDLINE' vmlinux </dev/null
	sed -n 's/.*text_us=\([0-9]*\).*/\1/p' report
}
if [ -z "${SHORT:-}" ]; then
	echo "linux	\$(boot ./mote-base)	\$(boot ./mote)" >&5
fi
echo 0 >&6
JOB

# The outer QEMU may hang (see nested.sh): then again, TRIES times in all.
seconds=400
[ -n "${SHORT:-}" ] || seconds=600
NESTED_QEMU="timeout -k 5 $seconds ${NESTED_QEMU:-qemu-system-x86_64}"
try=1
until nested_run "$dir/base.cpio" "$dir" \
	-chardev "file,id=results,path=$dir/results" \
	-device virtserialport,chardev=results,name=results; do
	say "try $try of $TRIES came to no end in $seconds s, or failed"
	[ $try -lt $TRIES ] || exit 2
	try=$((try + 1))
done

want=2
[ -n "${SHORT:-}" ] || want=3
sed 's/^--disk/hello with a disk/' "$dir/results" |
	awk -F '\t' -v OFS='\t' -v margin="$MARGIN" -v want=$want \
		-v samples="$dir/samples.tsv" '
	BEGIN { print "# what", "base_us", "now_us", "ratio" }
	/^#/ { print >samples; next }
	$2 > 0 && $3 > 0 {
		n++
		bad += $3 / $2 > 1 + margin / 100
		print $1, $2, $3, sprintf("%.4f", $3 / $2)
	}
	END {
		if (n != want) {
			print "# " n " results of " want ": see console.log"
			exit 2
		}
		exit bad > 0
	}' >"$BUILD/bench/compare.tsv" && status=0 || status=$?
cat "$BUILD/bench/compare.tsv"
case $status in
0) echo "bench-compare: not slower than $name by more than $MARGIN %" ;;
1) echo "bench-compare: SLOWER than $name by more than $MARGIN %" ;;
*) echo "bench-compare: the lane failed, see $dir/console.log" >&2 ;;
esac
exit $status
