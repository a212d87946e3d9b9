// What every explorer has: a chosen position of a map of outputs, moved by keys, clicks and buttons,
// shown at once and sent to the server when it rests. What a position means, and what is drawn for
// it, those say that extend this.

import { Bar } from "./bar.js";
import { Grid } from "./grid.js";
import { element, page } from "./page.js";

/**
 * How long to wait for the server's answer before the position is sent all the same, in ms; twice as
 * long each time that none comes.
 */
const PATIENCE = 3000;

/** A position moved by keys is sent once the keys rest for so long, in ms. */
const REST = 120;

const STEPS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

/**
 * To be extended by `take(data)`, which receives the server's data before they count; `size`, the
 * rows and columns of the outputs; and `draw()`, which draws the frame. Its `scene` is what its panels
 * read.
 */
export class Chooser {
  constructor(root) {
    this.root = root;
    this.host = element("div", { class: "rfviz-conductor", role: "group" }, root);
    this.host.dataset.testid = "rfviz-explorer";
    this.host.setAttribute("aria-label", "Explorer");
    this.bar = new Bar(this.host, {
      go: (row, column) => this.go(row, column),
      advance: (count) => this.advance(count),
      key: (event) => this.key(event),
      free: () => this.pin(false),
    });
    this.spoken = element("span", { class: "rfviz-spoken", "aria-live": "polite" }, this.host);
    this.grid = new Grid(this.host);
    page.conductor = this;
  }

  update(component) {
    this.component = component;
    this.data = component.data;
    this.take(this.data);
    this.waitingUntil = 0;
    this.patience = PATIENCE;
    clearTimeout(this.sending);
    this.grid.lay(this.data.layout);
    this.laid();
    this.grid.announce(this.data.expected);
    const [row, column] = this.data.position;
    for (const each of page.panels.values()) {
      this.grid.place(each);
      each.settle();
    }
    const reached = this.target && this.target[0] === row && this.target[1] === column;
    if (this.target && !reached) this.clampTarget();
    else this.target = null;
    if (this.target) this.sendSoon();
    this.say();
    this.schedule();
  }

  /** The layout is there, empty or not. */
  laid() {}

  /** A smaller output may have come while a position was being chosen. */
  clampTarget() {
    const [rows, columns] = this.size;
    this.target = [Math.min(this.target[0], rows - 1), Math.min(this.target[1], columns - 1)];
  }

  /** Draw in the next frame, once, however many things have changed. */
  schedule(since) {
    this.since ??= since;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }

  get chosen() {
    return this.target ?? this.data.position;
  }

  render() {
    if (!this.data) return;
    const started = performance.now();
    this.draw();
    this.report(started);
  }

  /** Are the numbers of this position those that torch gave? */
  isConfirmed([row, column]) {
    return row === this.data.position[0] && column === this.data.position[1];
  }

  /** For those who listen: how long the drawing took, and since when it was due. */
  report(started) {
    const now = performance.now();
    const detail = { since: this.since ?? started, drawn: now, took: now - started };
    this.since = undefined;
    this.host.dispatchEvent(new CustomEvent("rfviz-drawn", { detail, bubbles: true }));
  }

  /** Say the chosen position in words, once it rests. */
  say() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      if (this.data) this.spoken.textContent = this.data.sentence;
    }, 400);
  }

  /** Is a panel of a kind that is linked to this explorer? Not so one of a page that is being left. */
  isLinked(panel) {
    const { reads } = panel.constructor;
    return reads !== null && reads in this.scene;
  }

  /** What a place in a panel is; null where that is nothing. */
  pointedIn(panel, place) {
    if (!place || !this.isLinked(panel)) return null;
    return panel.constructor.pointedAt(place, { ...this.scene, position: this.chosen, pinned: this.pinned });
  }

  expected(name) {
    return this.data?.expected[name];
  }

  leave() {
    this.pointed = null;
    this.schedule();
  }

  /** Pinned, the position stays whatever is pointed at; free, it follows the pointer. */
  pin(pinned) {
    this.pinned = pinned;
    this.host.dataset.pinned = String(pinned);
    this.leave();
  }

  /** True if the key did something here. */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.data) return false;
    const [row, column] = this.chosen;
    const [rows, columns] = this.size;
    const step = STEPS[event.key];
    if (step) {
      const length = event.shiftKey ? 10 : 1;
      this.go(row + step[0] * length, column + step[1] * length, event.timeStamp);
    } else if (event.key === "Home") this.go(event.shiftKey ? 0 : row, 0, event.timeStamp);
    else if (event.key === "End") this.go(event.shiftKey ? rows - 1 : row, columns - 1, event.timeStamp);
    else if (event.key === "Escape") this.pin(false);
    else return false;
    return true;
  }

  /** On by so many positions in row-major order; false at either end. */
  advance(count) {
    const [rows, columns] = this.size;
    const [row, column] = this.chosen;
    const next = row * columns + column + count;
    if (next < 0 || next >= rows * columns) return false;
    this.go(Math.floor(next / columns), next % columns);
    return true;
  }

  /** Choose a position: shown at once, sent to the server when it rests. */
  go(row, column, since) {
    const { size } = this;
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, value));
    this.target = [clamp(row, size[0]), clamp(column, size[1])];
    this.pointed = null;
    this.schedule(since);
    this.sendSoon();
  }

  /** Send the chosen position, once the server no longer works on an earlier one. */
  sendSoon() {
    clearTimeout(this.sending);
    const wait = Math.max(REST, this.waitingUntil - performance.now());
    this.sending = setTimeout(() => this.send(), wait);
  }

  send() {
    if (!this.target || this.isConfirmed(this.target)) {
      this.target = null;
      this.schedule();
      return;
    }
    this.component.setTriggerValue("move", { row: this.target[0], column: this.target[1] });
    // A move can get lost on its way, where the connection breaks or the script is interrupted.
    this.waitingUntil = performance.now() + this.patience;
    this.patience *= 2;
    this.sendSoon();
  }

  remove() {
    this.bar.pause();
    this.grid.lay([]);
    for (const each of page.panels.values()) this.grid.place(each);
    clearTimeout(this.sending);
    clearTimeout(this.saying);
    cancelAnimationFrame(this.frame);
    if (page.conductor === this) page.conductor = null;
    this.data = null;
    this.host.remove();
  }
}
