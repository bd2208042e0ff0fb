#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proofs that the guest-memory translator and the virtqueue have no run-time
# error, whatever the guest's memory holds: prove.sh [LOG DIRECTORY]
#
# Eva (abstract interpretation) analyses prove_mem() and prove_virtq() with
# everything they call, and must raise no alarm; WP proves the contracts of the
# chain walker (contracts.h) with Z3 and CVC4. In both, an access outside an
# object, an overflow, a division by zero and the like is a failure.
#
# Debian: frama-c-base why3 z3 cvc4. Without them: status 77.
set -u
cd "$(dirname "$0")/../.."

for tool in frama-c why3 z3 cvc4; do
	command -v $tool >/dev/null || {
		echo "skip: $tool is not installed (apt-get install" \
			"frama-c-base why3 z3 cvc4)"
		exit 77
	}
done
logs=${1:-$(mktemp -d)}
mkdir -p "$logs"

# frama LOG ARGUMENT...: with the tree's ways to read C
frama() {
	log=$logs/$1.log
	shift
	timeout 600 frama-c -machdep gcc_x86_64 -c11 \
		-cpp-extra-args="-I. -include tests/prove/prove.h" "$@" \
		>"$log" 2>&1
	frama_status=$?
	[ $frama_status -eq 0 ] || {
		tail -n 20 "$log"
		echo "FAIL prove: frama-c ends with $frama_status ($log)"
		exit 1
	}
}

# eva NAME FILE...: no alarm, and every precondition and contract holds.
# Comparing pointers of two regions of RAM is defined where mote runs.
eva() {
	name=$1
	shift
	frama "eva-$name" "$@" -eva -main "prove_$name" -eva-slevel 1000000 \
		-eva-use-spec walk -eva-warn-undefined-pointer-comparison none \
		-eva-split-return-function mem_at:0,in_ram:0,place:0,virtq_start:0 \
		-eva-no-show-progress -eva-msg-key=-final-states,-initial-state
	if ! grep -q '^  0 alarms generated' "$log" ||
	   ! grep -q '^  100% of the logical properties' "$log" ||
	   grep -q 'got status' "$log"; then
		grep -A 3 'eva:alarm\|got status' "$log"
		echo "FAIL prove: Eva, $name ($log)"
		exit 1
	fi
	echo "proved by Eva: $name," \
		"$(sed -n 's/.* \([0-9]* statements reached\).*/\1/p' "$log")"
}

# (WP's memory model takes casts between pointers to bytes and to descriptors for
# what they are here, the same address; it would not see aliases made by them,
# and walk() makes none.)
# WP's provers are known to why3 by its configuration file.
export WHY3CONFIG="$logs/why3.conf"
why3 config detect >/dev/null 2>&1

wp() {
	frama wp tests/prove/virtq.c -wp -wp-rte -wp-model Typed+Cast \
		-wp-fct walk,add_range,enter_table -wp-prover z3,cvc4 \
		-wp-timeout 30 -wp-par 2
	goals=$(sed -n 's/.*Proved goals: *//p' "$log")
	set -- $goals # proved / all
	if [ $# -ne 3 ] || [ "$1" -ne "$3" ] || [ "$1" -lt 100 ]; then
		grep -A 1 'Goal .*: *\(Failed\|Timeout\|Unknown\|Stepout\)' "$log"
		echo "FAIL prove: WP, ${goals:-no} goals ($log)"
		exit 1
	fi
	echo "proved by WP: the chain walker, $goals goals"
}

eva mem monitor/mem.c tests/prove/mem.c
eva virtq monitor/mem.c tests/prove/virtq.c
wp
