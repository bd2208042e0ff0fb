#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make run`: boot an example of the kit with its times: run.sh EXAMPLE
# Where /dev/kvm cannot be used, in the nested lane.
# httpd gets a network by passt: it is reached at port PORT (8080) of this host.
set -eu

SCRIPTS=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$BUILD" && pwd)
export BUILD
example=$1

. "$SCRIPTS/lanes.sh"
. "$SCRIPTS/nested.sh"

if [ ! -f "$BUILD/guest/$example" ]; then
	echo "run: no example $example; there are:" >&2
	find "$BUILD/guest" -maxdepth 1 -type f -perm /111 -printf '  %f\n' |
		sort >&2
	exit 1
fi

# A passt of our own, so that a port can be forwarded; it ends with us.
run_httpd() {
	port=${PORT:-8080}
	if ! kvm_usable || ! command -v passt >/dev/null; then
		echo "run: httpd needs a usable /dev/kvm, and passt for its" \
			"network (apt install passt)" >&2
		exit 1
	fi
	dir=$(mktemp -d) passt=
	trap 'kill $passt 2>/dev/null || :; rm -rf "$dir"' EXIT
	trap 'exit 130' INT TERM
	runas=
	[ "$(id -u)" -ne 0 ] || runas="--runas 0"
	passt --socket "$dir/net" -f -q -4 -t "$port:80" $runas \
		>"$dir/log" 2>&1 &
	passt=$!
	# there, and listened at: for a moment it is not
	until grep -q " 00010000 .* $dir/net\$" /proc/net/unix; do
		if ! kill -0 $passt 2>/dev/null; then
			echo "run: passt could not start:" >&2
			grep -v syslog "$dir/log" >&2
			exit 1
		fi
		sleep 0.05
	done
	echo "run: try  curl http://127.0.0.1:$port/  (Ctrl-C ends it)"
	status=0
	"$BUILD/mote" run --net "passt=$dir/net" "$BUILD/guest/httpd" ||
		status=$?
	exit $status
}

[ "$example" != httpd ] || run_httpd

if kvm_usable; then
	exec "$SCRIPTS/measure.sh" "$BUILD/guest/$example"
fi

echo "run: no usable /dev/kvm (see build/mote check): running in the nested" \
	"lane, a" >&2
echo "     Debian kernel under QEMU's TCG, whose times say little." >&2
"$SCRIPTS/linux.sh" "$BUILD"
dir=$BUILD/nested/run
tree=$dir/base
rm -rf "$dir"
mkdir -p "$dir/tree" "$tree/build/guest" "$tree/build/bench"
nested_tree "$tree"
cp "$BUILD/mote" "$SCRIPTS/measure.sh" "$tree/build/"
cp "$BUILD/guest/$example" "$tree/build/guest/"
cp "$BUILD/bench/floor" "$BUILD/bench/timer" "$tree/build/bench/"
"$SCRIPTS/initramfs.sh" "$tree" "$dir/base.cpio"
cat >"$dir/tree/job" <<JOB
export BUILD=/build QUICK=5
exec 5>"\$(port output)" 6>"\$(port status)"
sh /build/measure.sh /build/guest/$example </dev/null >&5 2>&1
echo \$? >&6
JOB
status=0
nested_run "$dir/base.cpio" "$dir" \
	-chardev "file,id=output,path=$dir/output" \
	-device virtserialport,chardev=output,name=output || status=$?
cat "$dir/output"
exit $status
