// The one that knows which output is chosen, draws every highlight, and talks to the server. What a
// person points at is shown in the next frame from the arithmetic in links.js and values.js; the
// server learns only what is chosen for good, and its numbers then take the place of ours.

import { Chooser } from "./chooser.js";
import { columnOf, nearestOutput, nRowsOf, outputSize } from "../laws/geometry.js";
import { sentenceOf } from "../laws/links.js";
import { shortNumber } from "../laws/numbers.js";
import { page } from "./page.js";
import { PixelWindow } from "./pixels.js";
import { movedSpec } from "../laws/preview.js";
import { lookup } from "../draw/scales.js";
import { scriptRuns, watchSliders } from "../streamlit_dom.js";
import { columnsAround, filtersAround, holds } from "../laws/matrix_window.js";
import { columnsOf, productOf, sumOf, termsOf, vectorOf } from "../laws/values.js";
import { MOST_FILTERS } from "./stage_grid.js";

/** How long a preview stands in for a figure that does not come, at the most, in ms. */
const HOLD = 15_000;

/** So often it is looked whether figures are still to come, in ms, and so often none must be. */
const LOOK = 100, LOOKS = 3;

/** A first example steps by itself, so often in ms, until a person does one of these. */
const STEP = 1000, DOINGS = ["pointermove", "pointerdown", "keydown", "wheel", "touchstart"];

/** Terms of a sum that are written out in one line. */
const MOST_TERMS = 12;

/** Entries of the matrix that are worked out in a frame at the most. */
const MOST_ENTRIES = 400_000;

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

export class Conductor extends Chooser {
  constructor(root) {
    super(root);
    this.pixels = new PixelWindow(() => this.schedule());
    this.unwatch = watchSliders((key, value) => this.slide(key, value));
  }

  take(data) {
    this.scene = withNumbers(data.scene);
    this.value = Number(data.value);
    this.holdSketches();
    this.preview = null;
    const { scales } = this.scene;
    this.tables ??= Object.fromEntries(Object.entries(scales).map(([name, stops]) => [name, lookup(stops)]));
  }

