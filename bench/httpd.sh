#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-httpd`: the kit's web server on mote behind a TAP, beside the same
# program (lwIP and all) as a Linux process on the same TAP.
#
# Requests per second with 32 connections, and the round trip of one request
# with 1 connection, both by wrk; medians of ROUNDS, the programs in turn.
# Raw samples go to BUILD/bench/httpd.samples.
set -eu

ROUNDS=${ROUNDS:-5}
SECONDS_EACH=${SECONDS_EACH:-2}
. "$(dirname "$0")/../scripts/lanes.sh"

for tool in wrk ip unshare; do
	command -v $tool >/dev/null || { echo "bench: no $tool" >&2; exit 1; }
done
[ -f "$BUILD/guest/httpd" ] || { echo "bench: no lwIP, no httpd" >&2; exit 1; }
kvm_usable || { echo "bench: no usable /dev/kvm" >&2; exit 1; }
if [ -z "${OWN_NETWORK:-}" ]; then
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root=-r
	OWN_NETWORK=1 exec unshare -n $as_root "$0"
fi

samples=$BUILD/bench/httpd.samples
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL $pid 2>/dev/null || :; rm -rf "$dir"' EXIT
: >"$samples"
ip link set lo up
ip tuntap add dev tap0 mode tap
ip address add 10.0.9.1/24 dev tap0
ip link set tap0 up
words="ip=10.0.9.2/24"

measure() { # PROGRAM COMMAND...
	local name=$1 out rate trip
	shift
	"$@" >"$dir/out" 2>&1 </dev/null &
	pid=$!
	until grep -q http: "$dir/out"; do
		kill -0 $pid || { cat "$dir/out" >&2; exit 1; }
		sleep 0.05
	done
	rate=$(wrk -t1 -c32 -d${SECONDS_EACH}s http://10.0.9.2/ |
		sed -n 's/^Requests.sec: *//p')
	trip=$(wrk -t1 -c1 -d${SECONDS_EACH}s http://10.0.9.2/ |
		awk '/^Requests.sec/ { printf "%.1f", 1e6 / $2 }')
	kill -KILL $pid
	wait $pid 2>/dev/null || :
	pid=
	# The ring that held the TAP goes a little later than its process.
	until ip -o link show tap0 | grep -q NO-CARRIER; do
		sleep 0.05
	done
	ip neighbour flush dev tap0
	echo "$name $rate $trip" >>"$samples"
}

median() { # PROGRAM COLUMN
	awk -v p="$1" -v c="$2" '$1 == p { print $c }' "$samples" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for ((i = 0; i < ROUNDS; i++)); do
	measure process env TAP=tap0 "$BUILD/bench/httpd-host" $words
	measure mote "$BUILD/mote" run --memory 64M --net tap=tap0 \
		"$BUILD/guest/httpd" -- $words
	measure mote-poll "$BUILD/mote" run --memory 64M --net tap=tap0 \
		"$BUILD/guest/httpd" -- $words poll
done
printf '%-10s %14s %16s\n' '' 'requests/s' 'round trip, us'
for name in process mote mote-poll; do
	printf '%-10s %14s %16s\n' $name "$(median $name 2)" "$(median $name 3)"
done
