// The maps of a preview: the feature map and the columns around the chosen output's, worked out
// here from the pixels that are held.

import { outputSize } from "../laws/geometry.js";
import { grouped, symmetricLimit } from "../laws/numbers.js";
import { previewRange } from "../laws/preview.js";
import { convolve, vectorOf } from "../laws/values.js";

/** Columns shown to either side of the chosen output's. */
const AROUND = 30;

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
  const size = outputSize(spec), n = size[0] * size[1];
  const nRows = spec.channels * spec.kernel[0] * spec.kernel[1];
  const at = position[0] * size[1] + position[1];
  const first = Math.max(0, Math.min(at - AROUND, n - 2 * AROUND)), last = Math.min(n, first + 2 * AROUND);
  const values = new Float64Array(nRows * (last - first));
  for (let column = first; column < last; column += 1) {
    const output = [Math.floor(column / size[1]), column % size[1]];
    const vector = vectorOf(spec, held, output, [0, spec.channels]);
    for (let row = 0; row < nRows; row += 1) {
      values[row * (last - first) + column - first] = vector ? vector[row] : 0;
    }
  }
  return {
    values, rows: [0, nRows], columns: [first, last], table: tables.greys, low: 0, high: white * divisor,
    title: `Preview: column matrix, ${nRows} × ${grouped(n)}`, square: false,
    chosen: [at - 0.5, -0.5, at + 0.5, nRows - 0.5],
  };
}
