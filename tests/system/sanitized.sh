#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lane 1 with a monitor under sanitizers: sanitized.sh MOTE DIR PATTERN...
#
# MOTE, which check-asan-lane1 and check-tsan-lane1 (tests.mk) build against
# the host's C library, takes mote's place in the build tree DIR, which
# otherwise is BUILD. A sanitizer makes system calls of its own: so the lock's
# filters only log. The first report ends the process, and so fails the case.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mote=$(cd "$(dirname "$1")" && pwd)/${1##*/}
dir=$2
shift 2
BUILD=$(cd "$BUILD" && pwd)
mkdir -p "$dir/system"
dir=$(cd "$dir" && pwd)
for part in guest bench tests; do
	ln -sfn "$BUILD/$part" "$dir/$part"
done
for helper in "$BUILD"/system/*; do
	[ ! -f "$helper" ] || ln -sf "$helper" "$dir/system/"
done
cat >"$dir/mote.new" <<MOTE
#!/bin/sh
export TSAN_OPTIONS=halt_on_error=1
case \$1 in
run) shift; exec '$mote' run --lock log "\$@" ;;
*) exec '$mote' "\$@" ;;
esac
MOTE
chmod +x "$dir/mote.new"
mv "$dir/mote.new" "$dir/mote"
for pattern; do
	BUILD=$dir "$here/run.sh" 1 "$pattern"
done
