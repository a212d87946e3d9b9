// The picture's bytes around what is pointed at, fetched from the app's own server when needed: all
// of a small picture, a window of a large one. One request at a time; a stale answer is dropped.

import { detail } from "../detail.js";
import { outputSize, reach, receptiveField, source } from "../laws/geometry.js";

const WHOLE = 800_000, MOST = 2_000_000;
const PINNED_MARGIN = 128;
const HOVER_MARGIN = 32;

export class PixelWindow {
  /** @param {() => void} onArrival called when a window has come */
  constructor(onArrival) {
    this.onArrival = onArrival;
    this.window = null;
    this.token = null;
    this.wanted = null;
    this.busy = false;
  }

  /** The window held, if it is of this picture. */
  of(token) {
    return this.token === token ? this.window : null;
  }

  /**
   * Ask for the window around a position, or around all outputs of some columns of the matrix that
   * hold it; at most one request is under way.
   */
  want(scene, position, pinned, columns = null) {
    const margin = pinned ? PINNED_MARGIN : HOVER_MARGIN;
    const ends = columns && endsOf(scene.spec, columns);
    const wide = ends && boxAround(scene.spec, ends, margin);
    const box = wide && wide.height * wide.width * scene.spec.channels <= MOST ? wide : boxAround(scene.spec, [position, position], margin);
    const held = this.of(scene.token);
    // Padding that wraps round reads pixels far away: no window around the position has them.
    if (held && Object.keys(box).every((side) => box[side] === held[side])) return;
    this.wanted = { token: scene.token, box, channels: scene.spec.channels };
    if (!this.busy) this.fetch();
  }

  async fetch() {
    const { token, box, channels } = this.wanted;
    this.wanted = null;
    this.busy = true;
    try {
      const query = new URLSearchParams(box);
      const { status, data } = await detail.answer(`rfviz/pixels/${token}?${query}`);
      if (status !== 200) return;
      this.token = token;
      this.window = { ...box, channels, data };
    } catch {
      // The server is gone or restarting; the next position asks again.
      return;
    } finally {
      this.busy = false;
      if (this.wanted) this.fetch();
    }
    this.onArrival();
  }
}

/** The outputs at the corners of what some columns of the matrix are of. */
function endsOf(spec, [first, last]) {
  const [, width] = outputSize(spec), row = Math.floor(first / width), to = Math.floor((last - 1) / width);
  const whole = row !== to;
  return [[row, whole ? 0 : first % width], [to, whole ? width - 1 : (last - 1) % width]];
}

/** The part of the picture to hold, from one output to another: all of it where it is small. */
function boxAround(spec, [from, to], margin) {
  const [height, width] = spec.inputSize;
  if (height * width * spec.channels <= WHOLE) return { top: 0, left: 0, height, width };
  const upTo = receptiveField(spec, to);
  const sides = receptiveField(spec, from).map((taps, axis) => {
    const size = spec.inputSize[axis];
    const ends = [taps.start, upTo[axis].start + reach(spec, axis) - 1]
      .map((end) => source(end, size, "replicate"));
    const first = Math.max(0, ends[0] - margin), last = Math.min(size, ends[1] + 1 + margin);
    return [first, last - first];
  });
  return { top: sides[0][0], left: sides[1][0], height: sides[0][1], width: sides[1][1] };
}
