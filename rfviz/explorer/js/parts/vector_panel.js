// The receptive field as a vector, an entry a bar.

import { frameOf } from "../draw/axes.js";
import { paintVector } from "../draw/patch_vector.js";
import { vectorEntryAt } from "../laws/links.js";
import { WorkedPanel } from "./worked_panel.js";

export class VectorPanel extends WorkedPanel {
  static pointedAt = vectorEntryAt;
  static paintValues = paintVector;

  entryMarks(own) {
    const frame = frameOf(this.figure, "xy");
    if (!frame) return [];
    const top = frame.dataY(frame.top), bottom = frame.dataY(frame.top + frame.height);
    return [{ role: "read", boxes: [[own - 0.5, top, own + 0.5, bottom]] }];
  }
}
