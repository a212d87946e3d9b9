// The receptive field magnified: pixels, weights and products, a map each for every channel.

import { paintPatch } from "../draw/patch_vector.js";
import { grouped, shortNumber } from "../laws/numbers.js";
import { tapAt } from "../laws/links.js";
import { WorkedPanel } from "./worked_panel.js";

/** plotly's name of the subplot that a trace is drawn in. */
const subplotOf = (trace) => `${trace.xaxis ?? "x"}${trace.yaxis ?? "y"}`;

export class PatchPanel extends WorkedPanel {
  show(frame) {
    super.show(frame);
    const { live, confirmed, scene, hidden } = frame;
    if (!this.stage || hidden) return;
    const n = grouped(scene.weights.length), bias = scene.filter.bias ? " and the bias" : "";
    const sum = live ? shortNumber(live.sum, 7) : null;
    if (confirmed) this.heading.textContent = this.titleOnStage();
    else this.heading.textContent = sum === null ? "…" : `${n} products${bias}, sum ${sum}`;
  }

  static pointedAt = tapAt;
  static paintValues = paintPatch;

  placeOf(event) {
    const place = super.placeOf(event);
    return place && { ...place, tap: this.tapUnder(place) };
  }

  /** (channel, kernel row, kernel column) under a place in one of the maps. */
  tapUnder({ subplot, x, y }) {
    const traces = this.figure.data;
    const index = traces.findIndex((trace) => subplotOf(trace) === subplot);
    const { x0 = 0, dx = 1, y0 = 0, dy = 1 } = traces[index];
    const channel = index % (traces.length / 3);
    return [channel, Math.round((y - y0) / dy), Math.round((x - x0) / dx)];
  }

  entryMarks(own, [height, width]) {
    const traces = this.figure.data ?? [], shown = traces.length / 3;
    const channel = Math.floor(own / (height * width));
    const row = Math.floor(own / width) % height, column = own % width;
    return traces.flatMap((trace, index) => {
      if (index % shown !== channel) return [];
      const { x0 = 0, dx = 1, y0 = 0, dy = 1 } = trace;
      const x = x0 + column * dx, y = y0 + row * dy;
      const box = [x - dx / 2, y - dy / 2, x + dx / 2, y + dy / 2];
      return [{ role: "chosen", subplot: subplotOf(trace), boxes: [box] }];
    });
  }
}
