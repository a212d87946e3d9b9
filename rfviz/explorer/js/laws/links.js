// What a place in one panel is in every other: pure functions from what is pointed at to the boxes
// that are highlighted. Boxes are [left, top, right, bottom] in a panel's data coordinates.

import { columnOf, copies, nRowsOf, outputOf, outputSize, pixelOf, readers, receptiveField, tapOf, tapsOf } from "./geometry.js";
import { grouped as number } from "./numbers.js";

const MOST_BOXES = 2000;
const MOST_TAPS = 400;

/**
 * @typedef {{position: number[], at?: number[], pixel?: number[], all?: boolean, entry?: number,
 *            weight?: boolean, filter?: number}} Pointed
 * position: the output shown; pixel: an input pixel, with all its readers and copies if `all`;
 * entry: a row of the column matrix; weight: the entry is pointed at as a weight of every output;
 * at: the output that an entry belongs to, where another position is pinned.
 */

const cell = ([row, column]) => [column - 0.5, row - 0.5, column + 0.5, row + 0.5];

function span([rows, columns]) {
  const last = (taps) => taps.start + (taps.count - 1) * taps.step;
  return [columns.start - 0.5, rows.start - 0.5, last(columns) + 0.5, last(rows) + 0.5];
}

/** @typedef {{subplot: string, x: number, y: number, tap?: number[]}} Place in a panel's data coordinates */

/** The cell that a place is in. Math.round gives -0 for what lies just above or left of 0; + 0 makes that 0. */
const cellAt = ({ x, y }) => [Math.round(y) + 0, Math.round(x) + 0];
const within = (n, most) => n >= 0 && n < most;

/** An output of the feature map. @param {Place} place @returns {Pointed | null} */
export function outputAt(place, { spec }) {
  const size = outputSize(spec), [row, column] = cellAt(place);
  return within(row, size[0]) && within(column, size[1]) ? { position: [row, column] } : null;
}

/** A pixel, with all outputs that read it. @param {Place} place @returns {Pointed | null} */
export function pixelAt(place, { spec, position }) {
  const pixel = cellAt(place);
  const inside = within(pixel[0], spec.inputSize[0]) && within(pixel[1], spec.inputSize[1]);
  return inside ? { position, pixel, all: true } : null;
}

/** The output of a column of the output matrix. @param {Place} place @returns {Pointed | null} */
export function productAt(place, { spec }) {
  const size = outputSize(spec), [, column] = cellAt(place);
  if (!within(column, size[0] * size[1])) return null;
  return { position: outputOf(spec, column) };
}

/** An entry of the column matrix. @param {Place} place @returns {Pointed | null} */
export function columnEntryAt(place, scene) {
  const output = productAt(place, scene), [row, column] = cellAt(place);
  if (!output || !within(row, nRowsOf(scene.spec))) return null;
  return { ...output, entry: row, pixel: pixelOf(scene.spec, row, column) };
}

/** A weight of the weight matrix, unless it is of another group. @param {Place} place @returns {Pointed | null} */
export function weightAt(place, { spec, filter, position }) {
  const [row, column] = cellAt(place);
  const inside = within(row, filter.count) && within(column, nRowsOf(spec)) && isWeight(row, column, spec, filter);
  return inside ? { position, entry: column, weight: true, filter: row } : null;
}

/** An entry of the chosen output's vector. @param {Place} place @returns {Pointed | null} */
export function vectorEntryAt(place, scene) {
  return ownEntry(cellAt(place)[1], scene);
}

/** A tap of the magnified receptive field. @param {Place} place @returns {Pointed | null} */
export function tapAt({ tap }, scene) {
  const [height, width] = scene.spec.kernel;
  return tap ? ownEntry(tap[0] * height * width + tap[1] * width + tap[2], scene) : null;
}

/** The matrix row of an entry that is counted from the first channel of the filter's group. */
function ownEntry(own, { spec, filter, position }) {
  const taps = tapsOf(spec);
  const entry = filter.channels[0] * taps + own;
  if (own < 0 || entry >= filter.channels[1] * taps) return null;
  return { position, entry, pixel: pixelOf(spec, entry, columnOf(spec, position)) };
}

/** Whether a filter has a weight for a matrix row: the row's channel is of the filter's group. */
function isWeight(row, entry, spec, { channels: [first, last], count }) {
  const size = last - first, groups = spec.channels / size;
  const group = Math.floor(row / (count / groups));
  return Math.floor(tapOf(spec, entry)[0] / size) === group;
}

/** The receptive field, its taps where they are apart, and the pixels pointed at. @returns {import("../draw/marks.js").Mark[]} */
export function pixelMarks(pointed, { spec }) {
  const field = receptiveField(spec, pointed.position);
  const marks = [{ role: "chosen", boxes: [span(field)] }];
  if (Math.max(...spec.dilation) > 1 && tapsOf(spec) <= MOST_TAPS) {
    marks.push({ role: "taps", boxes: grid(field).map(cell) });
  }
  if (pointed.weight) marks.push(...pixelsThatMeet(pointed.entry, spec));
  else if (pointed.pixel) marks.push({ role: "copies", boxes: [cell(pointed.pixel)] });
  return marks;
}

function grid([rows, columns]) {
  const values = (taps) => Array.from({ length: taps.count }, (_, tap) => taps.start + tap * taps.step);
  return values(rows).flatMap((row) => values(columns).map((column) => [row, column]));
}

