// Values drawn at the speed of the pointer: the magnified receptive field and the vector of a
// position that the server has not been asked for. They are drawn below plotly's axes, in the same
// places and colours as the server's figures, whose values are hidden meanwhile.

import { frameOf } from "./axes.js";
import { receptiveField } from "./geometry.js";
import { contrast, css, symmetricLimit } from "./scales.js";

/** A number as the server's figures write it in a cell: integers whole, else so many digits. */
export function shortNumber(value, digits = 3) {
  if (value === 0 || Object.is(value, -0)) return "0";
  if (!Number.isFinite(value)) return String(value);
  const whole = Number.isInteger(value) || Math.abs(value) >= 10 ** digits;
  const text = whole && Math.abs(value) < 1e6 ? value.toFixed(0) : String(Number(value.toPrecision(digits)));
  return text.replace("e+", "e").replaceAll("-", "−");
}

/**
 * Fill a grid of cells, with their numbers where there is room for them.
 * @param {{left: number, top: number, width: number, height: number}} place
 * @param {(row: number, column: number) => number} value
 */
export function paintCells(context, place, [rows, columns], value, colours, texts) {
  const width = place.width / columns, height = place.height / rows;
  const gap = texts ? 1 : 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = value(row, column);
      const left = place.left + column * width, top = place.top + row * height;
      context.fillStyle = css(colours.table, at, colours.low, colours.high);
      context.fillRect(left + gap / 2, top + gap / 2, width - gap + (gap ? 0 : 0.5), height - gap + (gap ? 0 : 0.5));
      if (!texts) continue;
      context.fillStyle = contrast(colours.table, at, colours.low, colours.high);
      context.fillText(shortNumber(at), left + width / 2, top + height / 2);
    }
  }
}

/** Colours of pixels, weights and products, from the live values. */
export function patchColours(live, tables) {
  const products = live.vector.map((value, entry) => (value / live.divisor) * live.weights[entry]);
  const weights = symmetricLimit(live.weights), most = symmetricLimit(products);
  return {
    products,
    lines: [
      { values: live.vector.map((value) => value / live.divisor), table: tables.greys, low: 0, high: 255 / live.divisor },
      { values: live.weights, table: tables.diverging, low: -weights, high: weights },
      { values: products, table: tables.diverging, low: -most, high: most },
    ],
  };
}

/**
 * The receptive field, weights and products over the patch figure's own maps.
 * @param {any} figure drawn by plotly: traces line by line, a channel each
 */
export function paintPatch(context, figure, live, look) {
  const [height, width] = live.spec.kernel;
  const traces = figure.data ?? [];
  const shown = Math.floor(traces.length / 3);
  const { lines, products } = patchColours(live, look.tables);
  const [rowTaps, columnTaps] = receptiveField(live.spec, live.position);
  context.textAlign = "center";
  context.textBaseline = "middle";
  traces.forEach((trace, index) => {
    const line = Math.floor(index / shown), channel = index % shown;
    const frame = frameOf(figure, `${trace.xaxis ?? "x"}${trace.yaxis ?? "y"}`);
    if (!frame) return;
    const place = cellsPlace(frame, trace, height, width);
    const offset = channel * height * width;
    const { values, ...colours } = lines[line];
    context.font = `${Math.min(12, Math.max(7, place.height / height / 2.4))}px ${look.font}`;
    paintCells(context, place, [height, width], (row, column) => values[offset + row * width + column], colours, Boolean(trace.texttemplate));
    context.fillStyle = look.text;
    context.font = `11px ${look.font}`;
    if (line === 0) context.fillText(live.names[channel], place.left + place.width / 2, place.top - 10);
    if (channel === 0) labelRows(context, figure, frame, trace, rowTaps);
    if (line === 2) {
      labelColumns(context, figure, frame, trace, columnTaps);
      const own = products.subarray(offset, offset + height * width);
      const sum = own.reduce((total, value) => total + value, 0);
      context.font = `bold 11px ${look.font}`;
      context.fillText(`sum ${shortNumber(sum, 4)}`, place.left + place.width / 2, frame.top + frame.height + 30);
    }
  });
  const total = live.bias ? ` with bias ${shortNumber(live.bias, 6)}` : "";
  context.textAlign = "left";
  context.font = `13px ${look.font}`;
  context.fillText(`Sum of ${products.length.toLocaleString("en")} products${total} ${shortNumber(live.sum, 6)}`, 8, 17);
}

/** Where the cells of a map are; wider than a pixel each where the kernel is dilated. */
function cellsPlace(frame, trace, height, width) {
  const x0 = trace.x0 ?? 0, dx = trace.dx ?? 1, y0 = trace.y0 ?? 0, dy = trace.dy ?? 1;
  const left = frame.x(x0 - dx / 2), right = frame.x(x0 + (width - 0.5) * dx);
  const top = frame.y(y0 - dy / 2), bottom = frame.y(y0 + (height - 0.5) * dy);
  return { left, top, width: right - left, height: bottom - top };
}

function labelRows(context, figure, frame, trace, taps) {
  const axis = axisOf(figure, trace.yaxis ?? "y");
  context.textAlign = "right";
  for (const value of axis.tickvals ?? []) {
    const tap = Math.round((value - (trace.y0 ?? 0)) / (trace.dy ?? 1));
    const text = String(taps.start + tap * taps.step).replace("-", "−");
    context.fillText(text, frame.left - 6, frame.y(value));
  }
  context.textAlign = "center";
}

function labelColumns(context, figure, frame, trace, taps) {
  const axis = axisOf(figure, trace.xaxis ?? "x");
  for (const value of axis.tickvals ?? []) {
    const tap = Math.round((value - (trace.x0 ?? 0)) / (trace.dx ?? 1));
    const text = String(taps.start + tap * taps.step).replace("-", "−");
    context.fillText(text, frame.x(value), frame.top + frame.height + 11);
  }
}

function axisOf(figure, name) {
  return figure.layout[name.replace(/^([xy])/, "$1axis")] ?? {};
}

/** The vector's bars, in the channels' colours, below the weights that plotly keeps showing. */
export function paintVector(context, figure, live, look) {
  const frame = frameOf(figure, "xy");
  if (!frame) return;
  const taps = live.spec.kernel[0] * live.spec.kernel[1];
  const zero = frame.y(0);
  const width = Math.max(0.5, (frame.x(1) - frame.x(0)) * 0.85);
  live.vector.forEach((value, entry) => {
    const top = frame.y(value / live.divisor);
    context.fillStyle = live.colours[Math.floor(entry / taps)];
    context.fillRect(frame.x(entry) - width / 2, Math.min(top, zero), width, Math.abs(zero - top));
  });
}
