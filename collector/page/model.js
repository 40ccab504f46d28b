// SPDX-License-Identifier: Apache-2.0
// What the page knows: every series with its last minutes.  The collector
// keeps no history; this does, for as long as the page is open.  Knows no
// document.
import { difference, labelText } from "./format.js";

export const DEPTH = 300;          // looks that are remembered
const DEPTH_MANY = 60;             // the same when there are too many series
const MANY = 20000;
const MANY_HISTOGRAMS = 1000;      // above it, heat from when it is opened
const SHORT = 10;                  // looks behind the numbers of the list

export const QUANTILES = [0.5, 0.9, 0.99, 0.999];

// As histogram_quantile() of Prometheus: values lie evenly in their bucket,
// and whatever is in the last one is at its lower end.
export function quantile(q, counts, bounds) {
  let total = 0, below = 0, i = 0;
  for (const n of counts)
    total += n;
  if (total === 0)
    return NaN;
  const rank = q * total;
  while (i + 1 < counts.length &&
         (counts[i] === 0 || below + counts[i] < rank))
    below += counts[i++];
  const low = i > 0 ? bounds[i - 1] : 0;
  if (i + 1 === counts.length)
    return low;
  return low + (bounds[i] - low) * (rank - below) / counts[i];
}

class Series {
  constructor(family, source, labels, depth) {
    this.family = family;
    this.source = source;
    this.labels = labels;
    this.text = labelText(labels);
    this.owner = source.service === undefined ? "collector" :
      source.service + (source.instance ? "@" + source.instance : "");
    this.key = `${this.owner}/${family.name}${this.text}`;
    this.search = `${family.name}${this.text} ${this.owner} ${family.type}`
      .toLowerCase();
    // what is about the services comes behind what they count
    this.own = source.service === undefined ||
      family.name.startsWith("smx_service_");
    this.value = null;             // as sent
    this.at = NaN;                 // uptime of value
    this.past = new Float32Array(depth).fill(NaN);
    this.spans = null;             // of a histogram: what came, by look
  }

  get isHistogram() {
    return this.family.type === "histogram";
  }

  // As a number, and as the text that has every digit.
  get number() {
    const v = this.value;
    if (v === null)
      return NaN;
    if (typeof v === "string")
      return parse(v);
    return this.isHistogram ? parse(v.count) :
      Object.values(v).reduce((sum, one) => sum + parse(one), 0);
  }

  get exact() {
    const v = this.value;
    if (v === null)
      return "–";
    if (typeof v === "string")
      return v;
    return this.isHistogram ? v.count : String(this.number);
  }

  set(value, uptime, tick) {
    const i = tick % this.past.length;
    const elapsed = uptime - this.at;
    if (this.spans)
      this.spans[tick % this.spans.length] = null;
    if (this.family.type === "gauge") {
      this.value = value;
      this.past[i] = this.number;
    } else if (value === null || this.value === null || !(elapsed > 0)) {
      this.past[i] = NaN;
    } else {
      this.past[i] = this.more(value, tick) / elapsed;
    }
    this.value = value;
    this.at = uptime;
  }

  // Counted since the look before; a counter that fell began anew.
  more(value, tick) {
    if (!this.isHistogram)
      return grown(value, this.value);
    const before = this.value.buckets, span = [];
    let sum = 0;
    for (const [i, count] of Object.entries(value.buckets)) {
      const n = grown(count, before[i] ?? "0");
      if (n > 0)
        span.push(Number(i), n);
      sum += n;
    }
    this.spans[tick % this.spans.length] = span;
    return sum;
  }

  skip(tick) {
    this.past[tick % this.past.length] = NaN;
    if (this.spans)
      this.spans[tick % this.spans.length] = null;
  }

  keepSpans(depth, tick) {
    const old = this.spans ?? [];
    this.spans = new Array(depth).fill(null);
    for (let ago = 0; ago < Math.min(old.length, tick); ago++)
      this.spans[(tick - ago) % depth] = old[(tick - ago) % old.length];
  }
}

function parse(text) {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity :
    Number(text);
}

function grown(now, before) {
  const more = difference(now, before);
  return more >= 0 ? more : Number(now);
}

export class Model {
  constructor() {
    this.all = [];                 // in the order of the plan
    this.byKey = new Map();
    this.plan = null;
    this.tick = 0;
    this.times = new Float64Array(DEPTH).fill(NaN);
    this.state = null;
    this.rates = new Map();        // by owner: counted per second
  }

