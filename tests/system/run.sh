#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run the system cases of one lane: run.sh host|1|2 [NAME PATTERN]
#
# Environment: BUILD, and RESULTS, a directory that gets system-LANE.counts or
# system-LANE-AS.counts ("passed failed skipped"); AS, as whom it runs, for the
# lines (run-as.sh); in lane 2, AS=nobody makes it so.
# CASE_ENV, assignments for cases that can do more than they do by default
# (VSOCK_BYTES=1073741824), and CASE_SECONDS, a time limit instead of their
# own. Every case prints one line; the exit status is 1 if one failed. What a
# case left is in BUILD/system/lane-LANE/NAME/.
#
# A case is a file cases/NAME.case: sh, run after prelude.sh, with directives
#	#: each VAR=a,b VAR2=c,d   one case for each combination, VAR set
#	#: lanes host|1|2 ...      where it runs; without it: 1 2
#	#: kvm hardware            in lane 1 only where KVM runs ring-0 guests
#	#: timeout SECONDS         without it: 60
#	#: memory MIB              the host must have it to spare (lane 2: for L1)
#	#: status N                the snippet's exit status; without it: 0
#	#: match ERE               a line of the output (CRs removed); repeatable
#	#: lacks ERE               no line of the output; repeatable
# in which $VAR stands for the value of an `each` variable. A snippet that ends
# with 77 could not run here; its last line says why ("skip: ...").
#
# Lane 2 is booted once for all cases. QEMU's TCG can deliver an L2 interrupt
# twice, which hangs the guest (not the monitor): a case of lane 2 that ran
# out of time, and only such a one, is tried again, TRIES times in all, in a
# fresh lane. What needed it says so in its line.
set -u
export LC_ALL=C

TRIES=3
STALL=45 # seconds past its own timeout after which a case has hung lane 2

lane=$1
pattern=${2:-*}
here=$(cd "$(dirname "$0")" && pwd)
SCRIPTS=$(cd "$here/../../scripts" && pwd)
BUILD=$(cd "$BUILD" && pwd)
RESULTS=${RESULTS:-$BUILD/results}
work=$BUILD/system/lane-$lane
passed=0 failed=0 skipped=0
qemu=

. "$SCRIPTS/nested.sh"
. "$SCRIPTS/lanes.sh"
. "$SCRIPTS/guest.sh"
. "$here/expand.sh"

say() { printf '%-4s %s: %s\n' "$1" "$lane${AS:+ as $AS}" "$2"; }
pass() { say ok "$1"; passed=$((passed + 1)); }
fail() { say FAIL "$1"; failed=$((failed + 1)); }
skip() { say SKIP "$1"; skipped=$((skipped + 1)); }

# The value of a directive of case directory $1.
directive() {
	local value
	value=$(sed -n "s/^$2 //p" "$1/spec" | tail -n 1)
	echo "${value:-$3}"
}

# How long the case of directory $1 may take.
limit() { echo "${CASE_SECONDS:-$(directive "$1" timeout 60)}"; }

# What the cases find in BUILD. Without the network there is no kernel, and
# what needs it is skipped.
prepare() {
	local tree=$BUILD/system/guest-tree
	cp "$here/prelude.sh" "$here/linuxnet.sh" "$SCRIPTS/guest.sh" \
		"$BUILD/system/"
	[ "$lane" != 1 ] || kvm_runs_kernels || return 0
	"$SCRIPTS/linux.sh" "$BUILD" || return 0
	command -v busybox >/dev/null || return 0
	rm -rf "$tree"
	guest_tree "$tree" "$SCRIPTS"
	"$SCRIPTS/initramfs.sh" "$tree" "$BUILD/system/guest.cpio"
	rm -r "$tree"
	[ "$BUILD/system/tools.img" -nt "$SCRIPTS/tools-image.sh" ] ||
		"$SCRIPTS/tools-image.sh" "$BUILD/system/tools.img"
}

# ---- lanes host and 1: here ------------------------------------------------
run_here() {
	local dir=$work/$1
	mkdir -p "$dir/cwd"
	(cd "$dir/cwd" && export LANE=$lane BUILD SCRIPTS ${CASE_ENV:-} && exec "$BUILD/system/caserun" \
		"$(limit "$dir")" "$dir/output" "$dir/result" \
		sh "$dir/script")
}

