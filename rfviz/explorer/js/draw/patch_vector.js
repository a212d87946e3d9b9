// Values drawn at the speed of the pointer: the magnified receptive field and the vector of a
// position, or of a kernel, that the server has not been asked for. They are drawn below plotly's
// axes, in the same places and colours as the server's figures, whose values are hidden meanwhile.

import { axisOf, frameOf, roomOf } from "./axes.js";
import { receptiveField, tapsOf } from "../laws/geometry.js";
import { grouped, shortNumber, symmetricLimit } from "../laws/numbers.js";
import { styleOf } from "./scales.js";

/** As the server's figures: so many cells beside and below each other leave room for numbers. */
const MOST_TEXT_COLUMNS = 11, MOST_TEXT_ROWS = 27;

/**
 * Fill a grid of cells, with their numbers where there is room for them.
 * @param {{left: number, top: number, width: number, height: number}} place
 * @param {(row: number, column: number) => number} value
 */
function paintCells(context, place, [rows, columns], value, colours, texts) {
  const width = place.width / columns, height = place.height / rows;
  const gap = texts ? 1 : 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = value(row, column);
      const left = place.left + column * width, top = place.top + row * height;
      const { fill, text } = styleOf(colours.table, at, colours.low, colours.high);
      context.fillStyle = fill;
      context.fillRect(left + gap / 2, top + gap / 2, width - gap + (gap ? 0 : 0.5), height - gap + (gap ? 0 : 0.5));
      if (!texts) continue;
      context.fillStyle = text;
      context.fillText(shortNumber(at), left + width / 2, top + height / 2);
    }
  }
}

/** Colours of pixels, weights and products, from the live values. */
function patchColours(live, tables) {
  const products = live.vector.map((value, entry) => (value / live.divisor) * live.weights[entry]);
  const weights = symmetricLimit(live.weights), most = symmetricLimit(products);
  return {
    products,
    lines: [
      { values: live.vector.map((value) => value / live.divisor), table: tables.greys, low: 0, high: live.white },
      { values: live.weights, table: tables.diverging, low: -weights, high: weights },
      { values: products, table: tables.diverging, low: -most, high: most },
    ],
  };
}

/**
 * The receptive field, weights and products over the patch figure's own maps.
 * @param {any} figure drawn by plotly: traces line by line, a channel each
 * @param {boolean} sketched the kernel is not the figure's: its maps are laid out anew
 */
export function paintPatch(context, figure, live, look, sketched) {
  const [height, width] = live.spec.kernel;
  const traces = figure.data ?? [];
  const shown = Math.floor(traces.length / 3);
  const { lines, products } = patchColours(live, look.tables);
  const taps = receptiveField(live.spec, live.position);
  const layouts = traces.map((trace) =>
    (sketched ? sketchedCells(figure, trace, live.spec, shown) : figureCells(figure, trace, live.spec.kernel)));
  // On the stage the figure keeps its words, and numbers stand where a cell has room for them.
  if (look.bare) for (const layout of layouts.filter(Boolean)) layout.texts = hasRoom(layout.place, lines);
  const paintMap = (target, index) => {
    const layout = layouts[index];
    if (!layout) return;
    const { place, texts } = layout;
    const { values, ...colours } = lines[Math.floor(index / shown)];
    const offset = (index % shown) * height * width;
    target.textAlign = "center";
    target.textBaseline = "middle";
    target.font = look.bare ? `${Math.max(12, Math.min(20, place.height / height * 0.5))}px ${look.font}` : `${Math.min(12, Math.max(7, place.height / height / 2.4))}px ${look.font}`;
    paintCells(target, place, [height, width], (row, column) => values[offset + row * width + column], colours, texts);
  };
  const paintWeights = (target) => {
    for (let index = shown; index < 2 * shown; index += 1) paintMap(target, index);
  };
  // A slider brings other weights in every frame; a position never does.
  if (sketched) paintWeights(context);
  else keepPainted(context, figure, live.weights, layouts.slice(shown, 2 * shown), paintWeights);
  traces.forEach((_, index) => {
    const line = Math.floor(index / shown), channel = index % shown;
    if (!layouts[index]) return;
    const { place, ticks, below } = layouts[index];
    const offset = channel * height * width;
    if (line !== 1) paintMap(context, index);
    if (look.bare) return;
    context.fillStyle = look.text;
    context.font = `11px ${look.font}`;
    if (line === 0) context.fillText(live.names[channel], place.left + place.width / 2, place.top - 10);
    if (channel === 0) labelTaps(context, place, taps[0], ticks[0], true);
    if (line === 2) {
      labelTaps(context, place, taps[1], ticks[1], false);
      const own = products.subarray(offset, offset + height * width);
      const sum = own.reduce((total, value) => total + value, 0);
      context.font = `bold 11px ${look.font}`;
      context.fillText(`sum ${shortNumber(sum, 4)}`, place.left + place.width / 2, below + 30);
    }
  });
  if (look.bare) return;
  const total = live.bias ? ` and bias ${shortNumber(live.bias, 6)}` : "";
  context.textAlign = "left";
  context.font = `13px ${look.font}`;
  const title = `${sketched ? "Preview: " : ""}${grouped(products.length)} products${total}, sum ${shortNumber(live.sum, 6)}`;
  context.fillText(title, 8, 17);
}

/** Has a cell room for each number of the maps? Seven pixels a character, as a rule. */
function hasRoom({ width, height, rows, columns }, lines) {
  const cell = width / columns;
  if (cell < 20 || height / rows < 15) return false;
  const longest = lines.every(({ values }) => values.every((value) => shortNumber(value).length * 7 + 2 <= cell));
  return longest;
}

