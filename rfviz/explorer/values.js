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
 * that it reads. Each channel of the picture that it reads is gathered once, padding included.
 */
export function convolve(spec, pixels, weights, { bias, divisor, channels }, rows, columns) {
  if (!outputSize(spec)) return null;
  const counts = [rows[1] - rows[0], columns[1] - columns[0]];
  const [down, across] = receptiveField(spec, [rows[0], columns[0]]).map(({ start }, axis) => ({
    start, step: 1,
    count: (counts[axis] - 1) * spec.stride[axis] + (spec.kernel[axis] - 1) * spec.dilation[axis] + 1,
  }));
  const rowPlaces = locateTaps(spec, down, 0, pixels.top, pixels.height);
  const columnPlaces = locateTaps(spec, across, 1, pixels.left, pixels.width);
  if (!rowPlaces || !columnPlaces) return null;
  const [height, width] = spec.kernel;
  const result = new Float64Array(counts[0] * counts[1]).fill(bias);
  const plane = new Float64Array(rowPlaces.length * columnPlaces.length);
  for (let channel = channels[0]; channel < channels[1]; channel += 1) {
    gather(plane, pixels, channel, rowPlaces, columnPlaces);
    for (let row = 0; row < counts[0]; row += 1) {
      for (let tapRow = 0; tapRow < height; tapRow += 1) {
        const line = (row * spec.stride[0] + tapRow * spec.dilation[0]) * columnPlaces.length;
        const kernelRow = ((channel - channels[0]) * height + tapRow) * width;
        addLine(result, row * counts[1], counts[1], plane, line, weights, kernelRow, spec, divisor);
      }
    }
  }
  return result;
}

/** One channel's pixels at these places of the window, zeros where a place is -1. */
function gather(plane, { data, height, width }, channel, rowPlaces, columnPlaces) {
  let at = 0;
  for (const row of rowPlaces) {
    const start = (channel * height + row) * width;
    for (let i = 0; i < columnPlaces.length; i += 1) {
      plane[at] = row < 0 || columnPlaces[i] < 0 ? 0 : data[start + columnPlaces[i]];
      at += 1;
    }
  }
}

/**
 * Add one kernel row's share to one row of outputs. Four taps at a time: each output is read and
 * written once for four products, which takes a little over half the time.
 */
function addLine(result, target, count, plane, line, weights, kernelRow, spec, divisor) {
  const [, stride] = spec.stride, [, step] = spec.dilation, [, width] = spec.kernel;
  const weightOf = (tap) => (tap < width ? weights[kernelRow + tap] / divisor : 0);
  for (let tap = 0; tap < width; tap += 4) {
    const w0 = weightOf(tap), w1 = weightOf(tap + 1), w2 = weightOf(tap + 2), w3 = weightOf(tap + 3);
    if (w0 === 0 && w1 === 0 && w2 === 0 && w3 === 0) continue;
    // Past the last tap the weight is 0 and the pixel any: that of the last tap.
    const last = width - 1;
    const o0 = line + tap * step, o1 = line + Math.min(tap + 1, last) * step;
    const o2 = line + Math.min(tap + 2, last) * step, o3 = line + Math.min(tap + 3, last) * step;
    for (let i = 0, at = 0; i < count; i += 1, at += stride) {
      result[target + i] += plane[at + o0] * w0 + plane[at + o1] * w1 + plane[at + o2] * w2 + plane[at + o3] * w3;
    }
  }
}