# ---- lane 2: in L1 ---------------------------------------------------------
# What L1's init runs: each case of /cases/todo in order; "begin" is told
# before it, its directory comes back as a tar after it.
lane2_job() {
	echo "CASE_ENV='${CASE_ENV:-}' AS='${AS:-}'"
	cat <<'JOB'
export BUILD=/build LANE=2 $CASE_ENV
exec 3>"$(port progress)" 4>"$(port results)"
if [ "$AS" = nobody ]; then
	mkdir -p /etc
	echo "nobody:x:65534:65534::/tmp:/bin/sh" >/etc/passwd
	chmod 666 /dev/kvm /dev/net/tun
	chmod 644 /dev/vda
fi
while read -r name seconds; do
	echo "begin $name $seconds" >&3
	mkdir -p "/tmp/cases/$name/cwd"
	cd "/tmp/cases/$name/cwd"
	set -- /build/system/caserun "$seconds" ../output ../result \
		sh "/cases/$name/script"
	if [ "$AS" = nobody ]; then
		chown -R 65534:65534 "/tmp/cases/$name"
		set -- su -s /bin/sh nobody -c "exec $*"
	fi
	"$@"
	cd /tmp/cases
	rm -rf "$name/cwd"
	tar -cf - "$name" >&4
	rm -rf "$name"
done </cases/todo
echo "end" >&3
JOB
}

lane2_base() {
	local tree=$BUILD/system/lane2-tree base=$BUILD/system/lane2-base.cpio
	rm -rf "$tree"
	nested_tree "$tree"
	mkdir -p "$tree/build/system" "$tree/build/linux" "$tree/build/tests"
	cp "$BUILD/mote" "$tree/build/"
	cp -r "$BUILD/linux/vmlinux" "$BUILD/linux/vmlinuz" \
		"$BUILD/linux/modules" "$tree/build/linux/"
	cp -r "$BUILD/guest" "$tree/build/"
	[ ! -d "$BUILD/tests/guest" ] ||
		cp -r "$BUILD/tests/guest" "$tree/build/tests/"
	find "$tree/build" -name '*.[od]' -delete
	for file in caserun ptyrun vsockload bytes messages guest.cpio \
		guest.sh prelude.sh linuxnet.sh; do
		cp "$BUILD/system/$file" "$tree/build/system/"
	done
	"$SCRIPTS/initramfs.sh" "$tree" "$base"
	rm -rf "$tree"
}

# Boot L1 with the cases named as arguments. Comes back when it is done, when it
# died, or when the case under way has exceeded its time; $hung names the case
# that was under way then.
lane2_boot() {
	local boot=$BUILD/system/lane2-boot name begun line since
	rm -rf "$boot"
	mkdir -p "$boot/tree/cases"
	for name in "$@"; do
		mkdir "$boot/tree/cases/$name"
		cp "$work/$name/script" "$boot/tree/cases/$name/"
		echo "$name $(limit "$work/$name")"
	done >"$boot/tree/cases/todo"
	lane2_job >"$boot/tree/job"
	: >"$boot/progress"
	nested_boot "$BUILD/system/lane2-base.cpio" "$boot" \
		-drive "if=none,id=tools,format=raw,readonly=on,file=$BUILD/system/tools.img" \
		-device virtio-blk-pci,drive=tools \
		-chardev "file,id=progress,path=$boot/progress" \
		-device virtserialport,chardev=progress,name=progress \
		-chardev "file,id=results,path=$boot/results" \
		-device virtserialport,chardev=results,name=results \
		</dev/null &
	qemu=$!
	since=$SECONDS begun='begin - 120'
	while kill -0 $qemu 2>/dev/null; do
		sleep 0.5
		line=$(tail -n 1 "$boot/progress")
		if [ "${line:-$begun}" != "$begun" ]; then
			begun=$line since=$SECONDS
		fi
		set -- $begun
		if [ $((SECONDS - since)) -gt $((${3:-0} + STALL)) ]; then
			kill -KILL $qemu
			break
		fi
	done
	wait $qemu 2>/dev/null
	qemu=
	hung=$(tail -n 1 "$boot/progress" | sed -n 's/^begin \([^ ]*\) .*/\1/p')
	[ ! -s "$boot/results" ] ||
		tar -x -i -f "$boot/results" -C "$work" 2>/dev/null
}

