// The one that knows which output is chosen, draws every highlight, and talks to the server. What a
// person points at is shown in the next frame from the arithmetic in links.js and values.js; the
// server learns only what is chosen for good, and its numbers then take the place of ours.

import { nearestOutput, outputSize } from "./geometry.js";
import { Grid } from "./grid.js";
import { marksOf, pointedAt, sentenceOf } from "./links.js";
import { shortNumber } from "./live.js";
import { element, page } from "./page.js";
import { PixelWindow } from "./pixels.js";
import { movedSpec, previewRange, watchSliders } from "./preview.js";
import { lookup, symmetricLimit } from "./scales.js";
import { sketchMap, sketchPatch, sketchVector } from "./sketch.js";
import { convolve, sumOf, vectorOf } from "./values.js";

const PLAY = "Play through all positions";

/** Paths in a box of 16 by 16: drawn, since not every font has these signs. */
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M12 3v10L4 8z",
  play: "M4 2v12l10-6z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M4 3v10l8-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};

/** Give a button its sign and its name. */
function dress(button, icon, label) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[icon]);
  drawing.append(path);
  button.replaceChildren(drawing);
  button.setAttribute("aria-label", label);
  button.title = label;
}

/** How long to wait for the server's answer before a further step is sent all the same, in ms. */
const PATIENCE = 3000;

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
    this.build();
    page.conductor = this;
  }

  build() {
    const bar = element("div", { class: "rfviz-bar", role: "group" }, this.host);
    bar.setAttribute("aria-label", "Chosen output position");
    this.button(bar, "first", "First position", () => this.go(0, 0));
    this.button(bar, "back", "Previous position", () => this.advance(-1));
    this.playing = this.button(bar, "play", PLAY, () => this.toggle());
    this.button(bar, "next", "Next position", () => this.advance(1));
    this.button(bar, "last", "Last position", () => this.go(Infinity, Infinity));
    this.speed = element("select", { "aria-label": "Speed of playing" }, bar);
    for (const [label, wait] of [["1 a second", 1000], ["3 a second", 333], ["fast", 40]]) {
      element("option", { value: String(wait) }, this.speed).textContent = label;
    }
    this.speed.value = "333";
    this.text = element("span", { class: "rfviz-position" }, bar);
    this.mark = element("span", { class: "rfviz-confirmed" }, bar);
    this.spoken = element("span", { class: "rfviz-spoken", "aria-live": "polite" }, this.host);
    this.grid = new Grid(this.host);
    bar.addEventListener("keydown", (event) => {
      if (event.target === this.speed) return;
      if (this.key(event)) event.preventDefault();
    });
  }

  button(parent, icon, label, act) {
    const node = element("button", { type: "button" }, parent);
    dress(node, icon, label);
    node.addEventListener("click", act);
    return node;
  }

  update(component) {
    this.component = component;
    this.data = component.data;
    this.scene = withNumbers(this.data.scene);
    this.value = Number(this.data.value);
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
    const taps = scene.spec.kernel[0] * scene.spec.kernel[1];
    const own = pointed.entry === undefined ? -1 : pointed.entry - scene.filter.channels[0] * taps;
    for (const each of page.panels.values()) {
      const { kind, name } = each.header ?? {};
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
      this.mark.textContent = "does not fit: let go to see why";
      return;
    }
    const position = this.chosen.map((at, axis) => Math.min(at, size[axis] - 1));
    const pointed = { position };
    const live = preview.weights && this.liveAt(preview, position);
    const look = { tables: this.tables };
    for (const each of page.panels.values()) {
      const { kind } = each.header ?? {};
      if (kind === "input") each.paint([...paddingMark(preview.spec), ...marksOf(kind, pointed, preview)]);
      else if (live && !this.data.hidden) this.sketch(each, kind, preview, live, look);
    }
    this.tell(pointed, preview, live?.sum, false);
    this.mark.textContent = this.data.hidden ? "preview" : `preview, ${size[0]} × ${size[1]} outputs`;
  }

  /** Draw what a panel of some kind will show. */
  sketch(panel, kind, preview, live, look) {
    if (kind === "patch") panel.paintSketch((context, theme) => sketchPatch(context, panel.size, live, theme), look);
    else if (kind === "vector") panel.paintSketch((context, theme) => sketchVector(context, panel.size, live, theme), look);
    else if (kind === "output" || kind === "columns") {
      const map = kind === "output" ? this.outputMap(preview, live) : this.columnsMap(preview, live);
      if (map) panel.paintSketch((context, theme) => sketchMap(context, panel.size, map, theme), look);
    }
  }

  /** The feature map with the preview's parameters, or the part of it that the pixels held give. */
  outputMap({ spec, weights, filter, divisor, token }, { position }) {
    const held = this.pixels.of(token);
    const [rows, columns] = previewRange(spec, position, held);
    const values = convolve(spec, held, weights, { ...filter, divisor }, rows, columns);
    if (!values) return null;
    const limit = symmetricLimit(values), [row, column] = position;
    const size = outputSize(spec);
    return {
      values, rows, columns, table: this.tables.diverging, low: -limit, high: limit,
      title: `Preview: feature map, ${size[0]} × ${size[1]}`,
      chosen: [column - 0.5, row - 0.5, column + 0.5, row + 0.5],
    };
  }

  /** The columns around the chosen output's with the preview's parameters. */
  columnsMap({ spec, divisor, token }, { position }) {
    const held = this.pixels.of(token);
    const size = outputSize(spec), n = size[0] * size[1];
    const nRows = spec.channels * spec.kernel[0] * spec.kernel[1];
    const at = position[0] * size[1] + position[1];
    const first = Math.max(0, Math.min(at - 30, n - 60)), last = Math.min(n, first + 60);
    const values = new Float64Array(nRows * (last - first));
    for (let column = first; column < last; column += 1) {
      const output = [Math.floor(column / size[1]), column % size[1]];
      const vector = vectorOf(spec, held, output, [0, spec.channels]);
      for (let row = 0; row < nRows; row += 1) {
        values[row * (last - first) + column - first] = vector ? vector[row] : 0;
      }
    }
    return {
      values, rows: [0, nRows], columns: [first, last], table: this.tables.sequential, low: 0, high: 255,
      title: `Preview: column matrix, ${nRows} × ${n.toLocaleString("en")}`, square: false, divisor,
      chosen: [at - 0.5, -0.5, at + 0.5, nRows - 0.5],
    };
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
    this.text.textContent = this.data.hidden
      ? `Output row ${pointed.position[0]}, column ${pointed.position[1]}: ?`
      : sentenceOf(pointed, scene, known ? shortNumber(value, 7) : "…");
    const pin = this.pinned ? "pinned, Escape frees" : "";
    const confirmation = confirmed && !this.data.hidden ? this.confirmation() : "";
    this.mark.textContent = [confirmation, pin].filter(Boolean).join("; ");
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

  toggle() {
    if (this.timer) this.pause();
    else this.play();
  }

  play() {
    dress(this.playing, "pause", "Pause");
    const tick = () => {
      if (!this.advance(1)) {
        this.pause();
        return;
      }
      this.timer = setTimeout(tick, Number(this.speed.value));
    };
    this.timer = setTimeout(tick, 0);
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    dress(this.playing, "play", PLAY);
  }

  remove() {
    this.pause();
    this.unwatch();
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
