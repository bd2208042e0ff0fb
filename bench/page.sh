#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Draw what bench/report.sh measured and write BUILD/bench/report.html. Needs
# BUILD and gnuplot; reads BUILD/bench/data.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$BUILD" && pwd)
out=$BUILD/bench
data=$out/data
# *_command: what made each figure
. "$data/commands"
skipped=$(cat "$data/skipped")

# ---- draw --------------------------------------------------------------------

# The ladder as bars: row, begin, end in us since exec, kind. A thread's whole
# time is "ours", and what is not lies on top of it.
awk -F '\t' -v OFS='\t' -v labels="$data/ladder-labels.tsv" '
	/^#/ { next }
	$2 == "exec" { exec = $6 }
	$4 == "event" { event[$3] = $5; next }
	{ n++; thread[n] = $1; name[n] = $3; kind[n] = $4; at[n] = $5; ns[n] = $6 }
	function row(t) { return t == "main" ? 1.6 : 0 }
	function bar(t, from, to, k) {
		print row(t), (from + exec) / 1000, (to + exec) / 1000, k
	}
	END {
		for (i = 1; i <= n; i++) {
			if (thread[i] != "main" && name[i] == "exit to reaped")
				end = at[i]
			if (thread[i] != "main" && (!io || at[i] < io))
				io = at[i]
		}
		bar("main", 0, event["stop"], "ours")
		bar("I/O", io, end, "ours")
		for (i = 1; i <= n; i++)
			if (kind[i] != "ours")
				bar(thread[i], at[i], at[i] + ns[i], kind[i])
		for (i = 1; i <= n; i++)
			if (kind[i] != "ours" && ns[i] >= 40000)
				print row(thread[i]), (at[i] + exec + ns[i] / 2) / 1000,
					name[i] >labels
	}' "$data/ladder-run.tsv" >"$data/ladder-bars.tsv"

# What bench/disk.sh and bench/net.sh left, if they were run: virtual us a
# request, the mean of mote's and of QEMU's rounds.
for table in disk net; do
	if [ -s "$out/$table.tsv" ]; then
		sed "s/^/$table	/" "$out/$table.tsv" | tr ' ' '\t'
	fi
done | awk -F '\t' -v OFS='\t' '
	BEGIN {
		n = split("rr1:4k random read|rr32:4k random read, 32 deep|" \
			"rw32:4k random write, 32 deep|" \
			"sr8:128k sequential read, 8 deep|wf1:4k write + fsync|" \
			"ping:ping|udp-rr:UDP round trip|tcp-rr:TCP round trip|" \
			"vsock-rr:vsock round trip", title, "|")
		for (i = 1; i <= n; i++) {
			job[i] = title[i]
			sub(/:.*/, "", job[i])
			sub(/^[^:]*:/, "", title[i])
		}
	}
	$1 == "disk" { us = $5 * 1000 / $4 }
	$1 == "net" { us = $3 == "ping" ? $4 * 1000 : $4 }
	{ sum[$2, $3] += us; runs[$2, $3]++ }
	function mean(m, j) { return runs[m, j] ? sum[m, j] / runs[m, j] : "?" }
	END {
		for (i = 1; i <= n; i++)
			if (runs["mote", job[i]])
				print title[i], mean("mote", job[i]),
					mean("qemu", job[i])
	}' >"$data/io.tsv"

(cd "$data" && gnuplot "$HERE/plots.gp")