  /** Show one output after the other, until a person does anything; the server is told of none. */
  walk() {
    if (this.walking || this.walked || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.walking = setInterval(() => {
      const [rows, columns] = this.size, [row, column] = this.pointed?.position ?? this.chosen;
      const next = (row * columns + column + 1) % (rows * columns);
      this.pointed = { position: [Math.floor(next / columns), next % columns] };
      this.schedule();
    }, STEP);
    const stop = () => {
      for (const name of DOINGS) window.removeEventListener(name, stop, true);
      clearInterval(this.walking);
      this.walked = true;
    };
    for (const name of DOINGS) window.addEventListener(name, stop, true);
    this.stopWalking = stop;
  }

  laid() {
    if (this.data.walks) this.walk();
    this.grid.stage?.show({ ...this.scene, hidden: this.data.hidden });
  }

  get size() {
    return outputSize(this.scene.spec);
  }

  /**
   * A slider has been let go: panels keep their previews until their new figures are drawn, so that
   * the figures of before are not seen again in between. One whose figure stays the same gets none:
   * its preview goes once the script has ended.
   */
  holdSketches() {
    if (!this.preview) return;
    this.held = new Map();
    for (const each of page.panels.values()) if (each.sketched) this.held.set(each, each.shown);
    const latest = performance.now() + HOLD;
    let quiet = 0;
    clearInterval(this.holding);
    this.holding = setInterval(() => {
      const drawing = [...this.held.keys()].some((panel) => panel.drawing);
      quiet = drawing || scriptRuns() ? 0 : quiet + 1;
      if (quiet < LOOKS && performance.now() < latest) return;
      clearInterval(this.holding);
      this.held = null;
      this.schedule();
    }, LOOK);
  }

  /** Does a panel show its preview until its new figure comes? One that says what it awaits does not. */
  isHeld(panel) {
    return this.held?.get(panel) === panel.shown && panel.host.getAttribute("aria-busy") !== "true";
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

  draw() {
    if (this.preview) this.renderPreview();
    else this.renderScene();
  }

  renderScene() {
    const { scene } = this;
    const pointed = this.pointed ?? { position: this.chosen };
    const confirmed = this.isConfirmed(pointed.position);
    const live = confirmed ? null : this.liveAt(scene, pointed.position);
    const held = this.held && this.liveAt(scene, pointed.position);
    const frame = { ...this.frameFor(scene, pointed, live, confirmed), ...this.matrixAt(scene, pointed.position) };
    for (const each of page.panels.values()) {
      if (!this.isLinked(each)) each.rest(this.data.marks);
      else if (held && this.isHeld(each)) each.sketch({ ...frame, live: held });
      else each.show(frame);
    }
    this.tell(pointed, scene, confirmed ? this.value : live?.sum, confirmed);
  }

  /**
   * The columns of the matrices in view on the stage, and their values where the server's figures do
   * not hold them: those of the figure while it holds the position, else those around it, which stay
   * while they hold what is pointed at.
   */
  matrixAt(scene, position) {
    const { stage } = this.grid;
    if (!stage) return {};
    const at = columnOf(scene.spec, position);
    const drawn = page.panels.get("columns")?.view?.columns;
    if (drawn && holds(drawn, at)) return { columns: drawn };
    let { followed } = this;
    if (followed?.scene !== scene || followed.length !== stage.columns || !holds(followed.columns, at)) {
      const columns = columnsAround(scene.spec, position, stage.columns);
      followed = this.followed = { scene, length: stage.columns, columns, position };
    }
    return { columns: followed.columns, matrix: this.matrixOf(followed) };
  }

  /** The values of some columns and of their outputs; null until their pixels have come. */
  matrixOf(followed) {
    const { scene, columns, position } = followed, { spec, divisor, filter } = scene;
    const held = this.pixels.of(scene.token);
    if (followed.of === held && followed.bank === page.bank) return followed.matrix;
    const n = columns[1] - columns[0];
    if (!held || n * nRowsOf(spec) > MOST_ENTRIES) {
      if (!held) this.pixels.want(scene, position, false, columns);
      return null;
    }
    const inputs = columnsOf(spec, held, columns, divisor);
    if (inputs.some(Number.isNaN)) this.pixels.want(scene, position, false, columns);
    const bank = page.bank?.filters;
    const outputs = bank && productOf(bank, inputs, n);
    const filters = filtersAround(filter, MOST_FILTERS);
    Object.assign(followed, { of: held, bank: page.bank, matrix: { columns, inputs, outputs, filters } });
    return followed.matrix;
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
    const frame = this.frameFor(preview, pointed, live, false);
    for (const each of page.panels.values()) if (this.isLinked(each)) each.preview(frame);
    this.tell(pointed, preview, live?.sum, false);
    this.bar.mark.textContent = this.data.hidden ? "preview" : `preview, ${size[0]} × ${size[1]} outputs`;
  }

  /**
   * All that a panel needs to draw itself: the scene, what is pointed at, the values worked out here
   * if there are any, and whether torch has confirmed the position.
   */
  frameFor(scene, pointed, live, confirmed) {
    const { tables, data } = this;
    return {
      scene, pointed, live, confirmed, tables, hidden: Boolean(data.hidden),
      still: data.marks, pixels: this.pixels.of(scene.token),
    };
  }

  /** The numbers of a position worked out here; null until its pixels have come. */
  liveAt(scene, position) {
    // Of a very large receptive field the server sends no weights: only its own answers are shown.
    if (!scene.weights.length) return null;
    const held = this.pixels.of(scene.token);
    const vector = held && vectorOf(scene.spec, held, position, scene.filter.channels);
    if (!vector) {
      this.pixels.want(scene, position, !this.pointed);
      return null;
    }
    const { weights, divisor, white, names, colours, filter } = scene;
    const sum = sumOf(vector, weights, filter.bias, divisor);
    return { spec: scene.spec, position, vector, weights, divisor, white, names, colours, bias: filter.bias, sum };
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
      : this.inWords(pointed, scene, known ? shortNumber(value, 7) : "…");
    this.bar.mark.textContent = confirmed && !this.data.hidden ? this.confirmation() : "";
    this.bar.hold(this.pinned);
  }

  /** What is pointed at; on the stage an output alone is its sum, written out where it is short. */
  inWords(pointed, scene, value) {
    const sentence = sentenceOf(pointed, scene, value);
    // A preview of a kernel that the server sent no weights of has none.
    if (!this.grid.stage || !scene.weights || scene.weights.length > MOST_TERMS || pointed.pixel !== undefined || pointed.entry !== undefined) return sentence;
    const held = this.pixels.of(scene.token);
    const vector = held && vectorOf(scene.spec, held, pointed.position, scene.filter.channels);
    const { weights, divisor, filter } = scene;
    const terms = vector && weights.length && termsOf({ vector, weights, divisor, bias: filter.bias }, MOST_TERMS, shortNumber);
    return terms ? `${sentence} = ${terms}` : sentence;
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
    return `✓ equals nn.Conv2d, difference ${shortNumber(Math.abs(sum - this.value), 2)}`;
  }

  hover(panel, place, since) {
    if (!this.data) return;
    const pointed = this.pointedIn(panel, place);
    this.pointed = this.pinned ? besidePin(pointed, this.chosen) : pointed;
    this.schedule(since);
  }

  /** Pin what was clicked: an output, or for a pixel what the page makes of pixels. */
  click(panel, place) {
    if (!this.isLinked(panel)) return;
    const pointed = this.pointedIn(panel, place);
    if (panel.constructor.showsPixels && !this.data.choosesPixels) {
      // Padding too: outputs at the edge are centred there.
      this.go(...nearestOutput(this.scene.spec, [Math.round(place.y), Math.round(place.x)]));
    } else if (!pointed) return;
    else if (panel.constructor.showsPixels) {
      const [row, column] = pointed.pixel;
      this.component.setTriggerValue("pixel", { row, column });
      return;
    } else this.go(...pointed.position);
    this.pin(true);
  }

  remove() {
    this.unwatch();
    this.stopWalking?.();
    clearInterval(this.holding);
    super.remove();
  }
}
