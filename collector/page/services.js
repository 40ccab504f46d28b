// SPDX-License-Identifier: Apache-2.0
// Services, their state and capacity, and what needs attention.
import { ago, number, rate, visible } from "./format.js";
import { element, setText } from "./dom.js";

const FEW = 8;                     // shown before "all" is asked for
const FULL = 0.9;

const STATES = { alive: "alive", idle: "not running", bad: "cannot be read",
  missing: "no segment" };

const METERS = [["lanes", "Lanes"], ["cells", "Cells"],
  ["directory", "Directory"]];

const TROUBLES = {
  refused: "registrations refused: what asked for them counts into nothing",
  dropped: "observations dropped: their value was no time that can be",
  no_slot: "times no process slot was free: those processes show no gauges",
  no_lane: "times no lane was free: those threads share one, which is slower",
  overflowed: "new label values over a family's limit: counted as one series",
  redefined: "families defined anew by a later version",
};

export function nameOf(s) {
  return s.service ? s.service + (s.instance ? "@" + s.instance : "") : s.file;
}

// Of everything: [{ bad, where, text }], the worst first.
export function troublesOf(state) {
  const found = [];
  if (state.directory.error)
    found.push({ bad: true, where: state.directory.path,
      text: `the directory cannot be read: ${state.directory.error}` });
  for (const s of state.services)
    found.push(...troublesOfService(s));
  for (const h of state.hidden)
    found.push({ bad: false, where: h.family, text: "of " +
      (h.service || "the collector") + ` is left out: ${h.reason}` +
      (h.winner ? ` (${h.winner})` : "") });
  return found.sort((a, b) => b.bad - a.bad);
}

function troublesOfService(s) {
  const where = nameOf(s);
  if (s.state === "bad")
    return [{ bad: true, where, text: `cannot be read: ${s.reason}` }];
  if (s.state === "missing")
    return [{ bad: true, where, text: "is expected, but has no segment" }];
  const found = [];
  if (s.state === "idle")
    found.push({ bad: false, where, text:
      "has no living process; its counters stay, its gauges are not shown" });
  for (const [kind, text] of Object.entries(TROUBLES))
    if (s.troubles[kind] !== "0")
      found.push({ bad: kind === "refused", where,
        text: `${s.troubles[kind]} ${text}` });
  for (const [kind, c] of Object.entries(s.capacity))
    if (c.of > 0 && c.used / c.of >= FULL)
      found.push({ bad: c.used >= c.of, where, text: `${kind}: ` +
        `${Math.floor(100 * c.used / c.of)} % in use` });
  return found;
}

function rank(s) {
  return { bad: 0, missing: 1, idle: 2, alive: 3 }[s.state];
}

export class Services {
  constructor(table, more, attention, onChoose) {
    this.table = table;
    this.more = more;
    this.attention = attention;
    this.rows = new Map();
    this.all = false;
    this.chosen = "";
    this.since = new Map();        // when a state was first seen
    more.addEventListener("click", () => {
      this.all = !this.all;
      this.show(this.model);
    });
    table.addEventListener("click", (event) => {
      const row = event.target.closest("[data-name]");
      if (row)
        onChoose(row.dataset.name);
    });
  }

  choose(name) {
    this.chosen = name;
    for (const [key, row] of this.rows)
      row.button.setAttribute("aria-pressed", String(key === name));
  }

  show(model) {
    this.model = model;
    const sorted = [...model.state.services].sort((a, b) =>
      rank(a) - rank(b) || nameOf(a).localeCompare(nameOf(b)));
    const shown = this.all ? sorted : sorted.slice(0, FEW);
    const names = new Set(shown.map(nameOf));
    for (const [name, row] of this.rows)
      if (!names.has(name)) {
        row.line.remove();
        this.rows.delete(name);
      }
    shown.forEach((s, i) => this.showOne(s, i, model));
    this.more.hidden = sorted.length <= FEW;
    setText(this.more, this.all ? "Show fewer" :
      `Show all ${sorted.length} services`);
    this.showAttention(model.state);
  }

  showOne(s, at, model) {
    const name = nameOf(s);
    let row = this.rows.get(name);
    if (!row) {
      row = makeRow(name);
      this.rows.set(name, row);
    }
    if (this.table.children[at] !== row.line)
      this.table.insertBefore(row.line, this.table.children[at] ?? null);
    row.line.dataset.state = s.state;
    row.button.setAttribute("aria-pressed", String(name === this.chosen));
    setText(row.state, STATES[s.state] + this.duration(name, s.state));
    const good = s.live !== undefined;
    setText(row.live, good ? String(s.live) : "–");
    row.live.dataset.label = s.live === 1 ? "process" : "processes";
    row.live.title = good ? "pid " +
      s.processes.map((p) => p.pid).join(", pid ") : "";
    setText(row.series, good ? number(s.series) : "–");
    setText(row.rate, good ? rate(model.rates.get(name) ?? 0) : "–");
    for (const [kind, label] of METERS)
      setMeter(row.meters[kind], label, s.capacity?.[kind]);
  }

  // For how long, if we saw it begin.
  duration(name, state) {
    const seen = this.since.get(name);
    if (seen?.state === state)
      return seen.at ? ` for ${ago((Date.now() - seen.at) / 1000)}` : "";
    this.since.set(name, { state, at: seen && state !== "alive" ?
      Date.now() : 0 });
    return "";
  }

  showAttention(state) {
    const troubles = troublesOf(state).slice(0, 50);
    const text = troubles.map((t) => `${t.bad} ${t.where} ${t.text}`).join();
    if (text === this.said)
      return;
    this.said = text;
    this.attention.hidden = troubles.length === 0;
    const list = this.attention.querySelector("ul");
    list.replaceChildren(...troubles.map((t) => element("li",
      t.bad ? "bad" : "mild", element("b", "", visible(t.where)), " ",
      visible(t.text))));
  }
}

function makeRow(name) {
  const button = element("button", "name", element("i", "dot"),
    element("span", "", visible(name)));
  button.type = "button";
  button.title = "Show only its series";
  const cell = (kind) => {
    const td = element("td", kind);
    td.dataset.label = { live: "processes", series: "series",
      rate: "updates/s" }[kind.split(" ")[0]] ?? "";
    return td;
  };
  const row = { button, state: cell("state"), live: cell("live n"),
    series: cell("series n"), rate: cell("rate n"), meters: {} };
  const meters = element("td", "meters");
  for (const [kind] of METERS) {
    row.meters[kind] = element("span", "meter", element("i", ""),
      element("em", ""));
    meters.append(row.meters[kind]);
  }
  const head = element("th", "", button);
  head.scope = "row";
  row.line = element("tr", "", head, row.state, row.live, row.series, row.rate,
    meters);
  row.line.dataset.name = name;
  return row;
}

function setMeter(meter, label, c) {
  const share = c && c.of > 0 ? c.used / c.of : 0;
  meter.style.setProperty("--share", String(share));
  meter.classList.toggle("full", share >= FULL);
  meter.title = c ? `${label}: ${c.used} of ${c.of} in use` : "";
  setText(meter.lastChild, c ? `${label} ${Math.ceil(100 * share)} %` : "");
}