  // Pages of one look, all of the same plan.
  take(state, pages) {
    this.state = state;
    if (pages[0].families)
      this.rename(pages);
    else if (pages[0].uptime === this.times[this.tick % DEPTH])
      return;                      // the same look again
    this.tick++;
    this.times[this.tick % DEPTH] = pages[0].uptime;
    let i = 0;
    for (const page of pages)
      for (const value of page.values ?? valuesOf(page))
        this.all[i++]?.set(value, page.uptime, this.tick);
    this.addUp();
  }

  // A hole in the past: nobody looked.
  gap() {
    this.tick++;
    this.times[this.tick % DEPTH] = NaN;
    for (const s of this.all)
      s.skip(this.tick);
  }

  rename(pages) {
    const total = pages[0].total;
    const depth = total > MANY ? DEPTH_MANY : DEPTH;
    const old = this.byKey;
    this.all = [];
    this.byKey = new Map();
    for (const page of pages)
      for (const family of page.families)
        for (const source of family.sources)
          this.add(family, source, depth, old);
    const many = this.all.filter((s) => s.isHistogram).length;
    for (const s of this.all)
      if (s.isHistogram && !s.spans)
        s.keepSpans(many > MANY_HISTOGRAMS ? SHORT + 1 : depth, this.tick);
    this.plan = pages[0].plan;
  }

  add(family, source, depth, old) {
    const about = { service: source.service, instance: source.instance,
      mode: source.mode, bounds: source.bounds?.map(parse),
      edges: source.bounds };
    for (const one of source.series) {
      let s = new Series(family, about, one.labels, depth);
      const before = old.get(s.key);
      // the same name with other buckets is another series
      if (before && before.family.type === family.type &&
          String(before.source.edges) === String(about.edges)) {
        before.family = family;
        before.source = about;
        s = before;
      }
      this.all.push(s);
      this.byKey.set(s.key, s);
    }
  }

  addUp() {
    this.rates.clear();
    for (const s of this.all) {
      const r = s.own || s.family.type === "gauge" ? 0 :
        s.past[this.tick % s.past.length];
      if (r > 0)
        this.rates.set(s.owner, (this.rates.get(s.owner) ?? 0) + r);
    }
  }

  // Per second, over the last looks: calmer than the last one alone.
  rate(s, looks = SHORT) {
    if (s.family.type === "gauge")
      return NaN;
    let sum = 0, time = 0;
    for (let ago = 0; ago < looks; ago++) {
      const r = s.past[(this.tick - ago) % s.past.length];
      const t = this.elapsed(ago);
      if (this.tick - ago < 1 || Number.isNaN(r) || Number.isNaN(t))
        break;
      sum += r * t;
      time += t;
    }
    return time > 0 ? sum / time : NaN;
  }

  // Seconds between the look `ago` looks back and the one before it.
  elapsed(ago) {
    return this.times[(this.tick - ago) % DEPTH] -
      this.times[(this.tick - ago - 1 + DEPTH) % DEPTH];
  }

  // What a histogram observed in the last looks, by bucket.
  observed(s, looks = SHORT) {
    const counts = new Array(s.source.bounds.length).fill(0);
    for (let ago = 0; ago < Math.min(looks, s.spans.length, this.tick); ago++) {
      const span = s.spans[(this.tick - ago) % s.spans.length] ?? [];
      for (let k = 0; k < span.length; k += 2)
        counts[span[k]] += span[k + 1];
    }
    return counts;
  }

  // Rates, or a gauge's values, oldest first; NaN where there is none.
  past(s, looks) {
    const n = Math.min(looks, s.past.length);
    const values = new Float32Array(n).fill(NaN);
    for (let ago = 0; ago < Math.min(n, this.tick); ago++)
      values[n - 1 - ago] = s.past[(this.tick - ago) % s.past.length];
    return values;
  }

  // Somebody looks at it: its heat is kept for as long as that of few.
  open(s) {
    if (s.isHistogram && s.spans.length < s.past.length)
      s.keepSpans(s.past.length, this.tick);
  }
}

function* valuesOf(page) {
  for (const family of page.families)
    for (const source of family.sources)
      for (const one of source.series)
        yield one.value;
}
