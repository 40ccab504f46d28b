// SPDX-License-Identifier: Apache-2.0
// Asks the collector once a second, while somebody looks.

const INTERVAL_MS = 1000;
const PATIENCE_MS = 8000;          // with one answer
const SHARE = 4;                   // of the time, at most a fourth is ours
const LIMIT = 10000;
const RETRY_MS = 2000;

export class Source {
  // onLook(state, pages, isGap), onStatus({ kind, since, why })
  constructor(onLook, onStatus) {
    this.onLook = onLook;
    this.onStatus = onStatus;
    this.plan = null;              // whose names are known
    this.paused = false;
    this.timer = 0;
    this.running = false;
    this.missed = false;           // the last look is not the one before
    this.lostSince = null;
    document.addEventListener("visibilitychange", () => this.wake());
  }

  get resting() {
    return this.paused || document.hidden;
  }

  pause(paused) {
    this.paused = paused;
    this.wake();
  }

  wake() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.resting) {
      this.missed = true;
      this.say({});
    } else if (!this.running) {
      this.look();
    }
  }

  // An answer that comes while it rests does not end the rest.
  say(status) {
    this.onStatus(this.resting ?
      { kind: this.paused ? "paused" : "hidden" } : status);
  }

  async look() {
    const began = performance.now();
    let wait = RETRY_MS;
    this.running = true;
    try {
      await this.ask();
      this.lostSince = null;
      this.missed = false;
      this.say({ kind: "live" });
      wait = Math.max(INTERVAL_MS, SHARE * (performance.now() - began));
    } catch (error) {
      this.missed = true;
      this.lostSince ??= new Date();
      this.say({ kind: "lost", since: this.lostSince, why:
        error.why ?? "The answer cannot be read." });
      if (!error.why)
        console.error(error);      // ours to mend
    }
    this.running = false;
    if (!this.resting)
      this.timer = setTimeout(() => this.look(), wait);
  }

  async ask() {
    const state = await get("api/v1/state");
    const pages = await this.pages();
    this.onLook(state, pages, this.missed);
    this.plan = pages[0].plan;
  }

  // All pages of one plan; when it changes on the way, from the start.
  async pages() {
    for (let attempt = 0; attempt < 4; attempt++) {
      const pages = [];
      let first = 0;
      do {
        const known = this.plan ? `&plan=${this.plan}` : "";
        pages.push(await get(
          `api/v1/series?limit=${LIMIT}&first=${first}${known}`));
        first = pages.at(-1).next;
      } while (first !== null && pages.at(-1).plan === pages[0].plan);
      if (pages.at(-1).plan === pages[0].plan)
        return pages;
    }
    throw new Refusal("The series change faster than they can be read.");
  }
}

class Refusal extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

const REASONS = { 401: "The login is not valid any more: reload the page.",
  503: "The collector is busy." };

async function get(path) {
  const answer = await fetch(path, { cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => {
    throw new Refusal("The collector does not answer.");
  });
  if (!answer.ok)
    throw new Refusal(REASONS[answer.status] ??
      `The collector answers ${answer.status}.`);
  return answer.json();
}
