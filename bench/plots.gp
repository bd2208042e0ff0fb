# SPDX-License-Identifier: Apache-2.0
# The plots of bench/report.sh; runs in the directory of the tables.
set terminal svg size 860,420 font "sans-serif,13" background "white"
set datafile separator "\t"
set datafile commentschars "#"
set border 3 lc rgb "#888888"
set tics nomirror
set grid ytics lc rgb "#e4e4e4" lt 1
set style fill solid 1.0 noborder
array colour[8] = ["#555555", "#1f6fb4", "#5aa9e6", "#d1495b", "#edae49", "#66a182", "#8d6a9f", "#00798c"]

# Names in order of first appearance; mote_ stands for mote with devices.
cases = system("awk -F '\t' '!/^#/ { print $1 }' summary.tsv")
pretty(n) = n[1:5] eq "mote_" ? "mote, ".n[6:*] : n
only(n, file) = sprintf("< awk -F '\t' '$1 == \"%s\"' %s", n, file)

# ---- start and stop -----------------------------------------------------------
set output "startup.svg"
set multiplot layout 1,2
set logscale x 10
set xlabel "ms from exec"
set ylabel "part of the runs"
set yrange [0:1]
set format y "%.0f %%"
set yrange [0:100]
set key below samplen 2 noenhanced
set xtics ("0.5" 0.5, "1" 1, "2" 2, "5" 5, "10" 10, "20" 20, "50" 50, "100" 100, "200" 200)
runs = system(sprintf("grep -c '^%s\t' samples.tsv", word(cases, 1))) + 0
set title "to the first byte"
plot for [i=1:words(cases)] only(word(cases, i), "samples.tsv") \
	using ($2/1000):(100.0/runs) smooth cumulative with lines lw 2 \
	lc rgb colour[i] title pretty(word(cases, i))
set title "to reaped"
plot for [i=1:words(cases)] only(word(cases, i), "samples.tsv") \
	using ($4/1000):(100.0/runs) smooth cumulative with lines lw 2 \
	lc rgb colour[i] title pretty(word(cases, i))
unset multiplot
unset logscale x
set format y "%g"
set xtics auto
unset key

# ---- the ladder: a bar a thread, its steps where they happened ----------------
# ladder-bars.tsv: row, begin, end (us since exec), kind; the whole bar first.
set terminal svg size 860,380 font "sans-serif,13" background "white"
set output "ladder.svg"
set title ""
set ylabel ""
set xlabel "us since exec"
set yrange [-0.3:3.2]
set xrange [0:*]
set ytics ("I/O thread" 0, "main thread" 1.6)
set grid noytics xtics lc rgb "#e4e4e4" lt 1
set key below samplen 2
bars(kind) = sprintf("< awk -F '\t' '$4 == \"%s\"' ladder-bars.tsv", kind)
kinds = "ours kernel wait outside"
tint(k) = k eq "ours" ? "#edae49" : k eq "kernel" ? "#1f6fb4" : \
	k eq "wait" ? "#d0d0d0" : "#8a8a8a"
called(k) = k eq "wait" ? "waiting" : k eq "outside" ? "before and behind main()" : k
plot for [k in kinds] bars(k) using 2:1:2:3:($1 - 0.25):($1 + 0.25) \
		with boxxyerror lc rgb tint(k) title called(k), \
	"ladder-labels.tsv" using 2:($1 + 0.31):3 with labels left \
		rotate by 38 font ",10" noenhanced notitle
set xrange [*:*]

# ---- bars ----------------------------------------------------------------------
set terminal svg size 860,300 font "sans-serif,13" background "white"
set grid noxtics ytics lc rgb "#e4e4e4" lt 1
set boxwidth 0.6
set xlabel ""
set yrange [0:*]
set xtics auto
unset key
set output "memory.svg"
set ylabel "KiB"
set logscale y
set yrange [10:*]
set ytics auto
plot "summary.tsv" using 0:18:xtic(pretty(strcol(1))) with boxes lc rgb "#1f6fb4", \
	"" using 0:18:(sprintf("%d KiB", $18)) with labels offset 0,0.7
unset logscale y
set yrange [0:*]
set output "rate.svg"
set ylabel "VMs per second"
plot "summary.tsv" using 0:20:xtic(pretty(strcol(1))) with boxes lc rgb "#1f6fb4", \
	"" using 0:20:(sprintf("%.0f", $20)) with labels offset 0,0.7

# ---- density ---------------------------------------------------------------------
set output "density.svg"
set xtics auto
set xlabel "VMs at once"
set ylabel "MiB"
set key inside top left
plot "density.tsv" using 1:($2/1024) with linespoints pt 7 ps 0.5 lw 2 lc rgb "#1f6fb4" \
	title "waiting on vsock: memory of the host", \
	"" using 1:($3/1024) with lines lw 2 dt 2 lc rgb "#1f6fb4" title "kernel's part", \
	"density-serial.tsv" using 1:($2/1024) with linespoints pt 7 ps 0.5 lw 2 \
	lc rgb "#edae49" title "waiting on the serial port: memory of the host", \
	"" using 1:($3/1024) with lines lw 2 dt 2 lc rgb "#edae49" title "kernel's part"

# ---- I/O: horizontal, for the names are long ---------------------------------------
jobs = system("grep -c . io.tsv") + 0
if (jobs > 0) {
	set terminal svg size 860,(110 + 42 * jobs) font "sans-serif,13" background "white"
	set output "io.svg"
	set xlabel "virtual us per request"
	set ylabel ""
	set xrange [0:*]
	set yrange [jobs - 0.4:-0.6]
	set grid xtics noytics lc rgb "#e4e4e4" lt 1
	set key below samplen 2
	plot "io.tsv" using (0):0:(0):2:($0 - 0.36):($0 - 0.02):ytic(1) \
			with boxxyerror lc rgb "#1f6fb4" title "mote", \
		"" using (0):0:(0):3:($0 + 0.02):($0 + 0.36) \
			with boxxyerror lc rgb "#d1495b" title "QEMU microvm", \
		"" using 2:($0 - 0.19):(sprintf(" %.1f", $2)) with labels left notitle, \
		"" using 3:($0 + 0.19):(sprintf(" %.1f", $3)) with labels left notitle
}
