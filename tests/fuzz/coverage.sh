#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which lines of devices/ and bootproto/ the fuzz targets reach:
# coverage.sh TARGET...
#
# Environment: BUILD, with the replays in BUILD/cov; LLVM, the suffix of LLVM's
# programs ("-14"). Replays tests/fuzz/corpus/TARGET, and what fuzzing found in
# BUILD/fuzz/corpus-TARGET, then runs the unit tests, and prints a table of
# lines for either. LCOV=FILE gets the corpora's lines in lcov's format. Fails
# where the corpora alone reach less than 90 %.
set -eu

BUILD=$(cd "$BUILD" && pwd) # targets go into directories of their own
cov=$BUILD/cov
raw=$cov/raw
rm -rf "$raw"
mkdir -p "$raw"

objects=
for target in "$@"; do
	dirs=tests/fuzz/corpus/$target
	[ ! -d "$BUILD/fuzz/corpus-$target" ] ||
		dirs="$dirs $BUILD/fuzz/corpus-$target"
	LLVM_PROFILE_FILE=$raw/fuzz-$target "$cov/replay_$target" $dirs 2>/dev/null
	objects="$objects ${objects:+-object} $cov/replay_$target"
done
# (one process for each test, all into one file)
LLVM_PROFILE_FILE="$raw/unit-%4m" "$cov/unit" -j2 >"$cov/unit.log" 2>&1 ||
	tail -n 5 "$cov/unit.log"

# report TITLE PROFILE OBJECT...
report() {
	title=$1 profile=$2
	shift 2
	"llvm-cov$LLVM" report -instr-profile "$profile" "$@" \
		devices bootproto >"$cov/report"
	echo "-- $title: lines, of which not reached"
	awk '/^[^ ]*\.[ch] / || /^TOTAL/ {
		printf "%-24s %6d %5d %8s\n", $1, $8, $9, $10
	}' "$cov/report"
}

"llvm-profdata$LLVM" merge -o "$cov/fuzz.prof" "$raw"/fuzz-*
"llvm-profdata$LLVM" merge -o "$cov/all.prof" "$raw"/fuzz-* "$raw"/unit-*
report "reached by the fuzz corpora" "$cov/fuzz.prof" $objects
percent=$(awk '/^TOTAL/ { print int($10) }' "$cov/report")
report "reached by the corpora or the unit tests" "$cov/all.prof" $objects \
	-object "$cov/unit"
[ -z "${LCOV:-}" ] ||
	"llvm-cov$LLVM" export -format lcov -instr-profile "$cov/fuzz.prof" \
		$objects devices bootproto >"$LCOV"
[ "$percent" -ge 90 ] || {
	echo "FAIL coverage: $percent %, not 90"
	exit 1
}
