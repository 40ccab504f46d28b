# SPDX-License-Identifier: Apache-2.0
# Rows of `bench-scrape scrape counters N FORMAT`, in order of N, as a picture:
#     gnuplot -e "rows='ROWS.tsv'; picture='scrape.png'" bench/scrape.gnuplot
set terminal pngcairo size 900,560 font "Sans,11"
set output picture
set datafile separator "\t"
set logscale xy
set grid
set key left top
set title "One scrape: from the mapped segment to the finished page, one thread"
set xlabel "series (counters with two labels, two lanes)"
set ylabel "milliseconds, best of several"
of(kind) = sprintf("< grep -P 'scrape\\tsmx\\t%s\\t' %s", kind, rows)
plot of("counters") using 4:($6 / 1e6) with linespoints lw 2 title "text 0.0.4", \
     of("counters-openmetrics") using 4:($6 / 1e6) with linespoints lw 2 title "OpenMetrics", \
     of("counters-protobuf") using 4:($6 / 1e6) with linespoints lw 2 title "protobuf", \
     x * 3.5e-5 with lines dt 2 lc "gray40" title "35 ns a series"
