// The stage: every panel of the linked view on one screen. The picture and its feature map to either
// side, the receptive field and its vector between them, and below the product of matrices drawn as
// one: columns above, weights to the left of the outputs, which stand under their columns.

import { matrixRoom } from "../draw/stage_look.js";
import { grouped } from "../laws/numbers.js";
import { nRowsOf, outputSize } from "../laws/geometry.js";
import { Lecture, lectures, typeOnStage } from "./lecture.js";
import { element } from "./page.js";

/** Room for a cell of a matrix with its number, in pixels. */
const CELL = { width: 34, least: 24, height: 20 };

/** Filters shown at a time, and pixels of a row of them. */
export const MOST_FILTERS = 8;
const FILTER_ROW = 24, FILTER_ROW_LEAST = 15;

/** Below this width there is no room for everything beside each other. */
const NARROW = 760;

/** The least height of a stage, in pixels: on a lower screen the page scrolls. */
const LEAST_HEIGHT = 520;

/** Rows of outputs' names above the matrix, the gap between parts, and what stands below. */
const NAMES = 20, GAP = 6, BELOW = 20;

const LEGEND = [
  ["rfviz-key-chosen", "what the output reads"],
  ["rfviz-key-copies", "the same pixel, or weight, elsewhere"],
  ["rfviz-key-padding", "padding"],
];

export class StageGrid {
  /** @param {HTMLElement} host @param {() => void} resized called when another number of columns fits */
  constructor(host, resized) {
    this.host = host;
    this.resized = resized;
    host.classList.add("rfviz-stage");
    this.slots = new Map();
    const top = element("div", { class: "rfviz-stage-top" }, host);
    this.slot("input", top);
    const middle = element("div", { class: "rfviz-stage-middle" }, top);
    this.slot("patch", middle);
    this.slot("vector", middle);
    this.slot("output", top);
    const product = element("div", { class: "rfviz-stage-product" }, host);
    this.corner = element("div", { class: "rfviz-corner" }, product);
    this.slot("columns", product);
    this.slot("weights", product);
    this.slot("product", product);
    this.legend(element("div", { class: "rfviz-legend" }, host));
    this.lecture = new Lecture(this);
    this.fit = () => this.measure();
    window.addEventListener("resize", this.fit);
    this.watching = new ResizeObserver(this.fit);
    this.watching.observe(host.parentElement);
  }

  slot(name, parent) {
    this.slots.set(name, element("div", { class: "rfviz-slot", "data-area": name }, parent));
  }

  legend(line) {
    for (const [key, text] of LEGEND) {
      element("span", { class: `rfviz-key ${key}`, "aria-hidden": "true" }, line);
      element("span", {}, line).textContent = text;
    }
    element("span", { class: "rfviz-hint" }, line).textContent = "Point to move · click to hold · arrows step · 1 to 7 enlarge · L lecture view · H and R hide and reveal";
  }

  /** A scene has come: as many rows and columns as it has. */
  show(scene) {
    this.scene = scene;
    this.measure();
    const { spec, filter } = scene, [height, width] = outputSize(spec);
    const rows = grouped(nRowsOf(spec)), n = grouped(height * width);
    const [w, x, y] = ["W", "X", "Y"].map((name) => `<b>${name}</b>`);
    const shape = (a, b) => `<span>${a} × ${b}</span>`;
    // Numbers and letters of ours alone.
    this.corner.innerHTML = `${w} ${shape(grouped(filter.count), rows)} · ${x} ${shape(rows, n)} = ${y} ${shape(grouped(filter.count), n)}`
      + `<p>${x}: a column for each output, a row for each tap. ${w}: a row for each filter${filter.count > MOST_FILTERS ? `, ${MOST_FILTERS} of ${grouped(filter.count)} shown` : ""}.</p>`;
    if (!scene.hidden) this.corner.innerHTML += `<p>${[0, 1].map((axis) => sizeFormula(spec, axis, outputSize(spec)[axis])).join("<br>")}</p>`;
    if (scene.hidden) this.corner.textContent = "W · X = Y";
  }

