#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make bench-readme`: what the last `make bench` measured becomes the README's
# table (between its two marks) and the plots in docs/. Needs BUILD; the same
# measurements give the same files.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$BUILD" && pwd)
data=$BUILD/bench/data
readme=$HERE/../README.md
new=$data/readme

[ -s "$data/commands" ] || {
	echo "bench-readme: nothing has been measured; first: make bench" >&2
	exit 1
}
. "$data/commands"
# host KEY: a line of the host's facts
host() { sed -n "s/^$1\t//p" "$data/host.txt"; }
# said FILE WORDS: what bench/density said behind WORDS
said() { sed -n "s/^$2  *//p" "$data/$1.txt"; }

# "name  first (ratio)  reaped (ratio)  CPU (ratio)  KiB  VMs/s (ratio)"
startup_rows() {
	awk -F '\t' '!/^#/ {
		name = $1
		sub(/^mote_/, "mote, ", name)
		sub(/^qemu-microvm$/, "QEMU microvm", name)
		gsub(/\+/, ", ", name)
		printf "| %s |", name
		for (f = 2; f <= 14; f += 4)
			if (f != 6)
				printf " %.2f ms (%.2f) |", $f / 1000, $(f + 3)
		printf " %d KiB | %.0f VMs/s (%.2f) |\n", $18, $20, $21
	}' "$data/summary.tsv"
}

density_row() { # TITLE WORDS
	printf '| %s | %s | %s |\n' "$1" "$(said density "$2")" \
		"$(said density-serial "$2")"
}

busy=
case $startup_command in
*' -r '*)
	busy=" It had other work (load
$(host 'load at start' | cut -d ' ' -f 1)), so single starts were measured at real-time priority (\`-r\`)."
	;;
esac

numbers() {
	cat <<TEXT
\`make bench\` of $(host mote | sed 's/,.*//'), lock on;
$(host kernel | cut -d ' ' -f 1-2 | cut -d - -f 1), $(host kvm), $(host cpus) CPUs.$busy

| hello, $startup_rounds rounds in turn | exec to first byte | exec to reaped | CPU time | private memory | four at once |
| --- | ---: | ---: | ---: | ---: | ---: |
$(startup_rows)

Medians; in brackets, the median of the rounds' ratios to the floor.
Private memory is Private_Dirty at the end, without the guest's RAM.
Command: \`$startup_command\`

![Start and stop: how many of the runs were done after so long](docs/startup.svg)

![The cost ladder: what both threads do from exec to reaped](docs/ladder.svg)

The ladder is one start of hello, the median one of 50:
\`$(echo "$ladder_command" | sed "s|=json:FILE [^ ]*/build|=json:FILE build|; s|FILE [^ ]*/guest|FILE build/guest|")\`

| $(said density 'VMs at once') VMs at once, 16 MiB each | waiting on vsock | waiting on the serial port |
| --- | --- | --- |
$(density_row 'started one after the other' 'start, one after the other')
$(density_row 'started 8 at a time' '8 at a time')
$(density_row 'host memory, the kernel'"'"'s included' 'memory, all included')
$(density_row 'of it the processes'"'"' own (Pss)' "the processes' own (Pss)")
$(density_row 'answered' 'answered')
$(density_row 'answer' 'answer')
$(density_row 'idle, all together' 'idle, all together')

![Host memory by the number of VMs](docs/density.svg)

Commands: \`$(echo "$density_command" | tr -s ' ')\`,
\`$serial_command\`
TEXT
}

numbers >"$new.numbers"
awk -v numbers="$new.numbers" '
	/^<!-- numbers: end/ { skipping = 0; ends++ }
	!skipping
	/^<!-- numbers: begin/ {
		skipping = 1
		begins++
		while ((getline line <numbers) > 0)
			print line
	}
	END { exit begins != 1 || ends != 1 }' "$readme" >"$new" || {
	echo "bench-readme: README.md lacks its two marks" >&2
	exit 1
}
cat "$new" >"$readme"
for plot in startup ladder density; do
	cp "$data/$plot.svg" "$HERE/../docs/$plot.svg"
done
echo "bench-readme: wrote README.md and docs/*.svg" >&2
