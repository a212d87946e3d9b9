// A feature map.

import { featureMap } from "../draw/preview_maps.js";
import { sketchMap } from "../draw/sketch.js";
import { outputAt, outputMarks } from "../laws/links.js";
import { Panel } from "./panel.js";

export class OutputPanel extends Panel {
  static reads = "spec";
  static pointedAt = outputAt;
  static marksOf = outputMarks;

  sketch({ scene, live, pixels, tables }) {
    const map = featureMap(scene, live.position, pixels, tables);
    if (map) this.paintUnder((context, look) => sketchMap(context, this.figure, map, look), {}, "sketch");
  }
}
