// SPDX-License-Identifier: Apache-2.0
// Numbers and names for people.  Pure.

const LETTERS = ["", "k", "M", "G", "T", "P", "E"];

function digits(value, unit) {
  const size = Math.abs(value);
  const places = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return value.toFixed(unit === "" && Number.isInteger(value) ? 0 : places) +
    unit;
}

// Three digits and a letter: 1.23k, 45.6M, 0.00123.
export function number(value) {
  let i = 0;
  if (value !== 0 && Math.abs(value) < 0.01)
    return Number(value.toPrecision(3)).toString();
  for (; Math.abs(value) >= 999.5 && i < 6; i++)
    value /= 1000;
  return digits(value, LETTERS[i]);
}

// 12.3 µs, 4.56 ms, 7.89 s, 3m 12s.
export function seconds(value) {
  const size = Math.abs(value);
  if (size === 0)
    return "0 s";
  if (size >= 360000)
    return digits(value / 86400, " d");
  if (size >= 60)
    return `${Math.trunc(value / 60)}m ${Math.trunc(size % 60)}s`;
  if (size >= 0.9995)
    return digits(value, " s");
  if (size >= 0.9995e-3)
    return digits(value * 1e3, " ms");
  if (size >= 0.9995e-6)
    return digits(value * 1e6, " µs");
  return digits(value * 1e9, " ns");
}

// A moment, as gauges of some services have it.
function isMoment(value, unit) {
  return unit === "seconds" && value > 1e9 && value < 1e10;
}

// In a family's unit; an en dash for what is not known.
export function quantity(value, unit) {
  if (Number.isNaN(value))
    return "–";
  if (!Number.isFinite(value))
    return value > 0 ? "+Inf" : "−Inf";
  if (isMoment(value, unit))
    return new Date(value * 1000).toLocaleString();
  if (unit === "seconds")
    return seconds(value);
  return unit === "bytes" ? number(value) + "B" : number(value);
}

export function rate(value) {
  return Number.isFinite(value) ? number(value) : "–";
}

// How long ago, in words that change seldom.
export function ago(s) {
  if (s < 60)
    return `${Math.max(0, Math.floor(s))} s`;
  if (s < 3600)
    return `${Math.floor(s / 60)} min`;
  return s < 172800 ? `${Math.floor(s / 3600)} h` :
    `${Math.floor(s / 86400)} d`;
}

// Characters that are not seen, or turn the direction of others, by number:
// a name must not look like another one.
const UNSEEN = new RegExp("[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c" +
  "\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-" +
  "\\ufffb]|[\\u{e0000}-\\u{e007f}]", "gu");

export function visible(text) {
  return text.replace(UNSEEN, (c) => "⟨U+" + c.codePointAt(0).toString(16)
    .toUpperCase().padStart(4, "0") + "⟩");
}

// As in a query of Prometheus.
export function quoted(text) {
  return '"' + text.replace(/\\/g, "\\\\").replace(/"/g, '\\"')
    .replace(/\n/g, "\\n") + '"';
}

export function labelText(labels) {
  const pairs = Object.entries(labels);
  return pairs.length === 0 ? "" :
    "{" + pairs.map(([k, v]) => k + "=" + quoted(v)).join(",") + "}";
}

// a - b of two exact decimals, without losing digits on the way.
export function difference(a, b) {
  if (a.length < 16 && b.length < 16)
    return Number(a) - Number(b);
  return Number(scaled(a) - scaled(b)) / 1e18;
}

function scaled(text) {
  const [whole, part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(18, "0").slice(0, 18));
}