/** The weights of each patch as they were painted last: no position changes them. */
const painted = new WeakMap();

/** Paint the maps of the weights, or what they were when last painted, if nothing has changed. */
function keepPainted(context, figure, weights, layouts, paint) {
  const { width, height } = context.canvas;
  const key = JSON.stringify([width, height, layouts]);
  let kept = painted.get(figure);
  if (kept?.key !== key || kept.weights !== weights) {
    const canvas = new OffscreenCanvas(width, height);
    const own = canvas.getContext("2d");
    own.setTransform(context.getTransform());
    paint(own);
    kept = { key, weights, canvas };
    painted.set(figure, kept);
  }
  const places = layouts.filter(Boolean).map(({ place }) => place);
  if (!places.length) return;
  // Only the part that holds them is copied, in device pixels.
  const ratio = context.getTransform().a;
  const left = Math.max(0, Math.floor(ratio * Math.min(...places.map((each) => each.left))));
  const top = Math.max(0, Math.floor(ratio * Math.min(...places.map((each) => each.top))));
  const right = Math.min(width, Math.ceil(ratio * Math.max(...places.map((each) => each.left + each.width))));
  const bottom = Math.min(height, Math.ceil(ratio * Math.max(...places.map((each) => each.top + each.height))));
  if (right <= left || bottom <= top) return;
  const box = [left, top, right - left, bottom - top];
  context.drawImage(kept.canvas, ...box, ...box.map((length) => length / ratio));
}

/**
 * Where the cells of one of the figure's maps are, whether they hold numbers, and which taps the
 * axes name; wider than a pixel each where the kernel is dilated.
 */
function figureCells(figure, trace, [height, width]) {
  const x = trace.xaxis ?? "x", y = trace.yaxis ?? "y";
  const frame = frameOf(figure, `${x}${y}`);
  if (!frame) return null;
  const { x0 = 0, dx = 1, y0 = 0, dy = 1 } = trace;
  const left = frame.x(x0 - dx / 2), right = frame.x(x0 + (width - 0.5) * dx);
  const top = frame.y(y0 - dy / 2), bottom = frame.y(y0 + (height - 0.5) * dy);
  const named = (axis, first, step) =>
    (axisOf(figure, axis).tickvals ?? []).map((value) => Math.round((value - first) / step));
  return {
    place: { left, top, width: right - left, height: bottom - top, rows: height, columns: width },
    texts: Boolean(trace.texttemplate),
    ticks: [named(y, y0, dy), named(x, x0, dx)],
    below: frame.top + frame.height,
  };
}

/** The same for a kernel that the figure does not show: as large as its room allows. */
function sketchedCells(figure, trace, { kernel: [height, width], dilation: [down, across] }, shown) {
  const room = roomOf(figure, { x: trace.xaxis ?? "x", y: trace.yaxis ?? "y" });
  if (!room) return null;
  const unit = Math.min(room.width / (width * across), room.height / (height * down));
  const own = { width: width * across * unit, height: height * down * unit };
  const left = room.left + (room.width - own.width) / 2, top = room.top + (room.height - own.height) / 2;
  return {
    place: { left, top, ...own, rows: height, columns: width },
    texts: shown * width <= MOST_TEXT_COLUMNS && height <= MOST_TEXT_ROWS,
    ticks: [[0, height - 1], [0, width - 1]],
    below: top + own.height,
  };
}

/** The input rows beside a map, or the input columns below it, of some taps. */
function labelTaps(context, place, taps, named, rows) {
  context.textAlign = rows ? "right" : "center";
  for (const tap of new Set(named)) {
    const text = String(taps.start + tap * taps.step).replace("-", "−");
    const along = tap + 0.5;
    if (rows) context.fillText(text, place.left - 6, place.top + (along / place.rows) * place.height);
    else context.fillText(text, place.left + (along / place.columns) * place.width, place.top + place.height + 11);
  }
  context.textAlign = "center";
}

/**
 * The vector's bars, in the channels' colours, below the weights that plotly keeps showing; of a
 * kernel that the figure does not show also the weights, as large as the largest bar.
 */
export function paintVector(context, figure, live, look, sketched) {
  const frame = frameOf(figure, "xy");
  if (!frame) return;
  const taps = tapsOf(live.spec);
  const zero = frame.y(0), n = live.vector.length;
  const step = sketched ? frame.width / n : frame.x(1) - frame.x(0);
  const middle = (entry) => (sketched ? frame.left + (entry + 0.5) * step : frame.x(entry));
  const width = Math.max(0.5, step * 0.85);
  live.vector.forEach((value, entry) => {
    const top = frame.y(value / live.divisor);
    context.fillStyle = live.colours[Math.floor(entry / taps)];
    context.fillRect(middle(entry) - width / 2, Math.min(top, zero), width, Math.abs(zero - top));
  });
  if (sketched) sketchWeights(context, live, look, { frame, zero, middle, step });
}

function sketchWeights(context, live, look, { frame, zero, middle, step }) {
  const limit = symmetricLimit(live.weights);
  const tall = Math.abs(zero - frame.y(live.white));
  context.fillStyle = look.text;
  live.weights.forEach((weight, entry) => {
    const wide = Math.max(1, step * 0.85);
    context.fillRect(middle(entry) - wide / 2, zero - (weight / limit) * tall - 1, wide, 2);
  });
  context.font = `13px ${look.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(`Preview: vector of ${grouped(live.vector.length)} entries, weights as lines`, 8, 17);
}
