// SPDX-License-Identifier: Apache-2.0
// rust-prometheus; see peer.h.
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};
use std::sync::Barrier;
use std::time::Instant;

const PEER: &str = "rust-prometheus";
const CHUNKS: usize = 21;
const CHUNK_NS: f64 = 1.5e6;
const N_VALUES: usize = 65536;
const LABELS: [&str; 2] = ["method", "shard"];

fn bounds() -> Vec<f64> {
    vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
}

fn values() -> Vec<f64> {
    let mut x: u64 = 88172645463325252;
    (0..N_VALUES)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            0.001 * 12000f64.powf((x >> 11) as f64 / (1u64 << 53) as f64)
        })
        .collect()
}

/// Nanoseconds of one operation when every thread runs n of them, until the
/// last one is through.
fn timed(threads: usize, n: usize, run: &(dyn Fn(usize, usize) + Sync)) -> f64 {
    let barrier = Barrier::new(threads);
    let mut begin = Instant::now();
    std::thread::scope(|scope| {
        for t in 1..threads {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                run(t, n);
            });
        }
        barrier.wait();
        begin = Instant::now();
        run(0, n);
    });
    begin.elapsed().as_nanos() as f64 / n as f64
}

fn hot(name: &str, threads: usize, run: &(dyn Fn(usize, usize) + Sync)) {
    let mut n = 16;
    while timed(1, n, run) * (n as f64) < CHUNK_NS {
        n *= 2;
    }
    let mut times: Vec<f64> = (0..CHUNKS).map(|_| timed(threads, n, run)).collect();
    times.sort_by(|a, b| a.partial_cmp(b).unwrap());
    println!("hot\t{PEER}\t{name}\t{threads}\t{:.4}\t{:.4}", times[CHUNKS / 2], times[0]);
}

fn hot_paths() {
    let family = IntCounterVec::new(Opts::new("bench_total", "h"), &LABELS).unwrap();
    for i in 0..100 {
        family.with_label_values(&["get", &format!("s{i:06}")]);
    }
    let counter: [IntCounter; 2] = [
        family.with_label_values(&["get", "s000001"]),
        family.with_label_values(&["get", "s000002"]),
    ];
    let gauge = Gauge::new("bench", "h").unwrap();
    let histogram =
        Histogram::with_opts(HistogramOpts::new("bench_seconds", "h").buckets(bounds())).unwrap();
    let seen = values();
    let inc = |_: usize, n: usize| (0..n).for_each(|_| counter[0].inc());
    let observe =
        |_: usize, n: usize| (0..n).for_each(|i| histogram.observe(seen[i % N_VALUES]));

    hot("inc", 1, &inc);
    hot("inc_same", 2, &inc);
    hot("inc_diff", 2, &|t, n| (0..n).for_each(|_| counter[t].inc()));
    hot("inc_labels", 1, &|_, n| {
        (0..n).for_each(|_| family.with_label_values(&["get", "s000001"]).inc())
    });
    hot("gauge_set", 1, &|_, n| (0..n).for_each(|_| gauge.set(std::hint::black_box(1.5))));
    hot("observe", 1, &observe);
    hot("observe_same", 2, &observe);
}

fn scrape(n: usize) {
    let registry = Registry::new();
    for i in (0..n).step_by(100) {
        let name = format!("bench_requests_{:05}_total", i / 100);
        let family = IntCounterVec::new(Opts::new(name, "Requests."), &LABELS).unwrap();
        registry.register(Box::new(family.clone())).unwrap();
        for j in i..n.min(i + 100) {
            family
                .with_label_values(&["get", &format!("s{j:06}")])
                .inc_by(1234567 + 7919 * j as u64);
        }
    }
    let mut page = Vec::new();
    let mut times: Vec<u128> = (0..9)
        .map(|_| {
            page.clear();
            let begin = Instant::now();
            TextEncoder::new().encode(&registry.gather(), &mut page).unwrap();
            begin.elapsed().as_nanos()
        })
        .collect();
    times.sort();
    println!("scrape\t{PEER}\tcounters\t{n}\t{}\t{}\t{}", times[4], times[0], page.len());
}

fn main() {
    match std::env::args().nth(3) {
        Some(n) => scrape(n.parse().unwrap()),
        None => hot_paths(),
    }
}
