// SPDX-License-Identifier: Apache-2.0
// The page: looks come in, hands go to what shows them.
import { forgetColours } from "./chart.js";
import { Detail } from "./detail.js";
import { element, find, setText } from "./dom.js";
import { number } from "./format.js";
import { Model } from "./model.js";
import { List } from "./series.js";
import { nameOf, Services, troublesOf } from "./services.js";
import { Source } from "./source.js";

const model = new Model();
const search = find("search"), grid = find("grid");
const list = new List(grid, find("rows"), find("count"), find("no-match"),
  (series) => go(series));
const services = new Services(find("services"), find("more"),
  find("attention"), (name) => chooseOwner(name === list.query.owner ?
    "" : name));
const detail = new Detail(find("detail"), () => go(null));
const source = new Source(onLook, onStatus);

function onLook(state, pages, missed) {
  if (missed && model.tick > 0)
    model.gap();
  model.take(state, pages);
  document.body.classList.remove("loading");
  services.show(model);
  list.show(model);
  followHash();
  detail.follow(model);
  showOverview(state);
}

function plural(n, one, many) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

function showOverview(state) {
  const good = state.services.filter((s) => s.live !== undefined);
  const live = good.reduce((n, s) => n + s.live, 0);
  const updates = [...model.rates.values()].reduce((a, b) => a + b, 0);
  setText(find("n-services"), plural(good.length, "service", "services"));
  setText(find("n-live"), plural(live, "process", "processes"));
  setText(find("n-series"), plural(model.all.length, "series", "series"));
  setText(find("n-updates"), `${number(updates)} updates/s`);
  setText(find("directory"), state.directory.path);
  setText(find("version"), `smx-collector ${state.version}`);
  find("nothing").hidden = state.services.length > 0;
  find("services-box").hidden = state.services.length === 0;
  const bad = troublesOf(state).filter((t) => t.bad).length;
  document.title = `${bad > 0 ? `(${bad}) ` : ""}smx collector`;
  showLinks(state);
}

function showLinks(state) {
  const path = state.metrics_path.replace(/^\//, "");
  const text = path + good(state);
  if (find("links").dataset.path === text)
    return;
  find("links").dataset.path = text;
  find("link-text").href = path;
  find("link-openmetrics").href = `${path}?format=openmetrics`;
  find("link-protobuf").href = `${path}?format=protobuf`;
  find("link-services").replaceChildren(...state.services
    .filter((s) => s.live !== undefined).slice(0, 100).map((s) => {
      const link = element("a", "", nameOf(s));
      link.href = `${path}/${nameOf(s)}`;
      return element("li", "", link);
    }));
}

function good(state) {
  return state.services.filter((s) => s.live !== undefined).map(nameOf)
    .join();
}

const STATUS = { live: "Live", paused: "Paused", hidden: "Resting",
  lost: "No answer" };

function onStatus({ kind, since, why }) {
  document.body.dataset.status = kind;
  setText(find("status-text"), STATUS[kind]);
  find("lost").hidden = kind !== "lost";
  if (kind === "lost")
    setText(find("lost"), `${why} What is shown is of ` +
      `${since.toLocaleTimeString()}; trying again by itself.`);
}

function chooseOwner(name) {
  list.ask({ owner: name });
  services.choose(name);
  find("owner").hidden = name === "";
  setText(find("owner-name"), name);
}

function go(series) {
  const hash = series ? "#" + encodeURIComponent(series.key) : "";
  if (hash !== location.hash)
    history.pushState(null, "", hash || location.pathname);
  followHash();
  if (series)
    find("detail-close").focus({ preventScroll: true });
  else
    (returnTo ?? grid).focus({ preventScroll: true });
}

// What had the focus, and where the window stood, before one was opened.
let returnTo = null, stood = 0;
const narrow = matchMedia("(max-width: 1099px)");

// The address says what is open: Back closes it, and it can be passed on.
function followHash() {
  const key = decode(location.hash.slice(1));
  const series = model.byKey.get(key) ?? null;
  if (key && !series)
    return;                        // gone, or not there yet
  if (series === detail.series)
    return;
  if (series && !detail.series) {
    returnTo = document.activeElement === search ? search : grid;
    stood = scrollY;
  }
  document.body.classList.toggle("detailed", series !== null);
  list.setOpen(series);
  if (series)
    detail.open(series, model);
  else
    detail.close();
  if (narrow.matches)
    scrollTo(0, series ? 0 : stood);
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function pause() {
  source.pause(!source.paused);
  find("pause").setAttribute("aria-pressed", String(source.paused));
}

function escape() {
  if (detail.series)
    go(null);
  else if (search.value || list.query.owner) {
    search.value = "";
    list.ask({ text: "" });
    chooseOwner("");
  } else
    search.blur();
}

const KEYS = { "/": () => search.focus(), p: pause,
  "?": () => find("help").showModal() };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("help").open)
    return;
  const typing = event.target === search;
  const inList = typing || event.target === grid ||
    event.target === document.body;
  let ours = true;
  if (event.key === "Escape")
    escape();
  else if (!typing && KEYS[event.key])
    KEYS[event.key]();
  else if (typing && ["Home", "End"].includes(event.key))
    ours = false;
  else
    ours = inList && list.key(event.key);
  if (ours)
    event.preventDefault();
}

addEventListener("keydown", onKey);
addEventListener("popstate", followHash);
search.addEventListener("input", () => list.ask({ text: search.value }));
find("types").addEventListener("change", (event) =>
  list.ask({ type: event.target.value }));
find("busiest").addEventListener("click", () => {
  list.ask({ busiest: !list.query.busiest });
  find("busiest").setAttribute("aria-pressed", String(list.query.busiest));
});
find("owner").addEventListener("click", () => chooseOwner(""));
find("pause").addEventListener("click", pause);
find("keys").addEventListener("click", () => find("help").showModal());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetColours();
  list.measure();
  detail.draw();
});
source.wake();
