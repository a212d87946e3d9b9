// Whole panels drawn without plotly, for previews whose axes are not those of the server's figure:
// a map in a frame with its size, the receptive field, the vector.

import { patchColours, paintCells, shortNumber } from "./live.js";
import { raster, symmetricLimit } from "./scales.js";

const MARGIN = { left: 52, top: 34, right: 60, bottom: 44 };

/** The largest rectangle of a map's proportions in the panel, centred as plotly does. */
export function mapPlace(width, height, [rows, columns], square = true) {
  const room = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  if (!square) return { left: MARGIN.left, top: MARGIN.top, ...room };
  const scale = Math.min(room.width / columns, room.height / rows);
  const own = { width: columns * scale, height: rows * scale };
  return {
    left: MARGIN.left + (room.width - own.width) / 2,
    top: MARGIN.top + (room.height - own.height) / 2,
    ...own,
  };
}

/**
 * A map of values with the rows and columns at its corners, and a box around chosen cells.
 * @param {{values: ArrayLike<number>, rows: number[], columns: number[], title: string,
 *          table: Uint32Array, low: number, high: number, square?: boolean, chosen?: number[]}} map
 */
export function sketchMap(context, { width, height }, map, look) {
  const size = [map.rows[1] - map.rows[0], map.columns[1] - map.columns[0]];
  const place = mapPlace(width, height, size, map.square ?? true);
  context.imageSmoothingEnabled = false;
  const image = raster(map.values, size[1], size[0], map.table, map.low, map.high);
  context.drawImage(image, place.left, place.top, place.width, place.height);
  frame(context, place, look);
  title(context, map.title, look);
  context.font = `11px ${look.font}`;
  context.textAlign = "right";
  context.fillText(String(map.rows[0]), place.left - 5, place.top + 6);
  context.fillText(String(map.rows[1] - 1), place.left - 5, place.top + place.height - 6);
  context.textAlign = "left";
  context.fillText(String(map.columns[0]), place.left, place.top + place.height + 12);
  context.textAlign = "right";
  context.fillText(String(map.columns[1] - 1), place.left + place.width, place.top + place.height + 12);
  if (!map.chosen) return;
  const [left, top, right, bottom] = map.chosen;
  const x = (at) => place.left + ((at - map.columns[0] + 0.5) / size[1]) * place.width;
  const y = (at) => place.top + ((at - map.rows[0] + 0.5) / size[0]) * place.height;
  box(context, x(left), y(top), x(right) - x(left), y(bottom) - y(top), look);
}

function frame(context, place, look) {
  context.strokeStyle = look.text;
  context.globalAlpha = 0.5;
  context.lineWidth = 1;
  context.strokeRect(place.left, place.top, place.width, place.height);
  context.globalAlpha = 1;
}

function title(context, text, look) {
  context.fillStyle = look.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = `13px ${look.font}`;
  context.fillText(text, 8, 17);
}

function box(context, x, y, width, height, look) {
  for (const [colour, line] of [["rgba(255, 255, 255, 0.85)", 5], [look.accent, 2.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, Math.max(width, 2), Math.max(height, 2));
  }
}

/** Pixels, weights and products as three lines of maps, one a channel. */
export function sketchPatch(context, { width, height }, live, look) {
  const [rows, columns] = live.spec.kernel;
  const { lines, products } = patchColours(live, look.tables);
  const n = Math.min(4, live.names.length);
  const room = { width: (width - 70) / n - 10, height: (height - 60) / 3 - 14 };
  const cell = Math.min(room.width / columns, room.height / rows);
  lines.forEach(({ values, ...colours }, line) => {
    for (let channel = 0; channel < n; channel += 1) {
      const offset = channel * rows * columns;
      const place = {
        left: 60 + channel * (room.width + 10), top: 34 + line * (room.height + 14),
        width: cell * columns, height: cell * rows,
      };
      context.font = `${Math.min(12, cell / 2.4)}px ${look.font}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      paintCells(context, place, [rows, columns], (row, column) => values[offset + row * columns + column], colours, cell >= 30);
      frame(context, place, look);
    }
    context.fillStyle = look.text;
    context.font = `11px ${look.font}`;
    context.textAlign = "left";
    context.fillText(["pixels", "weights", "products"][line], 6, 34 + line * (room.height + 14) + 8);
  });
  title(context, `Preview: sum of ${products.length.toLocaleString("en")} products ${shortNumber(live.sum, 6)}`, look);
}

/** The vector as bars in the channels' colours, and the weights as ticks around the same zero. */
export function sketchVector(context, { width, height }, live, look) {
  const place = mapPlace(width, height, [1, 1], false);
  const taps = live.spec.kernel[0] * live.spec.kernel[1];
  const values = live.vector.map((value) => value / live.divisor);
  const most = 255 / live.divisor, limit = symmetricLimit(live.weights);
  const step = place.width / values.length, zero = place.top + place.height / 2;
  values.forEach((value, entry) => {
    context.fillStyle = live.colours[Math.floor(entry / taps)];
    const tall = (value / most) * (place.height / 2);
    context.fillRect(place.left + entry * step, zero - tall, Math.max(0.5, step * 0.85), tall);
    context.fillStyle = look.text;
    const at = zero - (live.weights[entry] / limit) * (place.height / 2);
    context.fillRect(place.left + entry * step, at - 1, Math.max(1, step * 0.85), 2);
  });
  frame(context, place, look);
  title(context, `Preview: vector of ${values.length.toLocaleString("en")} entries, weights as lines`, look);
}
