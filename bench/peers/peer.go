// SPDX-License-Identifier: Apache-2.0
// What every measured Go library does; see peer.h.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"
)

const (
	chunks   = 21
	chunkNs  = 1500000
	nValues  = 65536
	perGroup = 100
)

var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
var values [nValues]float64

type op struct {
	name    string
	threads int
	run     func(thread, n int)
}

func fill() {
	x := uint64(88172645463325252)
	for i := range values {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		values[i] = 0.001 * math.Pow(12000, float64(x>>11)/(1<<53))
	}
}

// timed runs the operation n times on each thread; nanoseconds of one.
func timed(o op, n int) float64 {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for t := 1; t < o.threads; t++ {
		ready.Add(1)
		done.Add(1)
		go func(t int) {
			runtime.LockOSThread()
			ready.Done()
			<-start
			o.run(t, n)
			done.Done()
		}(t)
	}
	ready.Wait()
	begin := time.Now()
	close(start)
	o.run(0, n)
	done.Wait()
	return float64(time.Since(begin).Nanoseconds()) / float64(n)
}

func hot(peer string, ops []op) {
	for _, o := range ops {
		n := 16
		for timed(op{o.name, 1, o.run}, n)*float64(n) < chunkNs {
			n *= 2
		}
		times := make([]float64, chunks)
		for i := range times {
			times[i] = timed(o, n)
		}
		sort.Float64s(times)
		fmt.Printf("hot\t%s\t%s\t%d\t%.4f\t%.4f\n", peer, o.name,
			o.threads, times[chunks/2], times[0])
	}
}

// scrape times render, which returns the size of the page.
func scrape(peer string, n int, render func() int) {
	size := 0
	times := make([]int64, 9)
	for i := range times {
		begin := time.Now()
		size = render()
		times[i] = time.Since(begin).Nanoseconds()
	}
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	fmt.Printf("scrape\t%s\tcounters\t%d\t%d\t%d\t%d\n", peer, n,
		times[4], times[0], size)
}

// asked is the N of `scrape counters N`, or 0 for `hot`.
func asked() int {
	if len(os.Args) < 4 {
		return 0
	}
	n, _ := strconv.Atoi(os.Args[3])
	return n
}
