#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make test` once everything is built: test.sh FUZZ_NAME...
#
# Runs unit tests, fuzz corpora, proofs, host checks, lane 1 and lane 2, some of lane 1
# as an unprivileged user, and a comparison with the commit before
# (BASE=COMMIT: with that one), each to its end whatever the others say. Each
# leaves a file of "passed failed skipped"
# in BUILD/results; their sums are the last line, and the exit status is 1 if
# anything failed, or if a part left no counts.
set -u

here=$(cd "$(dirname "$0")" && pwd)
export BUILD RESULTS="$BUILD/results"

. "$here/../scripts/lanes.sh"

part() { echo "-- $*"; }

# TAP on stdin -> counts
tap_counts() {
	awk '/^ok .*# SKIP/ { skipped++; next } /^ok / { passed++ }
	     /^not ok / { failed++ }
	     END { print passed + 0, failed + 0, skipped + 0 }'
}

# A part that died before its count was complete has failed once more.
unit() {
	"$BUILD/tests/unit" --tap="$RESULTS/unit.tap"
	unit_status=$?
	counts=$(tap_counts <"$RESULTS/unit.tap")
	set -- ${counts:-0 0 0}
	if [ "$unit_status" -ne 0 ] && [ "$2" -eq 0 ]; then
		echo "FAIL unit: ended with status $unit_status"
		set -- "$1" 1 "$3"
	fi
	echo "$1 $2 $3" >"$RESULTS/unit.counts"
}

replay() {
	if "$BUILD/tests/replay_$1" "$here/fuzz/corpus/$1"; then
		echo "1 0 0" >"$RESULTS/fuzz-$1.counts"
	else
		echo "FAIL fuzz: $1"
		echo "0 1 0" >"$RESULTS/fuzz-$1.counts"
	fi
}

# Is the monitor slower than it was? In instructions: see bench/compare.sh.
compare() {
	BASE=${BASE:-before} SHORT=1 "$here/../bench/compare.sh" \
		>"$RESULTS/compare.out"
	compare_status=$?
	compare_said=$(tail -n 1 "$RESULTS/compare.out")
	: "${compare_said:=compare: no result, see above}"
	grep '^[^#]*	' "$RESULTS/compare.out"
	case $compare_status in
	0) echo "ok   ${compare_said#bench-}" && set -- 1 0 0 ;;
	77) echo "SKIP compare: $compare_said" && set -- 0 0 1 ;;
	*) echo "FAIL ${compare_said#bench-}" && set -- 0 1 0 ;;
	esac
	echo "$*" >"$RESULTS/compare.counts"
}

# Once for all three: a minute of CPU.
prove() {
	prove_said=$("$here/prove/prove.sh" "$BUILD/prove" 2>&1)
	case $? in
	0) counts="1 0 0" ;;
	77) counts="0 0 1" prove_said="SKIP prove: ${prove_said#skip: }" ;;
	*) counts="0 1 0" ;;
	esac
	echo "$prove_said"
	echo "$counts" >"$RESULTS/prove.counts"
}

rm -rf "$RESULTS"
mkdir -p "$RESULTS"
part unit tests
unit
part fuzz corpora
for name in "$@"; do
	replay "$name"
done
part proofs
prove
for lane in host 1 2; do
	part "system cases, lane $lane"
	"$here/system/run.sh" "$lane"
	[ -s "$RESULTS/system-$lane.counts" ] ||
		echo "0 1 0" >"$RESULTS/system-$lane.counts"
done
# All of it, in a user namespace and in a container too: make check-as.
some='@(kit-*|blk-*|lock-[!r]*|lock-require)'
if kvm_usable; then
	part "system cases, lane 1 as an unprivileged user"
	"$here/system/run-as.sh" nobody "$some"
	lane=1
else
	part "system cases, lane 2 as an unprivileged user"
	AS=nobody "$here/system/run.sh" 2 "$some"
	lane=2
fi
[ -s "$RESULTS/system-$lane-nobody.counts" ] ||
	echo "0 1 0" >"$RESULTS/system-$lane-nobody.counts"
part start-up, in instructions
compare

cat "$RESULTS"/*.counts | awk '
	{ passed += $1; failed += $2; skipped += $3 }
	END {
		printf "%d passed, %d failed, %d skipped\n",
			passed, failed, skipped
		exit failed > 0
	}'
