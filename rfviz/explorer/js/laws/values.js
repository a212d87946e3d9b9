// Numbers in the browser: the pixels that an output reads, the products, their sum. Pixels come from
// the server as bytes, exactly; sums are made in double precision, and torch confirms them.

import { nRowsOf, outputOf, outputSize, receptiveField, source, tapsOf } from "./geometry.js";

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
  const result = new Float64Array(counts[0] * counts[1]).fill(bias);
  const plane = new Float64Array(rowPlaces.length * columnPlaces.length);
  const taps = tapsOf(spec);
  for (let channel = channels[0]; channel < channels[1]; channel += 1) {
    gather(plane, pixels, channel, rowPlaces, columnPlaces);
    const first = (channel - channels[0]) * taps;
    const kernel = Float64Array.from({ length: taps }, (_, tap) => weights[first + tap] / divisor);
    for (let row = 0; row < counts[0]; row += 1) {
      const line = row * spec.stride[0] * columnPlaces.length;
      addRow(result, row * counts[1], counts[1], plane, line, columnPlaces.length, kernel, spec);
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
 * Add one channel's share to one row of outputs. Where a tap further is an output further, four
 * such outputs are summed together: they share all but one of the pixels under a tap.
 * @param {number} line where the row's first receptive field begins in the plane
 */
function addRow(result, target, count, plane, line, planeWidth, kernel, spec) {
  const [, stride] = spec.stride, [down, step] = spec.dilation, [height, width] = spec.kernel;
  const sums = { result, plane, kernel, height, width, step, next: down * planeWidth };
  const apart = step / stride;
  let done = 0;
  if (Number.isInteger(apart)) {
    for (; done + 4 * apart <= count; done += 4 * apart) {
      for (let output = done; output < done + apart; output += 1) {
        addFour(sums, target + output, apart, line + output * stride);
      }
    }
  }
  for (; done < count; done += 1) addOne(sums, target + done, line + done * stride);
}

/** Four outputs, `apart` from each other; the first one's receptive field begins at `start`. */
function addFour({ result, plane, kernel, height, width, step, next }, to, apart, start) {
  let sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  for (let row = 0; row < height; row += 1) {
    let at = start + row * next;
    let pixel0 = plane[at], pixel1 = plane[at + step], pixel2 = plane[at + 2 * step];
    at += 3 * step;
    for (let tap = row * width; tap < (row + 1) * width; tap += 1, at += step) {
      const pixel3 = plane[at], weight = kernel[tap];
      sum0 += pixel0 * weight;
      sum1 += pixel1 * weight;
      sum2 += pixel2 * weight;
      sum3 += pixel3 * weight;
      pixel0 = pixel1;
      pixel1 = pixel2;
      pixel2 = pixel3;
    }
  }
  result[to] += sum0;
  result[to + apart] += sum1;
  result[to + 2 * apart] += sum2;
  result[to + 3 * apart] += sum3;
}

function addOne({ result, plane, kernel, height, width, step, next }, to, start) {
  let sum = 0;
  for (let row = 0; row < height; row += 1) {
    let at = start + row * next;
    for (let tap = row * width; tap < (row + 1) * width; tap += 1, at += step) sum += plane[at] * kernel[tap];
  }
  result[to] += sum;
}

/**
 * Columns of the column matrix, (nRows, n) by rows; NaN where the window holds not all that one reads.
 * @param {number[]} columns first, and one past the last
 */
export function columnsOf(spec, pixels, [first, last], divisor) {
  const n = last - first, nRows = nRowsOf(spec);
  const values = new Float64Array(nRows * n);
  for (let column = 0; column < n; column += 1) {
    const vector = vectorOf(spec, pixels, outputOf(spec, first + column), [0, spec.channels]);
    for (let row = 0; row < nRows; row += 1) values[row * n + column] = vector ? vector[row] / divisor : NaN;
  }
  return values;
}

/**
 * The rows of the product with some filters, (filters, n) by rows: each filter meets its group's rows.
 * @param {{first: number, weights: number[][], biases: number[], perGroup: number}} bank
 * @param {Float64Array} inputs of columnsOf
 */
export function productOf({ first, weights, biases, perGroup }, inputs, n) {
  const values = new Float64Array(weights.length * n);
  weights.forEach((own, index) => {
    const start = Math.floor((first + index) / perGroup) * own.length;
    const row = values.subarray(index * n, (index + 1) * n).fill(biases[index]);
    for (let entry = 0; entry < own.length; entry += 1) {
      const weight = own[entry], from = (start + entry) * n;
      if (weight !== 0) for (let column = 0; column < n; column += 1) row[column] += weight * inputs[from + column];
    }
  });
  return values;
}

/** The sum written out: "0·(−1) + 9·1 + ..."; empty where it has more terms than so many. */
export function termsOf({ vector, weights, divisor, bias }, most, write) {
  if (vector.length > most) return "";
  const signed = (value) => (value < 0 ? `(${write(value)})` : write(value));
  const terms = Array.from(vector, (pixel, entry) => `${write(pixel / divisor)}·${signed(weights[entry])}`);
  return [...terms, ...(bias ? [`${signed(bias)} bias`] : [])].join(" + ");
}
