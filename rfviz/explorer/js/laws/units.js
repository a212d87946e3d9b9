// What a unit of a stack of layers reads: pure functions from its position to the boxes and the words.
// As in rfviz.conv.receptive_field.nested.

import { grouped } from "./numbers.js";

/**
 * @typedef {{period: number, shift: number, bounds: (number[] | null)[]}} Track
 * @typedef {{name: string, layer: number, colour: string, size: number[], window: Track[][],
 *            field: Track[][]}} NestedMap the picture is the first
 * @typedef {{read: (number[] | null)[], middle: number[], field: (number[] | null)[]}} Nested
 * Pairs are (rows, columns); bounds are the first and the last.
 */

/**
 * First and last unit that a unit reads on one axis, over all tracks; null if it reads none.
 * @param {Track[]} tracks
 */
function boundsOf(tracks, index) {
  let first = Infinity, last = -Infinity;
  for (const { period, shift, bounds } of tracks) {
    const turns = Math.floor(index / period);
    const found = bounds[index - turns * period];
    if (!found) continue;
    first = Math.min(first, found[0] + turns * shift);
    last = Math.max(last, found[1] + turns * shift);
  }
  return first <= last ? [first, last] : null;
}

/**
 * What a unit reads of every map, and the field of the middle of that.
 * @param {NestedMap[]} maps
 * @returns {Nested[]}
 */
export function nestedFields(maps, unit) {
  return maps.map(({ size, window, field }) => {
    const read = window.map((tracks, axis) => boundsOf(tracks, unit[axis]));
    const middle = read.map((bounds, axis) =>
      Math.max(0, Math.min(size[axis] - 1, bounds ? Math.floor((bounds[0] + bounds[1]) / 2) : 0)));
    return { read, middle, field: field.map((tracks, axis) => boundsOf(tracks, middle[axis])) };
  });
}

/** The box of a field, or null where it reads nothing. */
export function boxOf([rows, columns]) {
  return rows && columns && [columns[0] - 0.5, rows[0] - 0.5, columns[1] + 0.5, rows[1] + 0.5];
}

/** Height and width of a field; 0 where it reads nothing. */
function sizeOf(field) {
  return field.map((bounds) => (bounds ? bounds[1] - bounds[0] + 1 : 0));
}

/** The part of a box inside the picture. */
function inside([left, top, right, bottom], [height, width]) {
  const across = [left, right].map((at) => Math.max(-0.5, Math.min(width - 0.5, at)));
  const down = [top, bottom].map((at) => Math.max(-0.5, Math.min(height - 0.5, at)));
  return [across[0], down[0], across[1], down[1]];
}

function areaOf([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

/** A map's name with what its middle unit reads. */
function words({ name }, { field }) {
  return `${name}: ${sizeOf(field).map(grouped).join(" × ")}`;
}

/** The nested boxes, the chosen unit's last; what lies outside the picture is hatched. */
export function nestedMarks(maps, fields, pointed) {
  const size = maps[0].size, last = maps.length - 1, marks = [];
  const outer = boxOf(fields[last].field);
  const within = outer && inside(outer, size);
  if (outer && areaOf(within) < areaOf(outer)) {
    marks.push({ kind: "frame", role: "outside", boxes: [outer], inner: within });
  }
  for (let index = 1; index < maps.length; index += 1) {
    const box = boxOf(fields[index].field);
    if (!box) continue;
    const strong = index === pointed;
    marks.push({
      kind: "box", role: index === last ? "chosen" : strong ? "field" : "nested", boxes: [box],
      ...(index < last && { colour: maps[index].colour }),
      ...(strong && { label: words(maps[index], fields[index]) }),
    });
  }
  return marks;
}

/** The unit whose centre is nearest to a place of the picture. */
export function unitAbove({ x, y }, { jump, start, size }) {
  return [y, x].map((at, axis) => {
    const unit = jump[axis] ? Math.round((at - start[axis]) / jump[axis]) : 0;
    return Math.max(0, Math.min(size[axis] - 1, unit));
  });
}

function span(bounds) {
  return bounds ? `${grouped(bounds[0])} to ${grouped(bounds[1])}` : "none";
}

/** What a unit reads of the picture, in words. */
export function unitSentence(maps, fields, unit) {
  const { name, size } = maps.at(-1);
  const place = `Unit row ${grouped(unit[0])}, column ${grouped(unit[1])} of ${size.map(grouped).join(" × ")}, ${name}`;
  const { field } = fields.at(-1);
  const box = boxOf(field);
  if (!box) return `${place}: reads no pixel`;
  const outside = 1 - areaOf(inside(box, maps[0].size)) / areaOf(box);
  const part = outside > 0 ? `, ${(100 * outside).toFixed(1)}% of it outside the picture` : "";
  return `${place}: reads rows ${span(field[0])}, columns ${span(field[1])}${part}`;
}

/** What the chosen unit reads of a map, in words. */
export function mapSentence(map, fields) {
  return `${words(map, fields)} pixels, read by its unit (${fields.middle.map(grouped).join(", ")}); the chosen unit reads rows ${span(fields.read[0])}, columns ${span(fields.read[1])} of it`;
}
