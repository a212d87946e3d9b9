// The picture.

import { pixelRequest } from "../draw/tiles.js";
import { paddingMarks, pixelAt, pixelMarks } from "../laws/links.js";
import { TiledPanel } from "./tiled_panel.js";

export class InputPanel extends TiledPanel {
  static showsPixels = true;
  static reads = "spec";
  static pointedAt = pixelAt;
  static marksOf = pixelMarks;
  static request = pixelRequest;

  preview({ scene, pointed }) {
    this.paint([...paddingMarks(scene.spec), ...pixelMarks(pointed, scene)]);
  }
}
