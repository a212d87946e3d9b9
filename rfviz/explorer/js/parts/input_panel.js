// The picture.

import { frameOf } from "../draw/axes.js";
import { pixelRequest } from "../draw/tiles.js";
import { source } from "../laws/geometry.js";
import { paddingMarks, pixelAt, pixelMarks } from "../laws/links.js";
import { TiledPanel } from "./tiled_panel.js";

/** A picture of more pixels along a side has no cell large enough for a number. */
const MOST_NUMBERED = 64;

export class InputPanel extends TiledPanel {
  static showsPixels = true;
  static reads = "spec";
  static pointedAt = pixelAt;
  static marksOf = pixelMarks;
  static request = pixelRequest;

  /** Pixels of a grey picture, once they are held and drawn one by one; padding as what stands in it. */
  numbersFrom({ pixels }) {
    return pixels;
  }

  cells({ pixels, scene }) {
    const trace = this.figure.data?.[0], { spec, divisor, white } = scene;
    const whole = pixels && pixels.top === 0 && pixels.left === 0 && spec.inputSize[0] === pixels.height && spec.inputSize[1] === pixels.width;
    if (!whole || spec.channels !== 1 || (trace?.dx ?? 1) !== 1 || Math.max(...spec.inputSize) > MOST_NUMBERED) return [];
    const [[top, bottom], [left, right]] = spec.pads, [height, width] = spec.inputSize;
    const frame = frameOf(this.figure, "xy");
    if (!frame) return [];
    const ends = { left: frame.x(-left - 0.5), right: frame.x(width + right - 0.5), top: frame.y(-top - 0.5), bottom: frame.y(height + bottom - 0.5) };
    const at = (row, column) => {
      const from = [source(row, height, spec.mode), source(column, width, spec.mode)];
      return from.includes(-1) ? 0 : pixels.data[from[0] * width + from[1]] / divisor;
    };
    return [{
      place: { left: ends.left, top: ends.top, width: ends.right - ends.left, height: ends.bottom - ends.top },
      rows: [-top, height + bottom], columns: [-left, width + right], value: at,
      textOn: (value) => (value > 0.55 * white ? "#1b1f24" : "#ffffff"),
    }];
  }

  preview({ scene, pointed }) {
    this.paint([...paddingMarks(scene.spec), ...pixelMarks(pointed, scene)]);
  }
}
