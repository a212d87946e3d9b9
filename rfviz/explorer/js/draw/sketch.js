// A whole map drawn without plotly, for previews whose axes are not those of the server's figure: in
// the room that the figure's own map has, so that neither jumps when one takes the other's place.

import { roomOf } from "./axes.js";
import { grouped, roundTicks } from "../laws/numbers.js";
import { raster } from "./scales.js";

/** The least distance between labels along an axis, in pixels. */
const LABEL_APART = { across: 44, down: 26 };

/** The largest rectangle of a map's proportions in its room, centred as plotly does. */
function centred(room, [rows, columns]) {
  const scale = Math.min(room.width / columns, room.height / rows);
  const own = { width: columns * scale, height: rows * scale };
  return {
    left: room.left + (room.width - own.width) / 2,
    top: room.top + (room.height - own.height) / 2,
    ...own,
  };
}

/**
 * A map of values with the rows and columns at its corners, and a box around chosen cells.
 * @param {any} figure the server's, drawn by plotly
 * @param {{values: ArrayLike<number>, rows: number[], columns: number[], title: string,
 *          table: Uint32Array, low: number, high: number, square: boolean, chosen: number[]}} map
 */
export function sketchMap(context, figure, map, look) {
  const room = roomOf(figure, { x: "x", y: "y" });
  if (!room) return;
  const size = [map.rows[1] - map.rows[0], map.columns[1] - map.columns[0]];
  const place = map.square ? centred(room, size) : room;
  context.imageSmoothingEnabled = false;
  const image = raster(map.values, size[1], size[0], map.table, map.low, map.high);
  context.drawImage(image, place.left, place.top, place.width, place.height);
  context.fillStyle = look.text;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.font = `13px ${look.font}`;
  context.fillText(map.title, 8, 17);
  const x = (at) => place.left + ((at - map.columns[0] + 0.5) / size[1]) * place.width;
  const y = (at) => place.top + ((at - map.rows[0] + 0.5) / size[0]) * place.height;
  context.font = `12px ${look.font}`;
  context.textAlign = "right";
  for (const at of roundTicks(map.rows[0], map.rows[1] - 1, place.height / LABEL_APART.down, 1)) {
    context.fillText(grouped(at), place.left - 6, y(at));
  }
  context.textAlign = "center";
  for (const at of roundTicks(map.columns[0], map.columns[1] - 1, place.width / LABEL_APART.across, 1)) {
    context.fillText(grouped(at), x(at), place.top + place.height + 12);
  }
  const [left, top, right, bottom] = map.chosen;
  box(context, x(left), y(top), x(right) - x(left), y(bottom) - y(top), look);
}

function box(context, x, y, width, height, look) {
  for (const [colour, line] of [["rgba(255, 255, 255, 0.85)", 5], [look.accent, 2.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, Math.max(width, 2), Math.max(height, 2));
  }
}
