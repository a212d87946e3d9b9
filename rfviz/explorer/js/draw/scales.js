// Colours of values, from the stops that the server's figures use, so that both draw alike.

/** "#rrggbb" or "rgb(r, g, b)" as three numbers. */
function parse(colour) {
  if (colour.startsWith("#")) {
    return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  }
  return colour.match(/\d+/g).slice(0, 3).map(Number);
}

/**
 * 256 colours from a list of (place, colour) stops.
 * @returns {Uint32Array} little endian RGBA, as ImageData holds it
 */
export function lookup(stops) {
  const parsed = stops.map(([place, colour]) => [place, parse(colour)]);
  return Uint32Array.from({ length: 256 }, (_, index) => {
    const at = index / 255;
    const upper = Math.max(1, parsed.findIndex(([place]) => place >= at));
    const [low, from] = parsed[upper - 1];
    const [high, to] = parsed[upper];
    const share = (at - low) / (high - low);
    const [r, g, b] = from.map((value, k) => Math.round(value + share * (to[k] - value)));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

/** Each colour of a table as css, and black or white, whichever is read more easily on it. */
const styles = new WeakMap();

function stylesOf(table) {
  let made = styles.get(table);
  if (!made) {
    made = Array.from(table, (colour) => {
      const [red, green, blue] = [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
      const light = 0.299 * red + 0.587 * green + 0.114 * blue;
      return { fill: `rgb(${red}, ${green}, ${blue})`, text: light > 140 ? "#1b1f24" : "#ffffff" };
    });
    styles.set(table, made);
  }
  return made;
}

/** What is not finite is blank, as in the server's figures; a text on it is read on either theme. */
const BLANK = { fill: "rgba(0, 0, 0, 0)", text: "#808080" };

/** The colour of a value between two limits as css, and that of a text on it. */
export function styleOf(table, value, low, high) {
  return stylesOf(table)[indexOf(value, low, high)] ?? BLANK;
}

/** The place of a value in a table of 256 colours; -1, where no table has one, if it is not finite. */
export function indexOf(value, low, high) {
  if (!Number.isFinite(value)) return -1;
  const place = Math.round((255 * (value - low)) / (high - low || 1));
  // Limits that are not finite put a finite value nowhere.
  return Number.isNaN(place) ? -1 : Math.max(0, Math.min(255, place));
}

/** Values as a canvas of their own, one pixel a value. */
export function raster(values, width, height, table, low, high) {
  return rasterOf(values, width, height, () => table, low, high);
}

/** The same with a table of colours for each row. @param {(row: number) => Uint32Array} tableAt */
export function rasterOf(values, width, height, tableAt, low, high) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0, i = 0; row < height; row += 1) {
    const table = tableAt(row);
    for (const end = i + width; i < end; i += 1) pixels[i] = table[indexOf(values[i], low, high)];
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
