// Numbers in the browser: the pixels that an output reads, the products, their sum. Pixels come from
// the server as bytes, exactly; sums are made in double precision, and torch confirms them.

import { outputSize, receptiveField, source } from "./geometry.js";

/**
 * @typedef {{top: number, left: number, height: number, width: number, channels: number,
 *            data: Uint8Array}} Pixels a window of the picture, (channel, row, column)
 */

/** Positions in the window's rows (or columns) of some taps; -1 for a zero; null where not held. */
function locateTaps(spec, taps, axis, first, length) {
  const places = new Int32Array(taps.count);
  for (let tap = 0; tap < taps.count; tap += 1) {
    const from = source(taps.start + tap * taps.step, spec.inputSize[axis], spec.mode);
    if (from < 0) places[tap] = -1;
    else if (from < first || from >= first + length) return null;
    else places[tap] = from - first;
  }
  return places;
}

/**
 * The receptive field of an output as a vector, in the order of nn.Unfold; null where the window
 * does not hold all of it.
 * @param {Pixels} pixels
 * @param {number[]} channels [first, last + 1]
 */
export function vectorOf(spec, pixels, position, channels) {
  const [rowTaps, columnTaps] = receptiveField(spec, position);
  const rows = locateTaps(spec, rowTaps, 0, pixels.top, pixels.height);
  const columns = locateTaps(spec, columnTaps, 1, pixels.left, pixels.width);
  if (!rows || !columns) return null;
  const vector = new Float64Array((channels[1] - channels[0]) * rows.length * columns.length);
  let entry = 0;
  for (let channel = channels[0]; channel < channels[1]; channel += 1) {
    const plane = channel * pixels.height * pixels.width;
    for (const row of rows) {
      for (const column of columns) {
        const inside = row >= 0 && column >= 0;
        vector[entry] = inside ? pixels.data[plane + row * pixels.width + column] : 0;
        entry += 1;
      }
    }
  }
  return vector;
}

/** Sum of products and bias, each pixel divided by the divisor first. */
export function sumOf(vector, weights, bias, divisor) {
  let sum = bias;
  for (let entry = 0; entry < vector.length; entry += 1) {
    sum += (vector[entry] / divisor) * weights[entry];
  }
  return sum;
}

/**
 * A part of one filter's feature map, (n rows, n columns); null where the window does not hold all
 * that it reads. The rows of the picture that it reads are gathered once, padding included.
 */
export function convolve(spec, pixels, weights, { bias, divisor, channels }, rows, columns) {
  const size = outputSize(spec);
  if (!size) return null;
  const [height, width] = spec.kernel;
  const first = receptiveField(spec, [rows[0], columns[0]]);
  const across = {
    start: first[1].start, step: 1,
    count: (columns[1] - columns[0] - 1) * spec.stride[1] + (width - 1) * spec.dilation[1] + 1,
  };
  const places = locateTaps(spec, across, 1, pixels.left, pixels.width);
  if (!places) return null;
  const result = new Float64Array((rows[1] - rows[0]) * (columns[1] - columns[0])).fill(bias);
  const line = new Float64Array(places.length);
  for (let channel = channels[0]; channel < channels[1]; channel += 1) {
    for (let tapRow = 0; tapRow < height; tapRow += 1) {
      const kernelRow = ((channel - channels[0]) * height + tapRow) * width;
      for (let row = rows[0]; row < rows[1]; row += 1) {
        const padded = row * spec.stride[0] - spec.pads[0][0] + tapRow * spec.dilation[0];
        const from = source(padded, spec.inputSize[0], spec.mode);
        if (from < 0) continue;
        if (from < pixels.top || from >= pixels.top + pixels.height) return null;
        const start = (channel * pixels.height + from - pixels.top) * pixels.width;
        for (let i = 0; i < places.length; i += 1) {
          line[i] = places[i] < 0 ? 0 : pixels.data[start + places[i]];
        }
        const target = (row - rows[0]) * (columns[1] - columns[0]);
        addLine(result, target, columns[1] - columns[0], line, weights, kernelRow, spec, divisor);
      }
    }
  }
  return result;
}

/** Add one kernel row's share to one row of outputs. */
function addLine(result, target, count, line, weights, kernelRow, spec, divisor) {
  const [, stride] = spec.stride, [, step] = spec.dilation, [, width] = spec.kernel;
  for (let tap = 0; tap < width; tap += 1) {
    const weight = weights[kernelRow + tap] / divisor;
    if (weight === 0) continue;
    for (let i = 0, at = tap * step; i < count; i += 1, at += stride) {
      result[target + i] += line[at] * weight;
    }
  }
}
