// The two other matrices of the product: the weights, a row for each filter, and the outputs.

import { writeNumbers } from "../draw/cells.js";
import { frameOf } from "../draw/axes.js";
import { rasterOf, styleOf } from "../draw/scales.js";
import { productAt, productMarks, weightAt, weightMarks } from "../laws/links.js";
import { filtersAround } from "../laws/matrix_window.js";
import { followsColumns } from "./follows_columns.js";
import { typeOnStage } from "./lecture.js";
import { page } from "./page.js";
import { Panel } from "./panel.js";
import { MOST_FILTERS } from "./stage_grid.js";

/** The filters in view, the same beside each other in both matrices. */
function filtersInView() {
  const filter = page.conductor?.scene?.filter;
  return filter ? filtersAround(filter, MOST_FILTERS) : undefined;
}

export class WeightsPanel extends Panel {
  static reads = "spec";
  static titled = false;
  static pointedAt = weightAt;
  static marksOf = weightMarks;

  viewOnStage() {
    return { rows: filtersInView() };
  }
}

export class ProductPanel extends followsColumns(Panel) {
  static reads = "spec";
  static titled = false;
  static pointedAt = productAt;
  static marksOf = productMarks;

  viewOnStage() {
    return { ...super.viewOnStage(), rows: filtersInView() };
  }

  paintColumns(context, { matrix, tables }) {
    const frame = frameOf(this.figure, "xy"), trace = this.figure.data?.[0];
    if (!frame || !trace || !matrix.outputs) return;
    const { columns, outputs, filters } = matrix, n = columns[1] - columns[0], rows = filters[1] - filters[0];
    const table = tables.diverging, { zmin, zmax } = trace;
    context.imageSmoothingEnabled = false;
    context.drawImage(rasterOf(outputs, n, rows, () => table, zmin, zmax), frame.left, frame.top, frame.width, frame.height);
    writeNumbers(context, {
      place: frame, rows: [0, rows], columns: [0, n], value: (row, column) => outputs[row * n + column],
      textOn: (value) => styleOf(table, value, zmin, zmax).text,
    }, this.theme.font, typeOnStage());
  }
}
