#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing from Debian's packages: deps.sh SET...
#
# Sets: build (the monitor and its guests), nested (Linux guests and the nested
# lane), run (the same, but only where /dev/kvm cannot be used), test
# (everything `make test` runs but proofs), prove (those), bench (`make bench`).
#
# MOTE_DEPS=ask   ask when someone sits at a terminal, else install (default)
#           yes   install without asking
#           no    install nothing: name what is missing and fail
#           skip  do not even look
#
# Says what it installs; costs one dpkg-query when nothing is missing.
set -eu

BUILD_PACKAGES="gcc libc6-dev binutils xz-utils musl-tools liburing-dev \
	libseccomp-dev"
NESTED_PACKAGES="qemu-system-x86 busybox-static lz4 cpio"
TEST_PACKAGES="$NESTED_PACKAGES libcriterion-dev acpica-tools e2fsprogs fio \
	passt wrk curl iproute2 iperf3 socat tcpdump"
PROVE_PACKAGES="frama-c-base why3 z3 cvc4" # a gigabyte on the disk

. "$(dirname "$0")/lanes.sh"

say() { echo "deps: $*" >&2; }

packages=
for set in "$@"; do
	case $set in
	build) packages="$packages $BUILD_PACKAGES" ;;
	nested) packages="$packages $NESTED_PACKAGES" ;;
	run) kvm_usable || packages="$packages $NESTED_PACKAGES" ;;
	bench) packages="$packages qemu-system-x86 gnuplot-nox" ;;
	test) packages="$packages $TEST_PACKAGES" ;;
	prove) packages="$packages $PROVE_PACKAGES" ;;
	*) say "no such set: $set"; exit 2 ;;
	esac
done
choice=${MOTE_DEPS:-ask}
[ "$choice" != skip ] || exit 0

if ! command -v dpkg-query >/dev/null; then
	say "not a Debian: what Debian calls$packages must be there already"
	exit 0
fi

have=$(dpkg-query -W -f '${db:Status-Status} ${Package} ' $packages \
	2>/dev/null || true)
missing=
for package in $packages; do
	case " $have" in
	*" installed $package "*) ;;
	*) case " $missing " in
	   *" $package "*) ;;
	   *) missing="$missing $package" ;;
	   esac ;;
	esac
done
[ -n "$missing" ] || exit 0

by_hand="apt-get install --no-install-recommends$missing"
if [ "$choice" = no ]; then
	say "MOTE_DEPS=no, so nothing is installed. Missing:$missing"
	say "by hand: $by_hand"
	exit 1
fi
if [ "$choice" = ask ] && [ -t 0 ] && [ -t 2 ]; then
	printf 'deps: install%s from Debian? [Y/n] ' "$missing" >&2
	read -r answer || answer=n
	case $answer in
	'' | [Yy]*) ;;
	*) say "nothing installed. By hand: $by_hand"; exit 1 ;;
	esac
fi

root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		say "not root and no sudo. As root: $by_hand"
		exit 1
	fi
	root=sudo
fi

say "installing$missing"
export DEBIAN_FRONTEND=noninteractive
install() {
	$root apt-get -qq -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 install $missing </dev/null >&2
}
# Package lists may be absent (a fresh container) or stale: then fetch them.
if ! install 2>/dev/null; then
	$root apt-get -qq update </dev/null >&2
	install
fi
