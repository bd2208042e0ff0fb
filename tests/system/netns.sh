# SPDX-License-Identifier: Apache-2.0
# Words for cases in a network namespace of their own, and for httpd in it.
# To be sourced by a case of lane 1:  . "$SCRIPTS/../tests/system/netns.sh"
#
# The namespace, its TAPs and routes go with the last process in it.

skip() {
	echo "skip: $*"
	exit 77
}

# needs COMMAND...: or the case is skipped
needs() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# own_network: begin the case again in a network namespace, and where one is
# not root, in a user namespace
own_network() {
	[ -z "${OWN_NETWORK:-}" ] || return 0
	needs unshare ip
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root=-r
	unshare -n $as_root true 2>/dev/null ||
		skip "no right to make a network namespace"
	OWN_NETWORK=1 exec unshare -n $as_root sh "$0"
}

# httpd_start [MOTE OPTION...]: serve in the background, output to the file
# `out`; mote is process $pid. GUEST_ARGS are the server's.
httpd_start() {
	[ -f "$BUILD/guest/httpd" ] || skip "httpd was not built: no lwIP"
	rm -f out # the one before says that it serves, until it is truncated
	"$MOTE" run --memory 64M "$@" "$BUILD/guest/httpd" \
		-- $GUEST_ARGS >out 2>&1 </dev/null &
	pid=$!
	wait_for "httpd: http" out
}

# fetch URL BYTES: the page is that long, to its last byte
fetch() {
	curl -sS -m 20 -o page "$1" || fail "curl $1: status $?"
	[ "$(wc -c <page)" -eq "$2" ] || fail "$(wc -c <page) bytes, not $2"
	head -n 1 page | grep -q 'comes from a unikernel' || fail "$(head page)"
	[ "$(tail -c 1 page | od -An -tx1)" = " 0a" ] || fail "no end"
}

# load URL REQUESTS: by wrk, until so many are answered, and none is lost.
# Their number is added to $completed.
completed=0
load() {
	load_end=$((completed + $2))
	while [ $completed -lt $load_end ]; do
		wrk -t1 -c32 -d2s --timeout 20s "$1" >wrk.out || fail "wrk"
		! grep -E 'Socket errors|Non-2xx' wrk.out || fail "lost"
		completed=$((completed +
			$(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' wrk.out)))
		sed -n 's/^Requests/wrk: requests/p' wrk.out
	done
}

# killed_client URL: one that is killed in the middle
killed_client() {
	wrk -t1 -c32 -d20s "$1" >/dev/null 2>&1 &
	client=$!
	sleep 0.5
	kill -KILL $client
	wait $client 2>/dev/null
}

# What mote has: KiB of memory, descriptors
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$pid/status; }
fds() { ls /proc/$pid/fd | wc -l; }

# no_leak KIB DESCRIPTORS: more than it had then, and some slack for the first
# touch of memory that was there already
no_leak() {
	echo "memory $1 then $(rss) KiB, descriptors $2 then $(fds)"
	[ "$(rss)" -le $(($1 + 256)) ] || fail "memory"
	[ "$(fds)" -le "$2" ] || fail "descriptors"
}

# httpd_end [URL]: its end, asked for at URL/quit; it must have answered all
# that wrk got
httpd_end() {
	[ $# -eq 0 ] || curl -s -m 20 -o page "$1quit" || fail "curl /quit: $?"
	wait $pid || fail "mote ended with $?: $(cat out)"
	cat out
	served=$(sed -n 's/^httpd: requests=\([0-9]*\) .*/\1/p' out)
	[ "$served" -ge "$completed" ] || fail "$served of $completed answered"
	echo "answered all $completed"
}
