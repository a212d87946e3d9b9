// What a place in one panel is in every other: pure functions from what is pointed at to the boxes
// that are highlighted. Boxes are [left, top, right, bottom] in a panel's data coordinates.

import { copies, outputSize, pixelOf, readers, receptiveField, tapOf } from "./geometry.js";
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

/**
 * What is pointed at, from a place in a panel; null where that is nothing.
 * @param {string} kind what the panel's coordinates are
 * @param {{subplot: string, x: number, y: number, tap?: number[]}} place
 * @param {{spec: any, filter: any, position: number[]}} scene
 * @returns {Pointed | null}
 */
export function pointedAt(kind, place, { spec, filter, position }) {
  const size = outputSize(spec);
  // Math.round gives -0 for what lies just above or left of 0; + 0 makes that 0.
  const row = Math.round(place.y) + 0, column = Math.round(place.x) + 0;
  const nRows = spec.channels * spec.kernel[0] * spec.kernel[1];
  const within = (n, most) => n >= 0 && n < most;
  if (kind === "output") {
    return within(row, size[0]) && within(column, size[1]) ? { position: [row, column] } : null;
  }
  if (kind === "input") {
    const inside = within(row, spec.inputSize[0]) && within(column, spec.inputSize[1]);
    return inside ? { position, pixel: [row, column], all: true } : null;
  }
  if (kind === "columns" || kind === "product") {
    if (!within(column, size[0] * size[1])) return null;
    const output = [Math.floor(column / size[1]), column % size[1]];
    if (kind === "product") return { position: output };
    if (!within(row, nRows)) return null;
    return { position: output, entry: row, pixel: pixelOf(spec, row, column) };
  }
  if (kind === "weights") {
    const inside = within(row, filter.count) && within(column, nRows) && isWeight(row, column, spec, filter);
    return inside ? { position, entry: column, weight: true, filter: row } : null;
  }
  const taps = spec.kernel[0] * spec.kernel[1];
  const own = kind === "patch" ? (place.tap?.[0] ?? -1) * taps + (place.tap?.[1] ?? 0) * spec.kernel[1] + (place.tap?.[2] ?? 0) : column;
  const entry = filter.channels[0] * taps + own;
  if (own < 0 || entry >= filter.channels[1] * taps) return null;
  const at = position[0] * size[1] + position[1];
  return { position, entry, pixel: pixelOf(spec, entry, at) };
}

/** Whether a filter has a weight for a matrix row: the row's channel is of the filter's group. */
function isWeight(row, entry, spec, { channels: [first, last], count }) {
  const size = last - first, groups = spec.channels / size;
  const group = Math.floor(row / (count / groups));
  return Math.floor(tapOf(spec, entry)[0] / size) === group;
}

/** The highlights of a panel of some kind. @returns {import("../draw/marks.js").Mark[]} */
export function marksOf(kind, pointed, scene) {
  const make = MARKS[kind];
  return make ? make(pointed, scene) : [];
}

const MARKS = { input, output, columns, weights, product };

function input(pointed, { spec }) {
  const field = receptiveField(spec, pointed.position);
  const marks = [{ role: "chosen", boxes: [span(field)] }];
  if (Math.max(...spec.dilation) > 1 && spec.kernel[0] * spec.kernel[1] <= MOST_TAPS) {
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

function output(pointed, { spec }) {
  const marks = [{ role: "chosen", boxes: [cell(pointed.position)] }];
  if (pointed.all) {
    const { rows, columns } = readers(spec, pointed.pixel);
    const unique = (pairs) => [...new Set(pairs.map(([at]) => at))];
    const boxes = unique(rows).flatMap((row) => unique(columns).map((column) => cell([row, column])));
    if (boxes.length) marks.push({ role: "read", boxes: boxes.slice(0, MOST_BOXES) });
  }
  return marks;
}

function columns(pointed, { spec }) {
  const size = outputSize(spec), nRows = spec.channels * spec.kernel[0] * spec.kernel[1];
  const at = pointed.position[0] * size[1] + pointed.position[1];
  const marks = [{ role: "chosen", boxes: [[at - 0.5, -0.5, at + 0.5, nRows - 0.5]] }];
  if (pointed.all) {
    const boxes = copies(spec, pointed.pixel, MOST_BOXES).map(cell);
    if (boxes.length) marks.push({ role: "copies", boxes });
  } else if (pointed.entry !== undefined) {
    const row = pointed.entry;
    marks.push({ role: "read", boxes: [[-0.5, row - 0.5, size[0] * size[1] - 0.5, row + 0.5]] });
    if (pointed.at) marks.push({ role: "copies", boxes: [cell([row, pointed.at[0] * size[1] + pointed.at[1]])] });
  }
  return marks;
}

function weights(pointed, { spec, filter }) {
  const nRows = spec.channels * spec.kernel[0] * spec.kernel[1];
  const row = pointed.filter ?? filter.index;
  const marks = [{ role: "chosen", boxes: [[-0.5, row - 0.5, nRows - 0.5, row + 0.5]] }];
  if (pointed.entry !== undefined) marks.push({ role: "read", boxes: [cell([row, pointed.entry])] });
  return marks;
}

function product(pointed, { spec, filter }) {
  const size = outputSize(spec);
  const at = pointed.position[0] * size[1] + pointed.position[1];
  return [
    { role: "window", boxes: [[at - 0.5, -0.5, at + 0.5, filter.count - 0.5]] },
    { role: "chosen", boxes: [cell([filter.index, at])] },
  ];
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
