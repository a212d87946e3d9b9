// The arithmetic of a convolution in the browser: which pixels an output reads, which outputs read
// a pixel. The same laws as rfviz.conv, so that a highlight needs no server; torch has the last word.

/**
 * @typedef {{kernel: number[], stride: number[], dilation: number[], pads: number[][],
 *            mode: string, inputSize: number[], channels: number}} Spec
 * Pairs are (height, width); pads are ((top, bottom), (left, right)).
 * @typedef {{start: number, step: number, count: number}} Taps input coordinates along one axis
 */

const AXES = [0, 1];

/**
 * One record for each padding mode, as in rfviz.conv.spec.padding_modes: the most that one side can
 * be padded by, and which pixel a position outside of the axis copies, -1 for none.
 */
const MODES = {
  zeros: { largest: () => Infinity, source: () => -1 },
  reflect: {
    largest: (size) => size - 1,
    source: (at, size) => (Math.abs(at) < size ? Math.abs(at) : 2 * (size - 1) - Math.abs(at)),
  },
  replicate: { largest: () => Infinity, source: (at, size) => Math.max(0, Math.min(size - 1, at)) },
  circular: { largest: (size) => size, source: (at, size) => ((at % size) + size) % size },
};

/** Pixels from the first to the last tap, along one axis. */
export function reach(spec, axis) {
  return spec.dilation[axis] * (spec.kernel[axis] - 1) + 1;
}

/**
 * (rows, columns) of the output, or null where the kernel does not fit, or padding "same" meets a
 * stride, which torch refuses.
 * Source: Dumoulin & Visin, arXiv:1603.07285, relationship 15.
 * @param {Spec} spec
 */
export function outputSize(spec) {
  const size = AXES.map((axis) => {
    const [before, after] = spec.pads[axis];
    const room = spec.inputSize[axis] + before + after - reach(spec, axis);
    return room < 0 ? 0 : Math.floor(room / spec.stride[axis]) + 1;
  });
  const { largest } = MODES[spec.mode];
  const tooMuch = AXES.some((axis) => Math.max(...spec.pads[axis]) > largest(spec.inputSize[axis]));
  const refused = spec.padding === "same" && Math.max(...spec.stride) > 1;
  return size.includes(0) || tooMuch || refused ? null : size;
}

/**
 * The taps of an output, rows and columns, in input coordinates (outside them in the padding).
 * @returns {Taps[]}
 */
export function receptiveField(spec, position) {
  return AXES.map((axis) => ({
    start: position[axis] * spec.stride[axis] - spec.pads[axis][0],
    step: spec.dilation[axis],
    count: spec.kernel[axis],
  }));
}

/** The input coordinate that a padded one is a copy of, or -1 for a zero of the padding. */
export function source(coordinate, size, mode) {
  return coordinate >= 0 && coordinate < size ? coordinate : MODES[mode].source(coordinate, size);
}

/** All coordinates of the padded axis that hold a copy of an input coordinate. */
function copiesOnAxis(spec, axis, coordinate) {
  const size = spec.inputSize[axis];
  const [before, after] = spec.pads[axis];
  const found = [coordinate];
  // None of the padding copies any pixel: nothing to look for, however wide it is.
  if (source(-1, size, spec.mode) < 0) return found;
  for (let padded = -before; padded < 0; padded += 1) {
    if (source(padded, size, spec.mode) === coordinate) found.push(padded);
  }
  for (let padded = size; padded < size + after; padded += 1) {
    if (source(padded, size, spec.mode) === coordinate) found.push(padded);
  }
  return found;
}

/** (output, tap) pairs that read an input coordinate along one axis. */
function readersOnAxis(spec, axis, coordinate, nOutputs) {
  const pairs = [];
  for (const copy of copiesOnAxis(spec, axis, coordinate)) {
    for (let tap = 0; tap < spec.kernel[axis]; tap += 1) {
      const start = copy + spec.pads[axis][0] - tap * spec.dilation[axis];
      const output = start / spec.stride[axis];
      if (Number.isInteger(output) && output >= 0 && output < nOutputs) pairs.push([output, tap]);
    }
  }
  return pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

/**
 * Every output that reads a pixel, with the tap by which it does.
 * @returns {{rows: number[][], columns: number[][]}} (output, tap) pairs of each axis; a reader is
 *   any pair of the rows with any pair of the columns
 */
export function readers(spec, pixel) {
  const size = outputSize(spec);
  if (!size) return { rows: [], columns: [] };
  return {
    rows: readersOnAxis(spec, 0, pixel[0], size[0]),
    columns: readersOnAxis(spec, 1, pixel[1], size[1]),
  };
}

/** How many (output, tap) pairs read a pixel: its reads. */
export function countReaders(spec, pixel) {
  const { rows, columns } = readers(spec, pixel);
  return rows.length * columns.length;
}

/** (matrix row, matrix column) of every copy of a pixel, at most so many. */
export function copies(spec, pixel, most) {
  const size = outputSize(spec);
  const { rows, columns } = readers(spec, pixel);
  const entries = [];
  for (let channel = 0; channel < spec.channels; channel += 1) {
    for (const [outputRow, tapRow] of rows) {
      for (const [outputColumn, tapColumn] of columns) {
        if (entries.length === most) return entries;
        entries.push([
          (channel * spec.kernel[0] + tapRow) * spec.kernel[1] + tapColumn,
          outputRow * size[1] + outputColumn,
        ]);
      }
    }
  }
  return entries;
}

/** Taps of the kernel in one channel. */
export const tapsOf = ({ kernel }) => kernel[0] * kernel[1];

/** Rows of the column matrix. */
export const nRowsOf = (spec) => spec.channels * tapsOf(spec);

/** Number of the column that is an output's receptive field. */
export function columnOf(spec, [row, column]) {
  return row * outputSize(spec)[1] + column;
}

/** The output whose receptive field a column is. */
export function outputOf(spec, column) {
  const [, width] = outputSize(spec);
  return [Math.floor(column / width), column % width];
}

/** (channel, kernel row, kernel column) of a row of the column matrix. */
export function tapOf(spec, row) {
  const [height, width] = spec.kernel;
  return [Math.floor(row / (height * width)), Math.floor(row / width) % height, row % width];
}

/** The input pixel that an entry of the column matrix reads; outside the picture in the padding. */
export function pixelOf(spec, row, column) {
  const [, tapRow, tapColumn] = tapOf(spec, row);
  const [rows, columns] = receptiveField(spec, outputOf(spec, column));
  return [rows.start + tapRow * rows.step, columns.start + tapColumn * columns.step];
}

/** The output whose receptive field has its centre nearest to a pixel. */
export function nearestOutput(spec, pixel) {
  const size = outputSize(spec);
  return AXES.map((axis) => {
    const start = pixel[axis] + spec.pads[axis][0] - (reach(spec, axis) - 1) / 2;
    return Math.max(0, Math.min(size[axis] - 1, Math.round(start / spec.stride[axis])));
  });
}
