#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A target's fuzzer until it has had its seconds of CPU, however busy the
# machine is: long.sh TARGET SECONDS
#
# Environment: BUILD. What it finds stays in BUILD/fuzz/corpus-TARGET; an input
# that fails ends this with status 1 and is in BUILD/fuzz/TARGET-*.
set -eu

target=$1 seconds=$2
# absolute: a target may change the directory
BUILD=$(cd "$BUILD" && pwd)
seeds=$PWD/tests/fuzz/corpus/$target
corpus=$BUILD/fuzz/corpus-$target log=$BUILD/fuzz/$target.log
mkdir -p "$corpus"
TIMEFORMAT='%U %S'
used=0
while [ "$used" -lt "$seconds" ]; do
	cpu=$({ time "$BUILD/fuzz/$target" -print_final_stats=1 \
		-max_total_time=$((seconds - used)) \
		-artifact_prefix="$BUILD/fuzz/$target-" \
		"$corpus" "$seeds" >"$log" 2>&1; } 2>&1) || {
		tail -n 30 "$log"
		echo "FAIL fuzz: $target ($log)"
		exit 1
	}
	used=$(awk -v used="$used" '{ print int(used + $1 + $2 + 1) }' <<<"$cpu")
done
echo "$target: $used s of CPU," \
	"$(sed -n 's/.*number_of_executed_units: *//p' "$log") inputs in the" \
	"last run, $(find "$corpus" -type f | wc -l) kept"
