// Which columns of the matrix a panel shows: as many as have room, around the chosen output's, and
// around what is pointed at once that lies beyond them.

import { outputSize } from "./geometry.js";

/**
 * At most `length` of `size` places around one. As rfviz.ui.panels.maps.around.
 * @returns {number[]} first, and one past the last
 */
export function around(at, size, length) {
  const first = Math.max(0, Math.min(at - Math.floor(length / 2), size - length));
  return [first, Math.min(size, first + length)];
}

/**
 * The columns around an output's: of its own row of outputs where that holds so many, so that they
 * read neighbouring pixels.
 * @returns {number[]} first, and one past the last
 */
export function columnsAround(spec, [row, column], length) {
  const [rows, width] = outputSize(spec);
  if (width < length) return around(row * width + column, rows * width, length);
  return around(column, width, length).map((at) => row * width + at);
}

/** Is an output's column among these? */
export function holds([first, last], at) {
  return first <= at && at < last;
}

/** Filters shown: at most so many, around the chosen one. */
export function filtersAround({ index, count }, most) {
  return around(index, count, most);
}
