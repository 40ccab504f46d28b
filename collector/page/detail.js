// SPDX-License-Identifier: Apache-2.0
// One series, closely: its numbers, its last minutes, and for a histogram its
// quantiles and where its observations were.
import { heat, legend, line } from "./chart.js";
import { element, find, setText } from "./dom.js";
import { number, quantity, quoted, rate, visible } from "./format.js";
import { DEPTH, QUANTILES, quantile } from "./model.js";

const FIRST = 60;
const NAMES = ["p50", "p90", "p99", "p99.9"];

export class Detail {
  constructor(panel, onClose) {
    this.panel = panel;
    this.series = null;
    this.looks = 60;               // behind the quantiles
    this.where = () => null;       // what a place of the heat map means
    find("detail-close").addEventListener("click", onClose);
    find("windows").addEventListener("change", (event) => {
      this.looks = Number(event.target.value);
      this.draw();
    });
    this.tiles = NAMES.map((name) => {
      const value = element("dd", "", "–");
      find("quantiles").append(element("div", "", element("dt", "", name),
        value));
      return value;
    });
    const canvas = find("heat");
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => this.readout(null));
    addEventListener("resize", () => this.draw());
  }

  open(series, model) {
    const s = series;
    this.series = s;
    this.model = model;
    this.panel.hidden = false;
    model.open(s);
    setText(find("detail-name"), visible(s.family.name));
    setText(find("detail-help"), visible(s.family.help));
    setText(find("detail-kind"), [s.family.type, s.family.unit,
      s.owner].filter(Boolean).join(" · "));
    find("detail-labels").replaceChildren(...Object.entries(s.labels).map(
      ([k, v]) => element("li", "", element("span", "", k + " "),
        element("b", "", visible(v)))));
    setText(find("detail-query"), visible(query(s)));
    find("detail-histogram").hidden = !s.isHistogram;
    find("detail-each").hidden = s.source.mode !== "each";
    find("rate-box").hidden = s.family.type === "gauge";
    setText(find("total-name"), { counter: "Total", gauge: "Value",
      histogram: "Observations" }[s.family.type]);
    setText(find("line-name"), s.family.type === "gauge" ? "Value" :
      s.isHistogram ? "Observations per second" : "Per second");
    this.draw();
  }

  close() {
    this.series = null;
    this.panel.hidden = true;
  }

  // The plan has changed: the series may be another object, or gone.
  follow(model) {
    if (!this.series)
      return;
    const now = model.byKey.get(this.series.key);
    if (now && now !== this.series)
      this.open(now, model);
    this.panel.classList.toggle("gone", !now);
    this.draw();
  }

  draw() {
    const s = this.series;
    if (!s || this.panel.hidden)
      return;
    setText(find("detail-total"), visible(s.exact));
    const figure = s.isHistogram ? "" : quantity(s.number, s.family.unit);
    setText(find("detail-figure"), figure === s.exact ? "" : figure);
    setText(find("detail-rate"), rate(this.model.rate(s)));
    const values = this.model.past(s, this.span);
    const gauge = s.family.type === "gauge";
    line(find("line"), values, this.timesOf(values.length), !gauge,
      (v) => quantity(v, gauge ? s.family.unit : ""));
    if (s.isHistogram)
      this.drawHistogram(s);
    if (s.source.mode === "each")
      this.drawEach(s);
  }

  // Looks that the pictures show: a minute at first, then all there are.
  get span() {
    return Math.min(Math.max(this.model.tick, FIRST), DEPTH);
  }

  // Uptimes of the last n looks, oldest first.
  timesOf(n) {
    const { tick, times } = this.model;
    return Array.from({ length: n }, (_, i) =>
      tick - n + 1 + i < 1 ? NaN : times[(tick - n + 1 + i) % DEPTH]);
  }

  drawHistogram(s) {
    const counts = this.model.observed(s, this.looks);
    const unit = s.family.unit;
    QUANTILES.forEach((q, i) => setText(this.tiles[i],
      quantity(quantile(q, counts, s.source.bounds), unit)));
    const sum = Number(s.value?.sum ?? NaN);
    setText(find("detail-mean"), quantity(sum / s.number, unit));
    setText(find("detail-sum"), s.value?.sum ?? "–");
    const kept = s.spans.length, tick = this.model.tick;
    const n = Math.min(this.span, kept);
    this.spans = Array.from({ length: n }, (_, i) =>
      tick - n + 1 + i < 1 ? null : s.spans[(tick - n + 1 + i) % kept]);
    this.times = this.timesOf(n);
    this.where = heat(find("heat"), this.spans, this.times, s.source.bounds,
      (v) => quantity(v, unit));
    legend(find("legend"));
    this.readout(this.pointed ? this.where(this.pointed) : null);
  }

  drawEach(s) {
    const entries = Object.entries(s.value ?? {});
    find("each-rows").replaceChildren(...entries.map(([slot, value]) =>
      element("tr", "", element("th", "", slot), element("td", "n", value))));
  }

  point(event) {
    const box = event.target.getBoundingClientRect();
    this.pointed = { x: event.clientX - box.left, y: event.clientY - box.top };
    this.readout(this.where(this.pointed));
  }

  readout(place) {
    if (!place) {
      this.pointed = null;
      setText(find("heat-readout"), "Colour tells how many, on a " +
        "logarithmic scale.");
      return;
    }
    const { bounds } = this.series.source, unit = this.series.family.unit;
    const low = place.from > 0 ? quantity(bounds[place.from - 1], unit) : "0";
    const high = quantity(bounds[place.to], unit);
    const past = this.times.at(-1) - this.times[place.look];
    setText(find("heat-readout"), `${number(place.count)} observed, above ` +
      `${low} up to ${high}` + (past > 0 ? `, ${Math.round(past)} s ago` :
      ", just now"));
  }
}

// What to ask Prometheus for the same.
function query(s) {
  const labels = { ...s.labels };
  if (s.source.service !== undefined)
    labels.service = s.source.service;
  if (s.source.instance)
    labels.service_instance = s.source.instance;
  const pairs = Object.entries(labels).map(([k, v]) => k + "=" + quoted(v));
  const braces = pairs.length > 0 ? `{${pairs.join(",")}}` : "";
  if (s.family.type === "gauge")
    return s.family.name + braces;
  if (s.family.type === "counter")
    return `rate(${s.family.name}${braces}[1m])`;
  return "histogram_quantile(0.99, sum by (le) " +
    `(rate(${s.family.name}_bucket${braces}[1m])))`;
}
