// The only file that knows plotly.js from the inside: how data coordinates and pixels of a
// drawn figure correspond. Everything else draws and listens through these functions.

/**
 * @typedef {{x: (value: number) => number, y: (value: number) => number,
 *            left: number, top: number, width: number, height: number,
 *            dataX: (pixel: number) => number, dataY: (pixel: number) => number}} Frame
 * Pixels are relative to the figure's top left corner.
 */

/**
 * The frame of one subplot, or null while the figure has not been drawn.
 * @param {any} figure the element that plotly drew into
 * @param {string} subplot plotly's name: "xy", "x2y2", ...
 * @returns {Frame | null}
 */
export function frameOf(figure, subplot) {
  const plot = figure._fullLayout?._plots?.[subplot];
  if (!plot) return null;
  const { xaxis, yaxis } = plot;
  return {
    x: (value) => xaxis._offset + xaxis.d2p(value),
    y: (value) => yaxis._offset + yaxis.d2p(value),
    left: xaxis._offset,
    top: yaxis._offset,
    width: xaxis._length,
    height: yaxis._length,
    dataX: (pixel) => xaxis.p2d(pixel - xaxis._offset),
    dataY: (pixel) => yaxis.p2d(pixel - yaxis._offset),
  };
}

/**
 * Where a pointer is in data coordinates, or null outside every subplot.
 * @param {any} figure
 * @param {number} pixelX
 * @param {number} pixelY
 * @returns {{subplot: string, x: number, y: number} | null}
 */
export function locate(figure, pixelX, pixelY) {
  for (const subplot of Object.keys(figure._fullLayout?._plots ?? {})) {
    const frame = frameOf(figure, subplot);
    if (!frame) continue;
    const inside =
      pixelX >= frame.left && pixelX <= frame.left + frame.width &&
      pixelY >= frame.top && pixelY <= frame.top + frame.height;
    if (inside) return { subplot, x: frame.dataX(pixelX), y: frame.dataY(pixelY) };
  }
  return null;
}

/**
 * The room that a subplot may take, before its cells are made square; null until it is drawn.
 * @param {any} figure
 * @param {{x: string, y: string}} axes plotly's names: "x", "y2", ...
 * @returns {{left: number, top: number, width: number, height: number} | null}
 */
export function roomOf(figure, { x, y }) {
  const size = figure._fullLayout?._size;
  if (!size) return null;
  const [left, right] = axisOf(figure, x).domain ?? [0, 1];
  const [bottom, top] = axisOf(figure, y).domain ?? [0, 1];
  return {
    left: size.l + left * size.w, width: (right - left) * size.w,
    top: size.t + (1 - top) * size.h, height: (top - bottom) * size.h,
  };
}

/** An axis as the figure asks for it, by plotly's name in traces: "x", "y2", ... */
export function axisOf(figure, name) {
  return figure.layout[name.replace(/^([xy])/, "$1axis")] ?? {};
}