# ---- write -------------------------------------------------------------------

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }
figure() { # FILE TITLE COMMAND TEXT
	[ -s "$data/$1.svg" ] || return 0
	printf '<figure><h2>%s</h2>\n' "$2"
	sed -n '/<svg/,$p' "$data/$1.svg"
	printf '<figcaption>%s<br><code>%s</code></figcaption></figure>\n' \
		"$4" "$(echo "$3" | escape)"
}
# Rows of a TSV as a table body, the first column as it is.
rows() {
	awk -F '\t' '!/^#/ { printf "<tr>"; for (i = 1; i <= NF; i++)
		printf "<td>%s</td>", $i; print "</tr>" }' | sed 's/mote_/mote, /'
}
{
	cat "$HERE/report-head.html"
	cat <<TEXT
<p>Every monitor boots the same guest, <code>guest/examples/hello.c</code>, in
one loop that takes them in turn. The <b>floor</b> is
<code>bench/floor.c</code>: the KVM calls that cannot be avoided, in a static
program with nothing around them. A ratio is the median of the rounds' ratios
to the floor in the same round. Yours will differ: compare the ratios.</p>
<table><caption>Medians, and ratios to the floor</caption>
<tr><th></th><th colspan=2>exec to first byte</th><th colspan=2>exec to end of
output</th><th colspan=2>exec to reaped</th><th colspan=2>CPU time</th>
<th>private memory</th><th colspan=2>four at once</th></tr>
TEXT
	awk -F '\t' -v OFS='\t' '!/^#/ {
		for (f = 0; f < 4; f++) {
			printf "%s%s\t%.2f", f ? "\t" : $1 "\t",
				sprintf("%.2f ms", $(2 + 4 * f) / 1000),
				$(5 + 4 * f)
		}
		printf "\t%d KiB\t%.0f VMs/s\t%.2f\n", $18, $20, $21
	}' "$data/summary.tsv" | rows
	echo '</table>'
	[ -z "$skipped" ] || echo "<p>Skipped:$(echo "$skipped" |
		sed 's/ /, /g; s/^,//; s/:/: /g; s/-/ /g' | escape).</p>"
	figure startup 'Start and stop' "$startup_command" \
		'How many of the runs were done after so long. Further left is
		better; steep means steady.'
	figure ladder 'The cost ladder' "$ladder_command" \
		'One start of hello, the median one of 50, from exec to reaped.
		Kernel: in a system call; ours: everything else, page faults
		included. The table has the medians of each step.'
	echo '<details><summary>every step</summary><table><tr><th>thread</th>
<th>stage</th><th>step</th><th>kind</th><th>at, us</th><th>took, us</th>
<th>times</th></tr>'
	awk -F '\t' -v OFS='\t' '!/^#/ && $4 != "event" {
		$5 = sprintf("%.1f", $5 / 1000); $6 = sprintf("%.1f", $6 / 1000)
		print }' "$data/ladder.tsv" | rows
	echo '</table></details>'
	figure memory 'Memory of the monitor' "$startup_command" \
		'Private_Dirty when the process ends, the RAM of its guest left
		out.'
	figure rate 'Four at once' "$startup_command" \
		'VMs started and reaped per second with four in flight.'
	figure density 'Many at once' "$density_command" \
		'What MemAvailable loses, kernel memory included; guests of 16 MiB
		that wait.'
	printf '<pre>%s</pre>\n' "$(escape <"$data/density.txt")"
	printf '<p>On the serial port: <code>%s</code></p><pre>%s</pre>\n' \
		"$(echo "$serial_command" | escape)" \
		"$(escape <"$data/density-serial.txt")"
	if [ -s "$out/linux-boot.tsv" ]; then
		echo '<h2>A Debian kernel, by instruction count</h2>'
		echo "<pre>$(escape <"$out/linux-boot.tsv")</pre>"
		echo '<p><code>make bench-linux-boot</code></p>'
	fi
	[ ! -s "$data/io.tsv" ] ||
		figure io 'I/O per request of a Linux guest' \
			'bench/disk.sh; bench/net.sh' 'Instructions of monitor,
			host kernel and guest together, 1 ns each, in the
			nested lane; less is better. QEMU has no vsock without
			vhost.'
	echo '<h2>This host</h2><table>'
	escape <"$data/host.txt" | rows
	echo '</table><p>Raw samples:'
	for f in startup ladder density density-serial; do
		echo "<a href=\"$f.json\">$f.json</a>"
	done
	echo '</p></body></html>'
} >"$out/report.html"
echo "bench: wrote $out/report.html" >&2
