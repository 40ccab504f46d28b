// SPDX-License-Identifier: Apache-2.0
// VictoriaMetrics/metrics.  Its histogram chooses its own buckets; labels are
// part of a name that the caller puts together.
package main

import (
	"bytes"
	"fmt"

	"github.com/VictoriaMetrics/metrics"
)

func name(family, shard int) string {
	return fmt.Sprintf(`bench_requests_%05d_total{method="get",shard="s%06d"}`,
		family, shard)
}

func hotPaths(set *metrics.Set) {
	for i := 0; i < 100; i++ {
		set.GetOrCreateCounter(name(0, i))
	}
	counter := [2]*metrics.Counter{set.GetOrCreateCounter(name(0, 1)),
		set.GetOrCreateCounter(name(0, 2))}
	level := set.NewFloatCounter("bench_level")
	histogram := set.NewHistogram("bench_seconds")
	inc := func(_, n int) {
		for i := 0; i < n; i++ {
			counter[0].Inc()
		}
	}
	observe := func(_, n int) {
		for i := 0; i < n; i++ {
			histogram.Update(values[i%nValues])
		}
	}
	hot("victoriametrics", []op{
		{"inc", 1, inc}, {"inc_same", 2, inc},
		{"inc_diff", 2, func(t, n int) {
			for i := 0; i < n; i++ {
				counter[t].Inc()
			}
		}},
		{"inc_labels", 1, func(_, n int) {
			for i := 0; i < n; i++ {
				set.GetOrCreateCounter(name(0, 1)).Inc()
			}
		}},
		{"gauge_set", 1, func(_, n int) {
			for i := 0; i < n; i++ {
				level.Set(1.5)
			}
		}},
		{"observe", 1, observe}, {"observe_same", 2, observe}})
}

func main() {
	fill()
	n := asked()
	set := metrics.NewSet()
	if n == 0 {
		hotPaths(set)
		return
	}
	for i := 0; i < n; i++ {
		set.NewCounter(name(i/perGroup, i)).Set(uint64(1234567 + 7919*i))
	}
	scrape("victoriametrics", n, func() int {
		var out bytes.Buffer
		set.WritePrometheus(&out)
		return out.Len()
	})
}