/** A weight meets one pixel for each output: a lattice, its corners and, where few, its points. */
function pixelsThatMeet(entry, spec) {
  const size = outputSize(spec);
  const [, ...tap] = tapOf(spec, entry);
  const lattice = [0, 1].map((axis) => ({
    start: tap[axis] * spec.dilation[axis] - spec.pads[axis][0],
    step: spec.stride[axis],
    count: size[axis],
  }));
  const marks = [{ role: "window", boxes: [span(lattice)] }];
  if (size[0] * size[1] <= MOST_BOXES) marks.push({ role: "read", boxes: grid(lattice).map(cell) });
  return marks;
}

/** The chosen output, and all that read the pixel pointed at. @returns {import("../draw/marks.js").Mark[]} */
export function outputMarks(pointed, { spec }) {
  const marks = [{ role: "chosen", boxes: [cell(pointed.position)] }];
  if (pointed.all) {
    const { rows, columns } = readers(spec, pointed.pixel);
    const unique = (pairs) => [...new Set(pairs.map(([at]) => at))];
    const boxes = unique(rows).flatMap((row) => unique(columns).map((column) => cell([row, column])));
    if (boxes.length) marks.push({ role: "read", boxes: boxes.slice(0, MOST_BOXES) });
  }
  return marks;
}

/** The chosen column, and the copies of a pixel or the row of an entry. @returns {import("../draw/marks.js").Mark[]} */
export function columnMarks(pointed, { spec }) {
  const size = outputSize(spec), nRows = nRowsOf(spec), at = columnOf(spec, pointed.position);
  const marks = [{ role: "chosen", boxes: [[at - 0.5, -0.5, at + 0.5, nRows - 0.5]] }];
  if (pointed.all) {
    const boxes = copies(spec, pointed.pixel, MOST_BOXES).map(cell);
    if (boxes.length) marks.push({ role: "copies", boxes });
  } else if (pointed.entry !== undefined) {
    const row = pointed.entry;
    marks.push({ role: "read", boxes: [[-0.5, row - 0.5, size[0] * size[1] - 0.5, row + 0.5]] });
    if (pointed.at) marks.push({ role: "copies", boxes: [cell([row, columnOf(spec, pointed.at)])] });
  }
  return marks;
}

/** The row of the chosen filter, and the weight pointed at. @returns {import("../draw/marks.js").Mark[]} */
export function weightMarks(pointed, { spec, filter }) {
  const nRows = nRowsOf(spec);
  const row = pointed.filter ?? filter.index;
  const marks = [{ role: "chosen", boxes: [[-0.5, row - 0.5, nRows - 0.5, row + 0.5]] }];
  if (pointed.entry !== undefined) marks.push({ role: "read", boxes: [cell([row, pointed.entry])] });
  return marks;
}

/** The column of the chosen output and its entry. @returns {import("../draw/marks.js").Mark[]} */
export function productMarks(pointed, { spec, filter }) {
  const at = columnOf(spec, pointed.position);
  return [
    { role: "window", boxes: [[at - 0.5, -0.5, at + 0.5, filter.count - 0.5]] },
    { role: "chosen", boxes: [cell([filter.index, at])] },
  ];
}

/** The padding as a hatched frame around the picture. @returns {import("../draw/marks.js").Mark[]} */
export function paddingMarks({ pads, inputSize: [height, width] }) {
  const [[top, bottom], [left, right]] = pads;
  if (!(top || bottom || left || right)) return [];
  const outer = [-left - 0.5, -top - 0.5, width + right - 0.5, height + bottom - 0.5];
  const inner = [-0.5, -0.5, width - 0.5, height - 0.5];
  return [{ kind: "frame", role: "padding", boxes: [outer], inner }];
}

/** What is pointed at, in words. */
export function sentenceOf(pointed, scene, value) {
  const { spec, filter } = scene;
  const pair = (at) => `(${number(at[0])}, ${number(at[1])})`;
  if (pointed.all) {
    const { rows, columns } = readers(spec, pointed.pixel);
    const outputs = new Set(rows.map(([at]) => at)).size * new Set(columns.map(([at]) => at)).size;
    const total = rows.length * columns.length * spec.channels;
    const read = `${number(outputs)} ${outputs === 1 ? "output" : "outputs"}`;
    const copied = `${number(total)} ${total === 1 ? "copy" : "copies"}`;
    return `Pixel ${pair(pointed.pixel)}: read by ${read}, ${copied} in the column matrix`;
  }
  const tap = pointed.entry === undefined ? "" : tapOf(spec, pointed.entry).join(", ");
  if (pointed.weight) {
    const size = outputSize(spec);
    return `Weight (${tap}) of filter ${pointed.filter ?? filter.index}: row ${number(pointed.entry)} of the matrix, meets one pixel for each of the ${number(size[0] * size[1])} outputs`;
  }
  const size = outputSize(spec);
  const place = `Output row ${number(pointed.position[0])}, column ${number(pointed.position[1])} of ${number(size[0])} × ${number(size[1])}: ${value}`;
  if (pointed.entry === undefined) return place;
  const of = pointed.at ? ` of output ${pair(pointed.at)}` : "";
  return `${place}; entry ${number(pointed.entry)}${of} is tap (${tap}) on pixel ${pair(pointed.pixel)}`;
}
