// SPDX-License-Identifier: Apache-2.0
// client_golang.
package main

import (
	"bytes"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

var labels = []string{"method", "shard"}

func hotPaths() {
	vec := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "bench_total", Help: "h"}, labels)
	for i := 0; i < 100; i++ {
		vec.WithLabelValues("get", fmt.Sprintf("s%06d", i))
	}
	counter := [2]prometheus.Counter{vec.WithLabelValues("get", "s000001"),
		vec.WithLabelValues("get", "s000002")}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "b", Help: "h"})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "bench_seconds", Help: "h", Buckets: bounds})
	inc := func(_, n int) {
		for i := 0; i < n; i++ {
			counter[0].Inc()
		}
	}
	observe := func(_, n int) {
		for i := 0; i < n; i++ {
			histogram.Observe(values[i%nValues])
		}
	}
	hot("client_golang", []op{
		{"inc", 1, inc}, {"inc_same", 2, inc},
		{"inc_diff", 2, func(t, n int) {
			for i := 0; i < n; i++ {
				counter[t].Inc()
			}
		}},
		{"inc_labels", 1, func(_, n int) {
			for i := 0; i < n; i++ {
				vec.WithLabelValues("get", "s000001").Inc()
			}
		}},
		{"gauge_set", 1, func(_, n int) {
			for i := 0; i < n; i++ {
				gauge.Set(1.5)
			}
		}},
		{"observe", 1, observe}, {"observe_same", 2, observe}})
}

func page(registry *prometheus.Registry) int {
	var out bytes.Buffer
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	encoder := expfmt.NewEncoder(&out, expfmt.FmtText)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			panic(err)
		}
	}
	return out.Len()
}

func main() {
	fill()
	n := asked()
	if n == 0 {
		hotPaths()
		return
	}
	registry := prometheus.NewRegistry()
	for i := 0; i < n; i += perGroup {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: fmt.Sprintf("bench_requests_%05d_total", i/perGroup),
			Help: "Requests."}, labels)
		registry.MustRegister(vec)
		for j := i; j < i+perGroup && j < n; j++ {
			vec.WithLabelValues("get", fmt.Sprintf("s%06d", j)).
				Add(1234567 + 7919*float64(j))
		}
	}
	scrape("client_golang", n, func() int { return page(registry) })
}
