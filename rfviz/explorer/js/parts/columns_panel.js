// The column matrix, or the part of it around the chosen column. On the stage it follows what is
// pointed at: columns that the server's figure does not hold are worked out here.

import { cellsOf, ruleMatrix, writeNumbers } from "../draw/cells.js";
import { frameOf } from "../draw/axes.js";
import { columnsMap } from "../draw/preview_maps.js";
import { rasterOf, styleOf } from "../draw/scales.js";
import { sketchMap } from "../draw/sketch.js";
import { channelStops, channelTables } from "../draw/stage_look.js";
import { columnRequest } from "../draw/tiles.js";
import { nRowsOf, outputSize, tapsOf } from "../laws/geometry.js";
import { columnEntryAt, columnMarks } from "../laws/links.js";
import { followsColumns } from "./follows_columns.js";
import { typeOnStage } from "./lecture.js";
import { TiledPanel } from "./tiled_panel.js";

export class ColumnsPanel extends followsColumns(TiledPanel) {
  static reads = "spec";
  static titled = false;
  static pointedAt = columnEntryAt;
  static marksOf = columnMarks;
  static request = columnRequest;

  sketch({ scene, live, pixels, tables }) {
    const map = columnsMap(scene, live.position, pixels, tables);
    this.paintUnder((context, look) => sketchMap(context, this.figure, map, look), {}, "sketch");
  }

  viewOnStage() {
    const view = super.viewOnStage(), scene = this.sceneDrawn();
    if (!scene) return view;
    const { channels } = scene.spec, taps = tapsOf(scene.spec);
    // Grey rows of many channels have one scale, the figure's own.
    const stops = channels === 3 ? channelStops(channels) : [];
    return { ...view, tints: stops.map((each, channel) => ({ first: channel * taps, last: (channel + 1) * taps, stops: each })) };
  }

  /** The matrix as it is laid out on the stage. */
  matrixOf(scene, [first, last]) {
    const { spec } = scene;
    return { first, last, nRows: nRowsOf(spec), taps: tapsOf(spec), outputWidth: outputSize(spec)[1] };
  }

  rule(context, { scene, hidden }) {
    const frame = frameOf(this.figure, "xy");
    if (!frame || !this.view?.columns) return;
    ruleMatrix(context, frame, this.matrixOf(scene, this.view.columns), this.look(), !hidden);
  }

  look() {
    return { text: this.theme.text, font: this.theme.font, line: "#8a8a8a" };
  }

  paintColumns(context, { scene, matrix, hidden }) {
    const frame = frameOf(this.figure, "xy");
    if (!frame) return;
    const { columns, inputs } = matrix, shape = this.matrixOf(scene, columns), n = columns[1] - columns[0];
    const tables = channelTables(scene.spec.channels), high = scene.white;
    const tableAt = (row) => tables[Math.floor(row / shape.taps)];
    context.imageSmoothingEnabled = false;
    context.drawImage(rasterOf(inputs, n, shape.nRows, tableAt, 0, high), frame.left, frame.top, frame.width, frame.height);
    writeNumbers(context, {
      place: frame, rows: [0, shape.nRows], columns: [0, n], value: (row, column) => inputs[row * n + column],
      textOn: (value, row) => styleOf(tableAt(row), value, 0, high).text,
    }, this.theme.font, typeOnStage());
    ruleMatrix(context, frame, shape, this.look(), !hidden);
  }

  cells() {
    const trace = this.figure.data?.[0];
    const cells = trace && cellsOf(this.figure, trace), scene = this.sceneDrawn();
    if (!cells || !scene) return [];
    const tables = channelTables(scene.spec.channels), taps = tapsOf(scene.spec);
    const { zmin, zmax } = trace;
    return [{ ...cells, textOn: (value, row) => styleOf(tables[Math.floor(row / taps)] ?? tables[0], value, zmin, zmax).text }];
  }
}
