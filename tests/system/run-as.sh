#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Lane 1 of the system cases as somebody else: run-as.sh WHO [NAME PATTERN]
#
#   nobody      an unprivileged user whose one right is to open /dev/kvm
#   userns      the same, as root of a user namespace of its own, which is what
#               "rootless" containers are
#   container   root in a container of podman's, with its default capabilities
#               and its seccomp profile, to which io_uring's calls are added
#               (its authors forbid them); not root's capabilities
#
# (Lane 2 as nobody: AS=nobody run.sh 2.)
#
# Takes root. What was built is copied to where all may go: a user may not
# reach the checkout. /dev/kvm is the user's in a mount namespace, so the
# host's stays as it is. Environment and results as run.sh, which runs the
# cases; the counts are in RESULTS/system-1-WHO.counts.
set -u

who=$1
pattern=${2:-*}
here=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$BUILD" && pwd)
RESULTS=${RESULTS:-$BUILD/results}
NOBODY=65534

. "$here/../../scripts/lanes.sh"

# One that cannot be run counts as one skipped.
skip() {
	echo "SKIP 1 as $who: $1"
	echo "0 0 1" >"$RESULTS/system-1-$who.counts"
	exit 0
}

mkdir -p "$RESULTS"
kvm_usable || skip "no usable /dev/kvm"
[ "$(id -u)" -eq 0 ] || skip "takes root to become somebody else"

stage=$(mktemp -d "${TMPDIR:-/tmp}/mote-as.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT TERM

# What the cases use of BUILD, and the scripts, in the tree's shape.
copy() {
	local build=$stage/tree/build name
	mkdir -p "$build/system" "$build/tests" "$stage/tree/tests"
	cp -r "$here/../../scripts" "$stage/tree/"
	cp -r "$here" "$stage/tree/tests/"
	for name in mote guest tests/guest tests/attack bench system/caserun \
		system/ptyrun system/vsockload system/tools.img; do
		[ ! -e "$BUILD/$name" ] || cp -r "$BUILD/$name" "$build/$name"
	done
	if kvm_runs_kernels; then
		cp -r "$BUILD/linux" "$build/"
	fi
	find "$build" -name '*.[od]' -delete
	chmod 755 "$stage"
	chmod -R a+rX "$stage/tree"
}

# In a mount namespace of our own: a /dev/kvm that group $1 may open.
give_kvm() {
	local major minor
	major=$((0x$(stat -c %t /dev/kvm))) minor=$((0x$(stat -c %T /dev/kvm)))
	mkdir "$stage/dev" &&
		mount -t tmpfs -o mode=755 dev "$stage/dev" &&
		mknod -m 660 "$stage/dev/kvm" c "$major" "$minor" &&
		chgrp "$1" "$stage/dev/kvm" &&
		mount --bind "$stage/dev/kvm" /dev/kvm
}

# A group that is nobody's, so that it gives no other right.
as_nobody() {
	local group=64999
	give_kvm $group || exit 77
	chown -R $NOBODY:$NOBODY "$stage/tree"
	exec setpriv --reuid $NOBODY --regid $NOBODY --groups $group \
		--inh-caps -all --ambient-caps -all -- "$@"
}

# podman's own profile, and three calls.
profile() {
	local file=/usr/share/containers/seccomp.json
	local names='"io_uring_setup", "io_uring_enter", "io_uring_register"'
	local allow="{ \"names\": [$names], \"action\": \"SCMP_ACT_ALLOW\" },"
	[ -e $file ] || return 1
	sed "0,/\"syscalls\": *\[/s//& $allow/" $file
}

in_container() {
	local root=$stage/root
	mkdir -p "$root/tmp" "$root/usr" "$root/etc/alternatives"
	echo 'root:x:0:0::/tmp:/bin/sh' >"$root/etc/passwd"
	for dir in bin sbin lib lib64; do
		[ ! -L /$dir ] || ln -s "usr/$dir" "$root/$dir"
	done
	profile >"$stage/profile.json" || return 77
	podman --root "$stage/store" --runroot "$stage/run" \
		--storage-driver vfs --cgroup-manager cgroupfs --runtime runc \
		run --rm --network none --ulimit nofile=1024:1024 \
		--ulimit nproc=1000:1000 --device /dev/kvm \
		--security-opt "seccomp=$stage/profile.json" \
		-v /usr:/usr:ro -v /etc/alternatives:/etc/alternatives:ro \
		-v "$stage/tree:/tree" \
		-e BUILD -e RESULTS -e AS -e CC \
		--rootfs "$root" "$@"
}

copy
tree=$stage/tree
[ "$who" != container ] || tree=/tree
export AS=$who BUILD=$tree/build
set -- env RESULTS="$tree/results" bash "$tree/tests/system/run.sh" 1 "$pattern"
case $who in
nobody | userns)
	unshare -m true 2>/dev/null || skip "no right to make a mount namespace"
	[ "$who" = nobody ] || set -- unshare --user --map-root-user "$@"
	export -f as_nobody give_kvm
	export stage NOBODY
	unshare -m --propagation private bash -c 'as_nobody "$@"' as "$@"
	;;
container)
	for tool in podman runc; do
		command -v $tool >/dev/null || skip "$tool is not installed"
	done
	in_container "$@"
	;;
*)
	echo "run-as: nobody, userns or container, not $who" >&2
	exit 2
	;;
esac
status=$?
[ $status -ne 77 ] || skip "the host does not let us (see above)"
cp "$stage/tree/results/system-1-$who.counts" "$RESULTS/" ||
	status=1
exit $status
