// SPDX-License-Identifier: Apache-2.0
// Pictures on a canvas.  Colours are the style sheet's.

let palette = null;

// Read again when the scheme changes.
export function forgetColours() {
  palette = null;
}

function colours() {
  if (palette)
    return palette;
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  palette = { line: of("--line"), fill: of("--fill"), grid: of("--grid"),
    text: of("--muted"), font: "11px " + of("--sans"),
    heat: of("--heat").split(/\s*,\s*/).map(channels) };
  return palette;
}

function channels(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

// A ramp of one direction in lightness, so it is read without telling
// colours apart.  share: 0..1.
function heatColour(share) {
  const stops = colours().heat;
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(at), stops.length - 2);
  const mixed = stops[i].map((c, k) =>
    Math.round(c + (stops[i + 1][k] - c) * (at - i)));
  return `rgb(${mixed.join(" ")})`;
}

// The canvas in its own pixels, empty; null while it has no size.
function start(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (width === 0 || height === 0)
    return null;
  const w = Math.round(width * ratio), h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  return { c, width, height };
}

function range(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values)
    if (Number.isFinite(v)) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  return low > high ? null : { low, high };
}

// Runs of known values; a single one is a dot's width.
function trace(c, values, x, y, area, floor) {
  let from = -1;
  for (let i = 0; i <= values.length; i++) {
    const known = i < values.length && Number.isFinite(values[i]);
    if (known && from < 0)
      from = i;
    if (known || from < 0)
      continue;
    run(c, values, from, i - 1, x, y, area ? floor : null);
    from = -1;
  }
}

function run(c, values, from, to, x, y, floor) {
  c.beginPath();
  c.moveTo(x(from) - (from === to ? 1 : 0), y(values[from]));
  for (let i = from; i <= to; i++)
    c.lineTo(x(i), y(values[i]));
  if (floor === null) {
    c.stroke();
    return;
  }
  c.lineTo(x(to), floor);
  c.lineTo(x(from), floor);
  c.fill();
}

function draw(p, values, x, y, floor) {
  const k = colours();
  p.c.fillStyle = k.fill;
  trace(p.c, values, x, y, true, floor);
  p.c.strokeStyle = k.line;
  p.c.lineWidth = 1.5;
  p.c.lineJoin = "round";
  trace(p.c, values, x, y, false);
}

// From nothing for rates; between its ends for a gauge.
function scale(values, fromZero) {
  const r = range(values);
  if (!r)
    return null;
  const low = fromZero ? 0 : r.low, high = r.high;
  const room = high > low ? 0 : Math.abs(high) || 1;
  return { low: fromZero ? 0 : low - room / 2, high: high + room / 2 };
}

export function spark(canvas, values, fromZero) {
  const p = start(canvas);
  const s = p && scale(values, fromZero);
  if (!s)
    return;
  const step = p.width / Math.max(values.length - 1, 1);
  const tall = p.height - 4;
  draw(p, values, (i) => i * step,
    (v) => 2 + tall * (1 - (v - s.low) / (s.high - s.low)), p.height);
}

const LEFT = 62, BOTTOM = 20, TOP = 8;

// 1, 2 or 5 times a power of ten: about n steps of it fill the range.
function niceStep(span, n) {
  const rough = span / n, power = 10 ** Math.floor(Math.log10(rough));
  const best = [1, 2, 5, 10].find((m) => m * power >= rough);
  return best * power;
}

function label(p, text, x, y, align) {
  p.c.fillStyle = colours().text;
  p.c.font = colours().font;
  p.c.textAlign = align;
  p.c.textBaseline = "middle";
  p.c.fillText(text, x, y);
}

// What is below the picture: how long ago.
function timeAxis(p, times) {
  const n = times.length, wide = p.width - LEFT;
  const y = p.height - BOTTOM / 2 + 2;
  label(p, "now", p.width - 2, y, "right");
  for (const share of [0, 0.5]) {
    const i = Math.round(share * (n - 1));
    const s = times[n - 1] - times[i];
    if (s > 0)
      label(p, "−" + clock(s), LEFT + wide * share,
        y, share === 0 ? "left" : "center");
  }
}

function clock(s) {
  return s < 90 ? `${Math.round(s)} s` : `${+(s / 60).toFixed(1)} min`;
}

