// The column matrix, or the part of it around the chosen column.

import { columnsMap } from "../draw/preview_maps.js";
import { sketchMap } from "../draw/sketch.js";
import { columnRequest } from "../draw/tiles.js";
import { columnEntryAt, columnMarks } from "../laws/links.js";
import { TiledPanel } from "./tiled_panel.js";

export class ColumnsPanel extends TiledPanel {
  static reads = "spec";
  static pointedAt = columnEntryAt;
  static marksOf = columnMarks;
  static request = columnRequest;

  sketch({ scene, live, pixels, tables }) {
    const map = columnsMap(scene, live.position, pixels, tables);
    this.paintUnder((context, look) => sketchMap(context, this.figure, map, look), {}, "sketch");
  }
}
