#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Boot one image and say what it cost: measure.sh IMAGE
#
# Runs on the host, or under busybox in the nested lane; needs BUILD. An image
# that ends by itself within QUICK seconds is then run RUNS times more, quietly,
# beside the floor (the same KVM calls with nothing around them).
set -u

QUICK=${QUICK:-1}
RUNS=${RUNS:-20}
image=$1
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# field NAME: the median of it in the report
field() {
	sed -n "s/.*$1=\(-*[0-9]*\).*/\1/p" "$report" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

ms() { awk -v us="$1" 'BEGIN { printf "%.2f ms", us / 1000 }'; }
row() { printf '%-16s %14s %14s\n' "$@"; }
figures() { row "$1" "$(ms "$(field first_us)")" "$(ms "$(field exit_us)")"; }

# many NAME COMMAND...: medians of RUNS runs, and what is resident at the end
many() {
	name=$1
	shift
	"$BUILD/bench/timer" -n "$RUNS" -q -o "$report" "$@" </dev/null
	figures "$name"
	"$BUILD/bench/timer" -m -o "$report" "$@" </dev/null
	memory="$memory$name $(field rss_kib) KiB, "
	memory="$memory$(field anon_kib) of them anonymous
"
}

"$BUILD/bench/timer" -t 86400 -o "$report" "$BUILD/mote" run "$image"
status=$?
echo
row 'from exec' 'to first byte' 'to reaped'
figures 'this run'
memory=
if [ $status -eq 0 ] && [ "$(field exit_us)" -lt ${QUICK}000000 ]; then
	many "median of $RUNS" "$BUILD/mote" run "$image"
	many 'bare KVM calls' "$BUILD/bench/floor"
	echo
	echo 'memory at the end, with the pages the guest touched:'
	printf '%s' "$memory" | sed "s/^median of $RUNS/mote/"
fi
exit $status