run_lane2() {
	local todo=("$@") name again failures=0
	lane2_base
	echo "     2: ${#todo[@]} cases in one boot; for the one under way see" \
		"$BUILD/system/lane2-boot/progress"
	while [ ${#todo[@]} -gt 0 ]; do
		lane2_boot "${todo[@]}"
		again=()
		for name in "${todo[@]}"; do
			if [ -s "$work/$name/result" ] ||
			   [ "$name" = "$hung" ]; then
				echo try >>"$work/$name/tries"
			fi
			if ! lane2_settled "$work/$name"; then
				rm -f "$work/$name/result"
				again+=("$name")
			fi
		done
		# Nobody's try: the lane itself did not come up, or ended early.
		if [ ${#again[@]} = ${#todo[@]} ] && [ -z "$hung" ]; then
			failures=$((failures + 1))
			echo "     2: no case ran, boot $failures of $TRIES:"
			tail -n 5 "$BUILD/system/lane2-boot/console.log" 2>&1
			[ $failures -lt $TRIES ] || return
		fi
		todo=(${again[@]+"${again[@]}"})
	done
}

# No more tries for the case in directory $1?
lane2_settled() {
	[ "$(tries "$1")" -lt $TRIES ] || return 0
	[ -s "$1/result" ] && ! grep -q timeout=1 "$1/result"
}

tries() {
	[ -e "$1/tries" ] && wc -l <"$1/tries" || echo 0
}

# ---- judgement -------------------------------------------------------------
# Why the case in directory $1 failed; nothing if it passed.
verdict() {
	local status timeout ms expected line
	if [ ! -s "$1/result" ]; then
		echo "never came back"
		return
	fi
	read -r status timeout ms <"$1/result"
	if [ "$timeout" = timeout=1 ]; then
		echo "still running after $(limit "$1") s"
		return
	fi
	expected=$(directive "$1" status 0)
	if [ "$status" != "status=$expected" ]; then
		echo "$status, not $expected"
		return
	fi
	tr -d '\r' <"$1/output" >"$1/text"
	while read -r line; do
		grep -qaE -e "$line" "$1/text" || echo "nothing matches /$line/"
	done < <(sed -n 's/^match //p' "$1/spec")
	while read -r line; do
		! grep -qaE -e "$line" "$1/text" || echo "something matches /$line/"
	done < <(sed -n 's/^lacks //p' "$1/spec")
}

judge() {
	local dir=$work/$1 why seconds='' note=''
	why=$(verdict "$dir")
	seconds=$(sed -n 's/.*ms=\(.*\)/\1/p' "$dir/result" 2>/dev/null)
	[ "$(tries "$dir")" -le 1 ] || note=", try $(tries "$dir") of $TRIES"
	if grep -q '^status=77 ' "$dir/result" 2>/dev/null; then
		skip "$1: $(tail -n 1 "$dir/output" | sed 's/^skip: //')"
		return
	fi
	if [ -z "$why" ]; then
		pass "$1 (${seconds:-?} ms$note)"
		return
	fi
	fail "$1: ${why//$'\n'/; }$note"
	[ ! -s "$dir/output" ] || tail -n 15 "$dir/output" | cat -v | sed 's/^/    | /'
}

# Why the case in directory $1 cannot run here; nothing if it can.
obstacle() {
	local memory available
	memory=$(directive "$1" memory 0)
	available=$(($(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' \
		/proc/meminfo) / 1024))
	if [ "$lane" = 1 ] && ! kvm_usable; then
		echo "no usable /dev/kvm"
	elif [ "$lane" = 2 ] && ! nested_usable; then
		echo "no QEMU, busybox or kernel for the nested lane"
	elif [ "$memory" -gt 0 ] && [ "$available" -lt $((memory + 1024)) ]; then
		echo "needs $((memory + 1024)) MiB of memory, $available are free"
	fi
}

# ---- main ------------------------------------------------------------------
cleanup() {
	[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null
}
trap cleanup EXIT
trap 'exit 130' INT TERM

rm -rf "$work"
mkdir -p "$work" "$RESULTS"
prepare
names=()
todo=()
NESTED_MEMORY=2048
for file in "$here"/cases/*.case; do
	while read -r name; do
		[[ $name == $pattern ]] && names+=("$name")
	done < <(expand "$file" "$lane" "$work")
done
for name in ${names[@]+"${names[@]}"}; do
	why=$(obstacle "$work/$name")
	if [ -n "$why" ]; then
		skip "$name: $why"
		continue
	fi
	memory=$(directive "$work/$name" memory 0)
	[ "$memory" -le "$NESTED_MEMORY" ] || NESTED_MEMORY=$memory
	todo+=("$name")
done

if [ "$lane" = 2 ] && [ ${#todo[@]} -gt 0 ]; then
	run_lane2 "${todo[@]}"
fi
for name in ${todo[@]+"${todo[@]}"}; do
	[ "$lane" = 2 ] || run_here "$name"
	judge "$name"
done
echo "$passed $failed $skipped" >"$RESULTS/system-$lane${AS:+-$AS}.counts"
[ "$failed" -eq 0 ]