export function line(canvas, values, times, fromZero, format) {
  const p = start(canvas);
  const s = p && scale(values, fromZero);
  if (!s)
    return;
  const tall = p.height - BOTTOM - TOP;
  const y = (v) => TOP + tall * (1 - (v - s.low) / (s.high - s.low));
  const step = niceStep(s.high - s.low, 3);
  p.c.strokeStyle = colours().grid;
  p.c.lineWidth = 1;
  for (let v = Math.ceil(s.low / step) * step; v <= s.high; v += step) {
    p.c.beginPath();
    p.c.moveTo(LEFT, Math.round(y(v)) + 0.5);
    p.c.lineTo(p.width, Math.round(y(v)) + 0.5);
    p.c.stroke();
    label(p, format(v), LEFT - 8, y(v), "right");
  }
  const wide = (p.width - LEFT - 2) / Math.max(values.length - 1, 1);
  draw(p, values, (i) => LEFT + i * wide, y, TOP + tall);
  timeAxis(p, times);
}

// spans: oldest first, each [bucket, n, bucket, n...] or null.  Returns what a
// place on the canvas means: ({ x, y }) => { look, from, to, count }.
export function heat(canvas, spans, times, edges, format) {
  const p = start(canvas);
  const r = p && heatRange(spans);
  if (!r)
    return () => null;
  const rows = Math.min(r.last - r.first + 1, 40);
  const per = Math.ceil((r.last - r.first + 1) / rows);
  const n = Math.ceil((r.last - r.first + 1) / per);
  const grid = spans.map((span) => gather(span, r.first, per, n));
  const most = Math.max(...grid.map((g) => Math.max(0, ...g ?? [])));
  const tall = (p.height - BOTTOM - TOP) / n;
  const wide = (p.width - LEFT) / spans.length;
  paint(p, grid, most, wide, tall, n);
  heatAxis(p, r, per, n, tall, edges, format);
  timeAxis(p, times);
  return (at) => {
    const look = Math.floor((at.x - LEFT) / wide);
    const row = n - 1 - Math.floor((at.y - TOP) / tall);
    if (look < 0 || look >= spans.length || row < 0 || row >= n)
      return null;
    const from = r.first + row * per;
    return { look, from, to: Math.min(from + per - 1, r.last),
      count: grid[look]?.[row] ?? 0 };
  };
}

function heatRange(spans) {
  let first = Infinity, last = -1;
  for (const span of spans)
    for (let k = 0; span && k < span.length; k += 2) {
      first = Math.min(first, span[k]);
      last = Math.max(last, span[k]);
    }
  return last < 0 ? null : { first, last };
}

function gather(span, first, per, n) {
  if (!span)
    return null;
  const sums = new Array(n).fill(0);
  for (let k = 0; k < span.length; k += 2)
    sums[Math.floor((span[k] - first) / per)] += span[k + 1];
  return sums;
}

// Shares of the logarithm: one slow observation among a million is seen.
function paint(p, grid, most, wide, tall, n) {
  const top = Math.log1p(most);
  for (const [x, sums] of grid.entries())
    for (let row = 0; sums && row < n; row++) {
      if (sums[row] === 0)
        continue;
      const left = Math.floor(LEFT + x * wide);
      const high = Math.floor(TOP + (n - 1 - row) * tall);
      p.c.fillStyle = heatColour(Math.log1p(sums[row]) / top);
      p.c.fillRect(left, high, Math.ceil(LEFT + (x + 1) * wide) - left,
        Math.ceil(TOP + (n - row) * tall) - high);
    }
}

function heatAxis(p, r, per, n, tall, edges, format) {
  const each = Math.max(1, Math.ceil(n / 6));
  for (let row = 0; row < n; row += each) {
    const edge = edges[Math.min(r.first + (row + 1) * per - 1, r.last)];
    label(p, Number.isFinite(edge) ? "≤ " + format(edge) : "more", LEFT - 8,
      TOP + (n - row - 0.5) * tall, "right");
  }
}

// The ramp itself, for the legend.
export function legend(canvas) {
  const p = start(canvas);
  for (let x = 0; p && x < p.width; x++) {
    p.c.fillStyle = heatColour(x / (p.width - 1));
    p.c.fillRect(x, 0, 1, p.height);
  }
}
