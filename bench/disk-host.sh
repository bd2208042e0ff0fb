#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 4 KiB random reads from a file in the page cache, depth 32: the kit's
# blkbench in a VM against fio on the host, on the same file, in turns. Needs
# BUILD and a /dev/kvm that can be used.
#
#   ROUNDS=9            rounds of both in turn
#   SECONDS_EACH=1      how long each takes
#   IMAGE=              the file; made (256 MiB) if it is not there
#   WAIT=poll           or `wait`: how the guest hears of what is done
#   MOTE_B=             a second mote, to compare two builds
#
# fio runs one job with io_uring and its defaults but for what makes the two
# comparable: --invalidate=0, or it would drop the file from the page cache
# first. The guest keeps a CPU busy and the I/O thread another: on a host with
# other work on its CPUs the best rounds say more than the medians.
#
# Output: BUILD/bench/disk-host.tsv (who, requests a second), a table of
# medians and best rounds, and what mote's last round took for each request:
# doorbells, exits, interrupts and system calls.
set -eu

BUILD=$(cd "$BUILD" && pwd)
ROUNDS=${ROUNDS:-9}
SECONDS_EACH=${SECONDS_EACH:-1}
WAIT=${WAIT:-poll}
out=$BUILD/bench
IMAGE=${IMAGE:-$out/disk-host.img}

mkdir -p "$out"
work=$(mktemp -d "$out/disk-host.XXXXXX")
trap 'rm -rf "$work"' EXIT
[ -e "$IMAGE" ] || dd if=/dev/urandom of="$IMAGE" bs=1M count=256 status=none
cat "$IMAGE" >/dev/null # into the page cache

fio_iops() {
	fio --name=host --filename="$IMAGE" --rw=randread --bs=4k \
		--ioengine=io_uring --iodepth=32 --invalidate=0 --readonly \
		--time_based --runtime="$SECONDS_EACH" --minimal |
		cut -d';' -f8
}

mote_iops() {
	timeout 60 "$1" run --memory 128M --timing="json:$work/timing" \
		--disk "path=$IMAGE,ro" "$BUILD/guest/blkbench" -- \
		read "$WAIT" depth=32 seconds="$SECONDS_EACH" |
		tr -d '\r' >"$work/line"
	sed -n 's/.*iops=\([0-9]*\).*/\1/p' "$work/line"
}

: >"$out/disk-host.tsv"
round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	printf 'fio\t%s\n' "$(fio_iops)"
	[ -z "${MOTE_B:-}" ] || printf 'mote-b\t%s\n' "$(mote_iops "$MOTE_B")"
	printf 'mote\t%s\n' "$(mote_iops "$BUILD/mote")"
done >>"$out/disk-host.tsv"

sort -k1,1 -k2,2n "$out/disk-host.tsv" | awk '
	{ v[$1, ++n[$1]] = $2 }
	END {
		printf "%-8s%12s%12s\n", "", "median", "best"
		for (who in n) {
			median[who] = v[who, int((n[who] + 1) / 2)]
			best[who] = v[who, n[who]]
			printf "%-8s%12d%12d\n", who, median[who], best[who]
		}
		for (who in n)
			if (who != "fio")
				printf "%s/fio%s%8.2f%12.2f\n", who,
					who == "mote" ? "  " : "",
					median[who] / median["fio"],
					best[who] / best["fio"]
	}'

# How often a step of the ladder was taken, in all.
taken() {
	tr '{' '\n' <"$work/timing" |
		sed -n "s/.*\"name\":\"$1\".*\"count\":\([0-9]*\).*/\1/p" |
		awk '{ n += $1 } END { print n + 0 }'
}
requests=$(sed -n 's/.*requests=\([0-9]*\).*/\1/p' "$work/line")
doorbells=$(sed -n 's/.*doorbells=\([0-9]*\).*/\1/p' "$work/line")
awk -v requests="$requests" -v doorbells="$doorbells" -v runs="$(taken RUN)" \
	-v enters="$(taken io_uring_enter)" -v msis="$(taken SIGNAL_MSI)" '
	BEGIN {
		printf "a request: %.4f doorbells, %.4f exits to the " \
			"monitor, %.4f interrupts, %.4f io_uring_enter\n",
			doorbells / requests, runs / requests,
			msis / requests, enters / requests
	}'
