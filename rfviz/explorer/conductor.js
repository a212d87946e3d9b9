// The one that knows which output is chosen, draws every highlight, and talks to the server. What a
// person points at is shown in the next frame from the arithmetic in links.js and values.js; the
// server learns only what is chosen for good, and its numbers then take the place of ours.

import { Bar } from "./bar.js";
import { nearestOutput, outputSize } from "./geometry.js";
import { Grid } from "./grid.js";
import { marksOf, pointedAt, sentenceOf } from "./links.js";
import { shortNumber } from "./numbers.js";
import { element, page } from "./page.js";
import { PixelWindow } from "./pixels.js";
import { movedSpec, watchSliders } from "./preview.js";
import { columnsMap, featureMap } from "./preview_maps.js";
import { lookup } from "./scales.js";
import { sumOf, vectorOf } from "./values.js";

/** How long to wait for the server's answer before a further step is sent all the same, in ms. */
const PATIENCE = 3000;

/** How long a preview stands in for a figure that does not come, in ms. */
const HOLD = 1500;

/** A position moved by keys is sent once the keys rest for so long, in ms. */
const REST = 120;

const STEPS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

/** The padding as a hatched frame around the picture. */
function paddingMark({ pads, inputSize: [height, width] }) {
  const [[top, bottom], [left, right]] = pads;
  if (!(top || bottom || left || right)) return [];
  const outer = [-left - 0.5, -top - 0.5, width + right - 0.5, height + bottom - 0.5];
  const inner = [-0.5, -0.5, width - 0.5, height - 0.5];
  return [{ kind: "frame", role: "padding", boxes: [outer], inner }];
}

/** The scene with its numbers as numbers: what is not finite comes as text. */
function withNumbers(scene) {
  const { filter, weights } = scene;
  return { ...scene, weights: weights.map(Number), filter: { ...filter, bias: Number(filter.bias) } };
}

/** What is pointed at while a position is pinned: its pixel or entry, beside the pinned position. */
function besidePin(pointed, position) {
  if (!pointed || (pointed.pixel === undefined && pointed.entry === undefined)) return null;
  return { ...pointed, at: pointed.position, position };
}

export class Conductor {
  constructor(root) {
    this.root = root;
    this.host = element("div", { class: "rfviz-conductor", role: "group" }, root);
    this.host.dataset.testid = "rfviz-explorer";
    this.host.setAttribute("aria-label", "Explorer");
    this.pixels = new PixelWindow(() => this.schedule());
    this.unwatch = watchSliders((key, value) => this.slide(key, value));
    this.bar = new Bar(this.host, {
      go: (row, column) => this.go(row, column),
      advance: (count) => this.advance(count),
      key: (event) => this.key(event),
    });
    this.spoken = element("span", { class: "rfviz-spoken", "aria-live": "polite" }, this.host);
    this.grid = new Grid(this.host);
    page.conductor = this;
  }

