#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetch lwIP from Debian's source package into BUILD/lwip/src: lwip.sh BUILD
#
# Nothing is installed, root is not needed, and apt's configuration is not
# touched: package lists of sources are kept in BUILD while they are needed.
# LWIP_SOURCE=DIRECTORY takes a tree that is there instead.
#
# BUILD/lwip/state says how it went: "yes VERSION", or "no REASON"; the status
# is 0 either way, for who does without. `make lwip` tries again.
set -eu

build=$1
out=$build/lwip
mkdir -p "$out"
work=$(cd "$out" && pwd)/apt

lack() {
	echo "lwip: $*; examples that need it are left out" >&2
	echo "      (\`make lwip\` tries again)" >&2
	rm -rf "$work"
	echo "no $*" >"$out/state"
	exit 0
}

# Where Debian's packages come from, as places of source packages: both of
# apt's formats.
source_places() {
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -f "$file" ] ||
			sed -n 's/^deb \(.*debian.*\)/deb-src \1/p' "$file"
	done >"$work/parts/one-line.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$file" ] ||
			awk -v RS= '/URIs:[^\n]*debian/ {
				sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb-src")
				print $0 "\n"
			}' "$file"
	done >"$work/parts/paragraphs.sources"
}

# apt-get with places, lists and cache of our own
apt() {
	timeout 120 apt-get -qq -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$work/parts" \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=1 \
		-o Acquire::http::Timeout=10 -o APT::Update::Error-Mode=any \
		"$@" </dev/null >"$work/log" 2>&1
}

fetch() {
	command -v apt-get >/dev/null || lack "not a Debian"
	case ${MOTE_DEPS:-ask} in
	no | skip) lack "MOTE_DEPS=$MOTE_DEPS, so lwIP is not fetched" ;;
	esac
	echo "lwip: fetching Debian's source package" >&2
	rm -rf "$work"
	mkdir -p "$work/parts" "$work/lists/partial" \
		"$work/cache/archives/partial"
	source_places
	apt update && (cd "$work" && apt source --download-only lwip) ||
		lack "apt-get cannot fetch it ($(tail -n 1 "$work/log"))"
	# Debian's patches are about parts that are not built here.
	mkdir "$work/tree"
	tar -x -f "$work"/lwip_*.orig.tar.* -C "$work/tree" ||
		lack "the package does not unpack"
	tree=$(echo "$work"/tree/*)
	version=$(basename "$work"/lwip_*.dsc .dsc)
	version=${version#lwip_}
}

tree=${LWIP_SOURCE:-}
version=$tree
[ -n "$tree" ] || fetch
[ -f "$tree/src/core/tcp.c" ] || lack "$tree is not lwIP"
rm -rf "$out/src"
cp -r "$tree/src" "$out/src"
rm -rf "$work"
echo "yes $version" >"$out/state"
