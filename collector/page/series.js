// SPDX-License-Identifier: Apache-2.0
// The list of series: as many rows as fit the window, whatever it holds.
import { spark } from "./chart.js";
import { element, find, setText } from "./dom.js";
import { quantity, rate, visible } from "./format.js";
import { quantile } from "./model.js";

const SPARK_LOOKS = 60;
const SPARE_ROWS = 6;              // above and below the window
const SPARKS = 12;                 // drawn in a frame; others in the next ones
const RESORT_LOOKS = 10;           // a list that jumps cannot be read

// words: all must be in it.
export function filter(all, words, type, owner) {
  return all.filter((s) => (!type || s.family.type === type) &&
    (!owner || s.owner === owner) && words.every((w) => s.search.includes(w)));
}

export class List {
  // grid: what has the role; onOpen(series)
  constructor(grid, rows, count, empty, onOpen) {
    this.grid = grid;
    this.rows = rows;
    this.count = count;
    this.empty = empty;
    this.onOpen = onOpen;
    this.query = { text: "", type: "", owner: "", busiest: false };
    this.shown = [];
    this.at = -1;                  // selected: index in shown
    this.pool = new Map();         // index -> row
    this.model = null;
    this.open = null;
    this.frame = 0;
    this.measure();
    addEventListener("scroll", () => this.drawSoon(), { passive: true });
    addEventListener("resize", () => this.measure());
    rows.addEventListener("click", (event) => this.click(event));
  }

  // Another size, or other colours: all pictures anew.
  measure() {
    this.height = parseFloat(getComputedStyle(this.rows)
      .getPropertyValue("--row")) || 36;
    for (const row of this.pool.values())
      row.sparked = null;
    this.drawSoon();
  }

  ask(change) {
    Object.assign(this.query, change);
    this.select(-1);
    this.refresh();
  }

  show(model) {
    const planned = model.plan !== this.plan;
    this.model = model;
    this.plan = model.plan;
    if (planned || (this.query.busiest && model.tick % RESORT_LOOKS === 0))
      this.refresh();
    else
      this.drawSoon();
  }

  refresh() {
    if (!this.model)
      return;
    const chosen = this.shown[this.at];
    const { text, type, owner, busiest } = this.query;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = filter(this.model.all, words, type, owner);
    this.shown = busiest ? this.byRate(found) :
      [...found.filter((s) => !s.own), ...found.filter((s) => s.own)];
    this.at = this.shown.indexOf(chosen);
    const n = this.shown.length, of = this.model.all.length;
    setText(this.count, n === of ? `${of.toLocaleString("en")} series` :
      `${n.toLocaleString("en")} of ${of.toLocaleString("en")} series`);
    this.empty.hidden = n > 0;
    this.grid.setAttribute("aria-rowcount", String(n + 1));
    this.drawSoon();
  }

  byRate(found) {
    const rates = new Map(found.map((s) => [s, this.model.rate(s) || 0]));
    return found.sort((a, b) => rates.get(b) - rates.get(a));
  }

  drawSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const height = this.height;
    this.rows.style.height = `${this.shown.length * height}px`;
    const top = -this.rows.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / height) - SPARE_ROWS);
    const last = Math.min(this.shown.length,
      Math.ceil((top + innerHeight) / height) + SPARE_ROWS);
    const free = [];
    for (const [i, row] of this.pool)
      if (i < first || i >= last) {
        this.pool.delete(i);
        free.push(row);
      }
    for (let i = first; i < last; i++)
      this.drawRow(i, height, free);
    for (const row of free)
      row.line.remove();
    this.mark();
    this.drawSparks();
  }

  drawSparks() {
    let left = SPARKS;
    for (const row of this.pool.values()) {
      if (row.sparked === row.series && row.sparkedAt === this.model.tick)
        continue;
      if (left-- === 0) {
        this.drawSoon();
        return;
      }
      row.sparked = row.series;
      row.sparkedAt = this.model.tick;
      spark(row.spark, this.model.past(row.series, SPARK_LOOKS),
        row.series.family.type !== "gauge");
    }
  }

  drawRow(i, height, free) {
    let row = this.pool.get(i);
    if (!row) {
      row = free.pop() ?? makeRow();
      this.pool.set(i, row);
      if (!row.line.isConnected)
        this.rows.append(row.line);
    }
    row.line.style.transform = `translateY(${i * height}px)`;
    row.line.id = `row-${i}`;
    row.line.dataset.index = i;
    row.line.setAttribute("aria-rowindex", String(i + 2));
    fill(row, this.shown[i], this.model);
  }

  mark() {
    for (const [i, row] of this.pool) {
      row.line.setAttribute("aria-selected", String(i === this.at));
      row.line.classList.toggle("open", this.shown[i] === this.open);
    }
    for (const node of [this.grid, document.activeElement])
      if (node?.getAttribute("aria-controls") === this.grid.id ||
          node === this.grid) {
        if (this.pool.has(this.at))
          node.setAttribute("aria-activedescendant", `row-${this.at}`);
        else
          node.removeAttribute("aria-activedescendant");
      }
  }

  select(i) {
    this.at = Math.min(Math.max(i, -1), this.shown.length - 1);
    if (this.at >= 0)
      this.reveal();
    this.drawSoon();
  }

  // What stands above the list stays in sight with its first row.
  reveal() {
    const height = this.height;
    const cover = Math.max(...["tools", "titles"].map((id) =>
      find(id).getBoundingClientRect().bottom));
    const y = this.rows.getBoundingClientRect().top + this.at * height;
    if (y < cover)
      scrollBy(0, y - cover);
    else if (y + height > innerHeight - 8)
      scrollBy(0, y + height - innerHeight + 8);
  }

  // Whether the key was one of ours.
  key(name) {
    const page = Math.max(1, Math.floor(innerHeight / this.height) - 6);
    const to = { ArrowDown: this.at + 1, ArrowUp: Math.max(this.at - 1, 0),
      PageDown: this.at + page, PageUp: Math.max(this.at - page, 0),
      Home: 0, End: this.shown.length - 1 }[name];
    if (to !== undefined)
      this.select(to);
    else if (name === "Enter" && this.shown.length > 0)
      this.onOpen(this.shown[Math.max(this.at, 0)]);
    return to !== undefined || name === "Enter";
  }

  click(event) {
    const line = event.target.closest("[data-index]");
    if (!line)
      return;
    this.at = Number(line.dataset.index);
    this.onOpen(this.shown[this.at]);
  }

  setOpen(series) {
    this.open = series;
    this.drawSoon();
  }
}

const CELLS = ["name", "owner", "p50 n", "p99 n", "value n", "rate n"];

function makeRow() {
  const row = { line: element("div", "row"), series: null };
  row.line.setAttribute("role", "row");
  for (const kind of CELLS) {
    const cell = element("div", kind);
    cell.setAttribute("role", "gridcell");
    row[kind.split(" ")[0]] = cell;
    row.line.append(cell);
  }
  row.family = element("b");
  row.labels = element("span");
  row.name.append(row.family, row.labels);
  row.spark = element("canvas", "spark");
  row.spark.setAttribute("aria-hidden", "true");
  row.line.append(row.spark);
  return row;
}

function fill(row, s, model) {
  const unit = s.family.unit;
  if (row.series === s && row.tick === model.tick)
    return;
  row.tick = model.tick;
  if (row.series !== s) {
    row.series = s;
    setText(row.family, visible(s.family.name));
    setText(row.labels, visible(s.text));
    setText(row.owner, s.owner);
    row.name.title = visible(s.family.name + s.text + "\n" + s.family.help);
    row.line.dataset.type = s.family.type;
  }
  setText(row.value, s.isHistogram ? quantity(s.number, "") :
    quantity(s.number, unit));
  row.value.title = visible(s.exact);
  setText(row.rate, s.family.type === "gauge" ? "" : rate(model.rate(s)));
  const counts = s.isHistogram ? model.observed(s) : null;
  setText(row.p50, counts ?
    quantity(quantile(0.5, counts, s.source.bounds), unit) : "");
  setText(row.p99, counts ?
    quantity(quantile(0.99, counts, s.source.bounds), unit) : "");
}
