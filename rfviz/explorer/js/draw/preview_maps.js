// The maps of a preview: the feature map and the columns around the chosen output's, worked out
// here from the pixels that are held.

import { columnOf, nRowsOf, outputSize } from "../laws/geometry.js";
import { around } from "../laws/matrix_window.js";
import { grouped, symmetricLimit } from "../laws/numbers.js";
import { previewRange } from "../laws/preview.js";
import { columnsOf, convolve } from "../laws/values.js";

/** Columns shown around the chosen output's. */
const SHOWN = 60;

/** The feature map of a scene, or the part of it that the pixels held give; null without any. */
export function featureMap({ spec, weights, filter, divisor }, position, held, tables) {
  const [rows, columns] = previewRange(spec, position, held);
  const values = convolve(spec, held, weights, { ...filter, divisor }, rows, columns);
  if (!values) return null;
  const limit = symmetricLimit(values), [row, column] = position;
  const size = outputSize(spec);
  return {
    values, rows, columns, table: tables.diverging, low: -limit, high: limit, square: true,
    title: `Preview: feature map, ${size[0]} × ${size[1]}`,
    chosen: [column - 0.5, row - 0.5, column + 0.5, row + 0.5],
  };
}

/** The part of a scene's column matrix around the chosen output. */
export function columnsMap({ spec, white, divisor }, position, held, tables) {
  const size = outputSize(spec), n = size[0] * size[1], nRows = nRowsOf(spec);
  const at = columnOf(spec, position), columns = around(at, n, SHOWN);
  const values = columnsOf(spec, held, columns, divisor);
  return {
    values, rows: [0, nRows], columns, table: tables.greys, low: 0, high: white,
    title: `Preview: column matrix, ${nRows} × ${grouped(n)}`, square: false,
    chosen: [at - 0.5, -0.5, at + 0.5, nRows - 0.5],
  };
}
