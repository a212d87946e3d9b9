// One class for each kind of panel, by the name that the server gives the kind.

import { ColumnsPanel } from "./columns_panel.js";
import { InputPanel } from "./input_panel.js";
import { ProductPanel, WeightsPanel } from "./matrix_panels.js";
import { OutputPanel } from "./output_panel.js";
import { Panel } from "./panel.js";
import { PatchPanel } from "./patch_panel.js";
import { FieldsPanel, GrowthPanel } from "./stack_panels.js";
import { VectorPanel } from "./vector_panel.js";

export const KINDS = {
  columns: ColumnsPanel,
  fields: FieldsPanel,
  growth: GrowthPanel,
  input: InputPanel,
  output: OutputPanel,
  patch: PatchPanel,
  product: ProductPanel,
  vector: VectorPanel,
  weights: WeightsPanel,
};

/** The class of a kind; a panel of none is linked to nothing. */
export function classOf(kind) {
  return KINDS[kind] ?? Panel;
}
