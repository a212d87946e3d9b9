// Numbers in the cells of maps and matrices, where a cell has room for them, and the lines between
// blocks of a matrix: on a canvas of their own, drawn again only when the figure or its axes change.

import { frameOf } from "./axes.js";
import { lookup, styleOf } from "./scales.js";
import { shortNumber } from "../laws/numbers.js";

/** The least width and height of a cell with a number in it, and the least and largest type, in pixels. */
const LEAST_WIDTH = 20, LEAST_HEIGHT = 15, LEAST_TYPE = 12, MOST_TYPE = 40;

/** More numbers than this are more than anyone reads, and take longer than a frame. */
const MOST_NUMBERS = 2500;

const tables = new WeakMap();

/** The 256 colours of a trace's scale. */
function tableOf(scale) {
  if (!tables.has(scale)) tables.set(scale, lookup(scale));
  return tables.get(scale);
}

/**
 * @typedef {{place: {left: number, top: number, width: number, height: number},
 *   rows: number[], columns: number[], value: (row: number, column: number) => number | null,
 *   textOn: (value: number, row: number) => string, digits?: number}} Cells
 * rows and columns: first, and one past the last, of the cells that fill the place; a value of null
 * is not written
 */

/**
 * Write the numbers of cells, all of them or none.
 * @param {Cells} cells
 * @param {number} least pixels of the smallest type
 * @returns {boolean} whether there was room
 */
export function writeNumbers(context, { place, rows, columns, value, textOn }, font, least = LEAST_TYPE) {
  const down = rows[1] - rows[0], across = columns[1] - columns[0];
  const width = place.width / across, height = place.height / down;
  if (width < LEAST_WIDTH || height < LEAST_HEIGHT || down * across > MOST_NUMBERS) return false;
  const written = [3, 2].map((digits) => textsOf(rows, columns, value, digits));
  const size = Math.min(MOST_TYPE, Math.max(least, Math.min(height * 0.5, width * 0.4)));
  const fitting = written.find((texts) => {
    const longest = texts.reduce((most, { text }) => (text.length > most.length ? text : most), "");
    context.font = `${size}px ${font}`;
    const scale = Math.min(1, (width - 3) / context.measureText(longest).width);
    if (size * scale < least) return false;
    context.font = `${size * scale}px ${font}`;
    return true;
  });
  if (!fitting) return false;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { row, column, at, text } of fitting) {
    context.fillStyle = textOn(at, row);
    context.fillText(text, place.left + (column - columns[0] + 0.5) * width, place.top + (row - rows[0] + 0.55) * height);
  }
  return true;
}

function textsOf(rows, columns, value, digits) {
  const texts = [];
  for (let row = rows[0]; row < rows[1]; row += 1) {
    for (let column = columns[0]; column < columns[1]; column += 1) {
      const at = value(row, column);
      if (at !== null && at !== undefined && !Number.isNaN(at)) texts.push({ row, column, at, text: shortNumber(at, digits) });
    }
  }
  return texts;
}

/** The cells of a heatmap that are in view. @returns {Cells | null} */
export function cellsOf(figure, trace) {
  const frame = frameOf(figure, `${trace.xaxis ?? "x"}${trace.yaxis ?? "y"}`);
  const { x0 = 0, dx = 1, y0 = 0, dy = 1, z } = trace;
  if (!frame || !z?.length) return null;
  const columns = inView((frame.dataX(frame.left) - x0) / dx, (frame.dataX(frame.left + frame.width) - x0) / dx, z[0].length);
  const rows = inView((frame.dataY(frame.top) - y0) / dy, (frame.dataY(frame.top + frame.height) - y0) / dy, z.length);
  if (columns[0] >= columns[1] || rows[0] >= rows[1]) return null;
  const left = frame.x(x0 + (columns[0] - 0.5) * dx), right = frame.x(x0 + (columns[1] - 0.5) * dx);
  const top = frame.y(y0 + (rows[0] - 0.5) * dy), bottom = frame.y(y0 + (rows[1] - 0.5) * dy);
  const table = tableOf(trace.colorscale), { zmin, zmax } = trace;
  return {
    place: { left, top, width: right - left, height: bottom - top }, rows, columns,
    value: (row, column) => z[row][column],
    textOn: (value) => styleOf(table, value, zmin, zmax).text,
  };
}

/** Whole cells between two places along an axis. */
function inView(from, to, count) {
  const low = Math.min(from, to), high = Math.max(from, to);
  return [Math.max(0, Math.ceil(low - 0.01)), Math.min(count, Math.floor(high + 0.01) + 1)];
}

/**
 * Lines where a row of outputs, and where a channel begins, and which row of outputs it is.
 * @param {{left: number, top: number, width: number, height: number}} place of all rows of the matrix
 * @param {{first: number, last: number, nRows: number, taps: number, outputWidth: number}} matrix
 * @param {{text: string, font: string, line: string}} look
 * @param {boolean} named whether rows of outputs are named above
 */
export function ruleMatrix(context, place, { first, last, nRows, taps, outputWidth }, look, named) {
  const width = place.width / (last - first), height = place.height / nRows;
  context.strokeStyle = look.line;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let row = taps; row < nRows && taps * height >= 4; row += taps) {
    const y = place.top + row * height;
    context.moveTo(place.left, y);
    context.lineTo(place.left + place.width, y);
  }
  const start = Math.floor(first / outputWidth);
  const many = outputWidth * width < 4;
  for (let output = start; output * outputWidth < last; output += 1) {
    const at = output * outputWidth;
    if (at > first && !many) {
      context.moveTo(place.left + (at - first) * width, place.top - 6);
      context.lineTo(place.left + (at - first) * width, place.top + place.height);
    }
  }
  context.stroke();
  if (named) nameRows(context, place, { first, last, outputWidth, width }, look);
}

function nameRows(context, place, { first, last, outputWidth, width }, look) {
  context.font = `12px ${look.font}`;
  context.fillStyle = look.text;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  let free = -Infinity;
  for (let output = Math.floor(first / outputWidth); output * outputWidth < last; output += 1) {
    const from = Math.max(first, output * outputWidth), to = Math.min(last, (output + 1) * outputWidth);
    const middle = place.left + ((from + to) / 2 - first) * width;
    const room = (to - from) * width;
    const text = [`output row ${output}`, `row ${output}`, String(output)].find((each) => context.measureText(each).width < room - 4);
    if (!text) continue;
    const half = context.measureText(text).width / 2;
    if (middle - half < free) continue;
    free = middle + half + 8;
    context.fillText(text, middle, place.top - 6);
  }
}