  update(component) {
    this.component = component;
    this.data = component.data;
    this.scene = withNumbers(this.data.scene);
    this.value = Number(this.data.value);
    this.holdSketches();
    this.preview = null;
    const { scales } = this.scene;
    this.tables ??= Object.fromEntries(Object.entries(scales).map(([name, stops]) => [name, lookup(stops)]));
    this.waitingSince = -PATIENCE;
    this.grid.lay(this.data.layout);
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

  /**
   * A slider has been let go: panels keep their previews until their new figures are drawn, so that
   * the figures of before are not seen again in between. One whose figure stays the same gets none.
   */
  holdSketches() {
    if (!this.preview) return;
    this.held = new Map();
    for (const each of page.panels.values()) if (each.sketched) this.held.set(each, each.draws);
    clearTimeout(this.letting);
    this.letting = setTimeout(() => {
      this.held = null;
      this.schedule();
    }, HOLD);
  }

  /** A smaller output may have come while a position was being chosen. */
  clampTarget() {
    const [rows, columns] = outputSize(this.scene.spec);
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

  /** A slider's thumb has moved: preview what its release would bring. */
  slide(key, value) {
    if (!this.data) return;
    const spec = movedSpec(this.scene.spec, key, value);
    this.preview = spec && { ...this.scene, spec, weights: this.weightsFor(spec) };
    this.schedule();
  }

  /** The chosen filter's weights at another kernel size; null where the server sent none. */
  weightsFor(spec) {
    const same = spec.kernel.every((size, axis) => size === this.scene.spec.kernel[axis]);
    return same ? this.scene.weights : page.bank?.[spec.kernel.join("x")]?.map(Number) ?? null;
  }

  render() {
    if (!this.data) return;
    const started = performance.now();
    if (this.preview) this.renderPreview();
    else this.renderScene();
    this.report(started);
  }

  renderScene() {
    const { scene } = this;
    const pointed = this.pointed ?? { position: this.chosen };
    const confirmed = this.isConfirmed(pointed.position);
    const live = confirmed ? null : this.liveAt(scene, pointed.position);
    const held = this.held && this.liveAt(scene, pointed.position);
    const taps = scene.spec.kernel[0] * scene.spec.kernel[1];
    const own = pointed.entry === undefined ? -1 : pointed.entry - scene.filter.channels[0] * taps;
    for (const each of page.panels.values()) {
      const { kind, name } = each.header ?? {};
      if (held && this.held.get(each) === each.draws) {
        this.sketch(each, kind, scene, held);
        continue;
      }
      const worked = kind === "patch" || kind === "vector";
      const entry = own >= 0 && worked ? each.entryMarks(own, scene.spec.kernel) : [];
      each.paint([...(this.data.marks[name] ?? []), ...marksOf(kind, pointed, scene), ...entry]);
      each.host.classList.toggle("rfviz-missing", worked && !confirmed && !live);
      if (worked) each.paintLive(live, { tables: this.tables });
      else if (kind === "input" || kind === "columns") each.paintTiles(scene, this.tables);
      else each.paintUnder(null);
    }
    this.tell(pointed, scene, confirmed ? this.value : live?.sum, confirmed);
  }

  renderPreview() {
    const { preview } = this;
    const size = outputSize(preview.spec);
    if (!size) {
      this.bar.mark.textContent = "does not fit: let go to see why";
      return;
    }
    const position = this.chosen.map((at, axis) => Math.min(at, size[axis] - 1));
    const pointed = { position };
    const live = preview.weights && this.liveAt(preview, position);
    for (const each of page.panels.values()) {
      const { kind } = each.header ?? {};
      if (kind === "input") each.paint([...paddingMark(preview.spec), ...marksOf(kind, pointed, preview)]);
      else if (live && !this.data.hidden) this.sketch(each, kind, preview, live);
    }
    this.tell(pointed, preview, live?.sum, false);
    this.bar.mark.textContent = this.data.hidden ? "preview" : `preview, ${size[0]} × ${size[1]} outputs`;
  }

  /** Draw what a panel of some kind will show. */
  sketch(panel, kind, scene, live) {
    const look = { tables: this.tables };
    if (kind === "patch" || kind === "vector") panel.paintLive(live, look, true);
    const make = { output: featureMap, columns: columnsMap }[kind];
    const map = make?.(scene, live.position, this.pixels.of(scene.token), this.tables);
    if (map) panel.paintMap(map);
  }

  /** Are the numbers of this position those that torch gave? */
  isConfirmed([row, column]) {
    return row === this.data.position[0] && column === this.data.position[1];
  }

  /** The numbers of a position worked out here; null until its pixels have come. */
  liveAt(scene, position) {
    const held = this.pixels.of(scene.token);
    const vector = held && vectorOf(scene.spec, held, position, scene.filter.channels);
    if (!vector) {
      this.pixels.want(scene, position, !this.pointed);
      return null;
    }
    const { weights, divisor, names, colours, filter } = scene;
    const sum = sumOf(vector, weights, filter.bias, divisor);
    return { spec: scene.spec, position, vector, weights, divisor, names, colours, bias: filter.bias, sum };
  }

  /** The position and its sum: attributes and text, in the frame in which they are drawn. */
  tell(pointed, scene, value, confirmed) {
    const { dataset } = this.host;
    dataset.outputRow = String(pointed.position[0]);
    dataset.outputColumn = String(pointed.position[1]);
    const known = value !== undefined && !this.data.hidden;
    dataset.outputValue = known ? String(value) : "";
    dataset.state = confirmed ? "confirmed" : "preview";
    this.bar.text.textContent = this.data.hidden
      ? `Output row ${pointed.position[0]}, column ${pointed.position[1]}: ?`
      : sentenceOf(pointed, scene, known ? shortNumber(value, 7) : "…");
    const pin = this.pinned ? "pinned, Escape frees" : "";
    const confirmation = confirmed && !this.data.hidden ? this.confirmation() : "";
    this.bar.mark.textContent = [confirmation, pin].filter(Boolean).join("; ");
  }

  /** How far torch's number is from the one worked out here, once its pixels are held. */
  confirmation() {
    const { scene, data } = this;
    const held = this.pixels.of(scene.token);
    const vector = held && vectorOf(scene.spec, held, data.position, scene.filter.channels);
    if (!vector) {
      this.pixels.want(scene, data.position, true);
      return "";
    }
    const sum = sumOf(vector, scene.weights, scene.filter.bias, scene.divisor);
    return `confirmed by torch, difference ${shortNumber(Math.abs(sum - this.value), 2)}`;
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

  expected(name) {
    return this.data?.expected[name];
  }

  hover(kind, place, since) {
    if (!this.data) return;
    const pointed = place && pointedAt(kind, place, { ...this.scene, position: this.chosen });
    this.pointed = this.pinned ? besidePin(pointed, this.chosen) : pointed;
    this.schedule(since);
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

  /** Pin what was clicked: an output, or for a pixel what the page makes of pixels. */
  click(kind, place) {
    const { spec } = this.scene;
    const pointed = pointedAt(kind, place, { ...this.scene, position: this.chosen });
    if (kind === "input" && !this.data.choosesPixels) {
      // Padding too: outputs at the edge are centred there.
      this.go(...nearestOutput(spec, [Math.round(place.y), Math.round(place.x)]));
    } else if (!pointed) return;
    else if (kind === "input") {
      const [row, column] = pointed.pixel;
      this.component.setTriggerValue("pixel", { row, column });
      return;
    } else this.go(...pointed.position);
    this.pin(true);
  }

  /** True if the key did something here. */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.data) return false;
    const [row, column] = this.chosen;
    const [rows, columns] = outputSize(this.scene.spec);
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
    const [rows, columns] = outputSize(this.scene.spec);
    const [row, column] = this.chosen;
    const next = row * columns + column + count;
    if (next < 0 || next >= rows * columns) return false;
    this.go(Math.floor(next / columns), next % columns);
    return true;
  }

  /** Choose a position: shown at once, sent to the server when it rests. */
  go(row, column, since) {
    const size = outputSize(this.scene.spec);
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, value));
    this.target = [clamp(row, size[0]), clamp(column, size[1])];
    this.pointed = null;
    this.schedule(since);
    this.sendSoon();
  }

  /** Send the chosen position, unless the server still works on an earlier one. */
  sendSoon() {
    clearTimeout(this.sending);
    const busy = performance.now() - this.waitingSince < PATIENCE;
    if (busy) return;
    this.sending = setTimeout(() => this.send(), REST);
  }

  send() {
    if (!this.target || this.isConfirmed(this.target)) {
      this.target = null;
      this.schedule();
      return;
    }
    this.waitingSince = performance.now();
    this.component.setTriggerValue("move", { row: this.target[0], column: this.target[1] });
  }

  remove() {
    this.bar.pause();
    this.unwatch();
    this.grid.lay([]);
    for (const each of page.panels.values()) this.grid.place(each);
    clearTimeout(this.sending);
    clearTimeout(this.saying);
    clearTimeout(this.letting);
    cancelAnimationFrame(this.frame);
    if (page.conductor === this) page.conductor = null;
    this.data = null;
    this.host.remove();
  }
}
