// The explorer of a stack of layers: a unit of the chosen layer, and what it reads of the picture
// through every map on its way. A unit pointed at is shown in the next frame; the server learns the
// one that is chosen for good.

import { frameOf } from "../draw/axes.js";
import { Chooser } from "./chooser.js";
import { grouped } from "../laws/numbers.js";
import { page } from "./page.js";

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
export function boundsOf(tracks, index) {
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
 * What a unit reads of every map, and the field of the middle of that. As in rfviz.conv.receptive_field.nested.
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
function boxOf([rows, columns]) {
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
export function marksOn(maps, fields, pointed) {
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

export class NestedExplorer extends Chooser {
  take({ maps, jump, start }) {
    this.scene = { maps, jump, start };
  }

  get size() {
    return this.scene.maps.at(-1).size;
  }

  draw() {
    const unit = this.pointed?.unit ?? this.chosen;
    const { maps } = this.scene;
    const fields = nestedFields(maps, unit);
    const pointed = this.pointed?.map;
    for (const each of page.panels.values()) {
      const { kind } = each.header ?? {};
      if (kind === "fields") each.paint(marksOn(maps, fields, pointed));
      else if (kind === "growth") each.paint(pointed ? layerMark(each, maps[pointed].layer) : []);
      else each.paint([]);
    }
    this.tell(unit, fields, pointed);
  }

  tell(unit, fields, pointed) {
    const { dataset } = this.host;
    [dataset.outputRow, dataset.outputColumn] = unit.map(String);
    dataset.outputValue = "";
    dataset.state = this.isConfirmed(unit) ? "confirmed" : "preview";
    const { maps } = this.scene;
    this.bar.text.textContent = pointed
      ? mapSentence(maps[pointed], fields[pointed]) : unitSentence(maps, fields, unit);
    this.bar.mark.textContent = this.pinned ? "pinned, Escape frees" : "";
  }

  /** Free, a pixel shows the unit above it; pinned, the innermost box around it. */
  hover(kind, place, since) {
    if (!this.data) return;
    this.pointed = place && { fields: () => this.onPicture(place), growth: () => this.onGrowth(place) }[kind]?.();
    this.schedule(since);
  }

  onPicture(place) {
    if (!this.pinned) return { unit: this.above(place) };
    const { maps } = this.scene;
    const around = nestedFields(maps, this.chosen).findIndex(({ field }, index) => {
      const box = index > 0 && boxOf(field);
      return box && box[0] <= place.x && place.x <= box[2] && box[1] <= place.y && place.y <= box[3];
    });
    return around > 0 ? { unit: this.chosen, map: around } : null;
  }

  onGrowth({ x }) {
    const map = this.scene.maps.findIndex(({ layer }) => layer === Math.round(x));
    return map > 0 ? { unit: this.chosen, map } : null;
  }

  /** The unit whose centre is nearest to a place of the picture. */
  above({ x, y }) {
    const { jump, start } = this.scene;
    return [y, x].map((at, axis) => {
      const unit = jump[axis] ? Math.round((at - start[axis]) / jump[axis]) : 0;
      return Math.max(0, Math.min(this.size[axis] - 1, unit));
    });
  }

  /** Pin the unit above what was clicked; the growth chart's own clicks go to the server. */
  click(kind, place) {
    if (kind !== "fields") return;
    this.go(...this.above(place));
    this.pin(true);
  }
}

/** A band over one layer of the growth chart, as high as the chart. */
function layerMark(panel, layer) {
  const frame = frameOf(panel.figure, "xy");
  if (!frame) return [];
  const ends = [frame.dataY(frame.top), frame.dataY(frame.top + frame.height)];
  return [{ kind: "box", role: "window", boxes: [[layer - 0.4, ends[1], layer + 0.4, ends[0]]] }];
}

function span(bounds) {
  return bounds ? `${grouped(bounds[0])} to ${grouped(bounds[1])}` : "none";
}

function unitSentence(maps, fields, unit) {
  const { name, size } = maps.at(-1);
  const place = `Unit row ${grouped(unit[0])}, column ${grouped(unit[1])} of ${size.map(grouped).join(" × ")}, ${name}`;
  const { field } = fields.at(-1);
  const box = boxOf(field);
  if (!box) return `${place}: reads no pixel`;
  const outside = 1 - areaOf(inside(box, maps[0].size)) / areaOf(box);
  const part = outside > 0 ? `, ${(100 * outside).toFixed(1)}% of it outside the picture` : "";
  return `${place}: reads rows ${span(field[0])}, columns ${span(field[1])}${part}`;
}

function mapSentence(map, fields) {
  return `${words(map, fields)} pixels, read by its unit (${fields.middle.map(grouped).join(", ")}); the chosen unit reads rows ${span(fields.read[0])}, columns ${span(fields.read[1])} of it`;
}