  /** Share the window among the parts. */
  measure() {
    const { scene, host } = this;
    if (!scene || !host.isConnected) return;
    const width = host.clientWidth;
    if (!width) return;
    const narrow = width < NARROW;
    // Higher than wide: the maps stand beside each other, and what is between them goes below.
    const tall = !narrow && window.innerHeight > 1.1 * width;
    host.classList.toggle("rfviz-stage-narrow", narrow);
    host.classList.toggle("rfviz-stage-tall", tall);
    const start = host.getBoundingClientRect().top + scrolled(host);
    const height = Math.max(LEAST_HEIGHT, window.innerHeight - start - 4);
    const { spec, filter } = scene;
    const nRows = nRowsOf(spec);
    const filters = Math.min(filter.count, MOST_FILTERS);
    const cell = lectures() ? 1.5 : 1;
    const y = Math.max(filters * FILTER_ROW_LEAST * cell, Math.min(filters * FILTER_ROW * cell, 0.14 * height)) + 4;
    const x = Math.max(110, Math.min(nRows * CELL.height * cell, 0.3 * height)) + NAMES + 2;
    const top = height - x - y - BELOW - 3 * GAP;
    const set = (name, value) => host.style.setProperty(name, `${Math.floor(value)}px`);
    set("--rfviz-stage-height", narrow ? 0 : height);
    set("--rfviz-top", top);
    set("--rfviz-x", x);
    set("--rfviz-y", y);
    const side = (size) => Math.max(180, (top - 38) * Math.min(1.6, size[1] / size[0]) + 32);
    const padded = spec.inputSize.map((length, axis) => length + spec.pads[axis][0] + spec.pads[axis][1]);
    const sides = Math.min(narrow || tall ? (width - GAP) / 2 : 0.37 * width, Math.max(side(padded), side(outputSize(spec))));
    set("--rfviz-side", sides);
    set("--rfviz-maps", Math.min(0.6 * top, sides));
    host.style.setProperty("--rfviz-patch", spec.channels > 1 ? "2fr" : "1.25fr");
    const left = Math.max(150, Math.min(0.24 * width, nRows * 25 + 40));
    set("--rfviz-w", left);
    const room = matrixRoom(narrow ? width : width - left - GAP, typeOnStage());
    const [rows, columns] = outputSize(spec), all = rows * columns;
    // All of them where a number has room in each, else as many as hold the numbers of most outputs.
    const fits = all * CELL.least * cell <= room;
    this.count(fits ? all : Math.max(8, Math.floor(room / (CELL.width * cell))));
  }

  count(columns) {
    if (columns === this.columns) return;
    this.columns = columns;
    this.resized();
  }

  remove() {
    this.lecture.remove();
    window.removeEventListener("resize", this.fit);
    this.watching.disconnect();
    this.host.classList.remove("rfviz-stage", "rfviz-stage-narrow", "rfviz-stage-tall");
    this.host.replaceChildren();
  }
}

/** How a side of the output comes about. Source: Dumoulin & Visin, arXiv:1603.07285, relationship 15. */
function sizeFormula({ inputSize, pads, kernel, dilation, stride }, axis, size) {
  const padding = pads[axis].map((pad) => (pad ? ` + ${pad}` : "")).join("");
  const tall = dilation[axis] > 1 ? `${dilation[axis]}·(${kernel[axis]} − 1) − 1` : kernel[axis];
  return `${axis ? "columns" : "rows"} ⌊(${inputSize[axis]}${padding} − ${tall}) / ${stride[axis]}⌋ + 1 = <b>${size}</b>`;
}

/** How far the page is scrolled, whichever element scrolls. */
function scrolled(node) {
  for (let each = node.parentElement; each; each = each.parentElement) {
    if (each.scrollTop) return each.scrollTop;
  }
  return 0;
}
