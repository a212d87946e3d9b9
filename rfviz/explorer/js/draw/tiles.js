// Detail on demand: the part of a picture or of the column matrix that a panel shows after a pan or
// zoom, fetched from the app's own server and drawn below plotly's axes. The old part stays until
// the new one has come; an answer that comes too late is dropped.

import { frameOf } from "./axes.js";
import { detail } from "../detail.js";
import { grouped } from "../laws/numbers.js";
import { raster } from "./scales.js";

/** Cells across at the most; more columns than this are averaged. */
const MOST_CELLS = 1200;
/** So many cells across are good enough: those that the server sends of itself. */
const GOOD_CELLS = 600;
const MOST_PIXELS = 600_000;
/** Parts of a pixel by which an axis may end beyond the raster that it was made for. */
const NEAR = 0.01;
/** Milliseconds until a busy server is asked again. */
const BUSY_PAUSE = 1000;

/**
 * @typedef {(scene: any, trace: any, view: {left: number, right: number, top: number, bottom: number})
 *   => {url: string, toTile: (bytes: Uint8Array, tables: any) => Tile} | null} RequestFor
 * what to fetch for a view in data coordinates; null where the figure's own raster is as good
 * @typedef {{image: CanvasImageSource, box: number[], note: string}} Tile
 * box: [left, top, right, bottom] in data coordinates
 */

export class Tiles {
  /** @param {{figure: any, header: any}} panel @param {RequestFor} requestFor @param {() => void} redraw */
  constructor(panel, requestFor, redraw) {
    this.panel = panel;
    this.requestFor = requestFor;
    this.redraw = redraw;
    /** @type {Tile | null} */
    this.tile = null;
    this.busy = false;
    this.wanted = null;
  }

  /** A new figure has come: what was fetched for the old one is void. */
  reset() {
    this.tile = null;
    this.wanted = null;
    this.asked = null;
  }

  /** The axes have moved: ask for what they show, unless the figure itself shows it. */
  look(scene, tables) {
    const request = this.requestIn(scene);
    if (!request) {
      this.tile = null;
      this.asked = null;
      return;
    }
    const key = request.url;
    if (key === this.asked) return;
    this.asked = key;
    this.wanted = { ...request, tables };
    if (!this.busy) this.fetch();
  }

  /** What to fetch for the present axes; null where the figure's own raster is as good. */
  requestIn(scene) {
    const frame = frameOf(this.panel.figure, "xy");
    if (!frame || !scene) return null;
    const trace = this.panel.figure.data?.[0];
    if (!trace) return null;
    return this.requestFor(scene, trace, {
      left: frame.dataX(frame.left), right: frame.dataX(frame.left + frame.width),
      top: frame.dataY(frame.top), bottom: frame.dataY(frame.top + frame.height),
    });
  }

  async fetch() {
    const request = this.wanted;
    this.wanted = null;
    this.busy = true;
    try {
      const { status, data } = await detail.answer(request.url);
      if (status === 503 && !this.wanted && request.url === this.asked) {
        // Others' requests come first: what is shown stays, and this one is asked again.
        await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE));
        if (!this.wanted && request.url === this.asked) this.wanted = request;
        return;
      }
      if (status === 200 && !this.wanted && request.url === this.asked) {
        this.tile = request.toTile(data, request.tables);
        this.redraw();
      }
    } catch {
      // The server is gone or restarting: the figure's own raster stays.
    } finally {
      this.busy = false;
      if (this.wanted) this.fetch();
    }
  }

  /** Draw the tile where it belongs under the present axes. */
  paint(context, look) {
    const frame = frameOf(this.panel.figure, "xy");
    if (!frame || !this.tile) return;
    const { image, box: [left, top, right, bottom], note } = this.tile;
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    context.imageSmoothingEnabled = false;
    const x = frame.x(left), y = frame.y(top);
    context.drawImage(image, x, y, frame.x(right) - x, frame.y(bottom) - y);
    context.restore();
    context.fillStyle = look.text;
    context.font = `11px ${look.font}`;
    context.textAlign = "right";
    context.textBaseline = "bottom";
    context.fillText(note, frame.left + frame.width, frame.top - 3);
  }
}

/** Exact pixels of a picture that is drawn reduced, once few enough of them are in view. */
export function pixelRequest(scene, trace, { left, right, top, bottom }) {
  const [height, width] = scene.spec.inputSize, { channels } = scene.spec;
  const shown = trace.dx ?? 1;
  const box = {
    top: Math.max(0, Math.floor(top + 0.5)), left: Math.max(0, Math.floor(left + 0.5)),
  };
  box.height = Math.min(height, Math.ceil(bottom + 0.5)) - box.top;
  box.width = Math.min(width, Math.ceil(right + 0.5)) - box.left;
  const own = { left: (trace.x0 ?? 0) - shown / 2, top: (trace.y0 ?? 0) - shown / 2 };
  const inside = trace.meta && left >= own.left - NEAR && top >= own.top - NEAR
    && right <= own.left + trace.meta.columns * shown + NEAR && bottom <= own.top + trace.meta.rows * shown + NEAR;
  if ((shown === 1 && inside) || box.height < 1 || box.width < 1) return null;
  if (box.height * box.width * channels > MOST_PIXELS) return null;
  return {
    url: `rfviz/pixels/${scene.token}?${new URLSearchParams(box)}`,
    toTile: (bytes) => ({
      image: pixelImage(bytes, box, channels),
      box: [box.left - 0.5, box.top - 0.5, box.left + box.width - 0.5, box.top + box.height - 0.5],
      note: "every pixel",
    }),
  };
}

function pixelImage(bytes, { height, width }, channels) {
  const image = new ImageData(width, height), plane = height * width;
  for (let i = 0; i < plane; i += 1) {
    for (let k = 0; k < 3; k += 1) image.data[4 * i + k] = bytes[i + (channels === 3 ? k * plane : 0)];
    image.data[4 * i + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Entries of the columns in view, or their means where there are more than can be drawn. */
export function columnRequest({ matrixToken, columnShape }, trace, { left, right }) {
  const [nRows, nColumns] = columnShape;
  const first = Math.max(0, Math.floor(left + 0.5)), last = Math.min(nColumns, Math.ceil(right + 0.5));
  const step = trace.dx ?? 1, start = (trace.x0 ?? 0) - step / 2;
  const inside = left >= start - step && right <= start + trace.z[0].length * step + step;
  const asFine = step <= Math.max(1, (last - first) / GOOD_CELLS) * 1.01;
  if ((inside && asFine) || last <= first) return null;
  const cells = Math.min(MOST_CELLS, last - first), bins = Math.min(nRows, 363);
  const query = new URLSearchParams({
    first, last, height: bins, width: cells,
  });
  const mean = (last - first) / cells;
  return {
    url: `rfviz/columns/${matrixToken}?${query}`,
    toTile: (bytes, tables) => ({
      image: raster(bytes, cells, bins, tables.greys, 0, 255),
      box: [first - 0.5, -0.5, last - 0.5, nRows - 0.5],
      note: `columns ${grouped(first)} to ${grouped(last - 1)}, ${mean > 1 ? `means of ${grouped(Number(mean.toPrecision(3)))} columns` : "every entry"}`,
    }),
  };
}
