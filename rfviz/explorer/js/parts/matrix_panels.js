// The two other matrices of the product: the weights, a row for each filter, and the outputs.

import { productAt, productMarks, weightAt, weightMarks } from "../laws/links.js";
import { Panel } from "./panel.js";

export class WeightsPanel extends Panel {
  static reads = "spec";
  static pointedAt = weightAt;
  static marksOf = weightMarks;
}

export class ProductPanel extends Panel {
  static reads = "spec";
  static pointedAt = productAt;
  static marksOf = productMarks;
}
