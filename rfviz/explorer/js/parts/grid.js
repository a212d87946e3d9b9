// Where the panels of a page stand inside the explorer: rows of stacks side by side, one below the
// other where there is little room. A panel that the layout does not name stays where Streamlit
// has put it.

import { element, page } from "./page.js";
import { StageGrid } from "./stage_grid.js";

/** The layout of one screen, which needs more than rows of stacks. */
const STAGE = "stage";

export class Grid {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.host = element("div", { class: "rfviz-grid" }, root);
    this.slots = new Map();
  }

  /**
   * Make room for the panels of a layout; nothing moves while the layout stays the same.
   * @param {{names: string[], width: number}[][] | "stage"} rows
   */
  lay(rows) {
    const layout = JSON.stringify(rows);
    if (layout === this.layout) return;
    this.layout = layout;
    this.stage?.remove();
    this.stage = null;
    const before = [...this.host.children];
    if (rows === STAGE) {
      this.stage = new StageGrid(this.host, () => {
        for (const each of page.panels.values()) each.restage();
      });
      this.slots = this.stage.slots;
      for (const row of before) row.remove();
      return;
    }
    this.slots = new Map();
    for (const stacks of rows) {
      const row = element("div", { class: "rfviz-row" }, this.host);
      const widths = stacks.map(({ width }) => `minmax(0, ${width}fr)`);
      row.style.setProperty("--rfviz-widths", widths.join(" "));
      for (const { names } of stacks) {
        const stack = element("div", { class: "rfviz-stack" }, row);
        for (const name of names) this.slots.set(name, element("div", { class: "rfviz-slot" }, stack));
      }
    }
    for (const row of before) row.remove();
  }

  /** Say in the place of each panel that has not come yet what it waits for. */
  announce(expected) {
    for (const [name, slot] of this.slots) slot.dataset.message = expected[name]?.message ?? "";
  }

  /** Put a panel in its place, unless it is there. @param {import("./panel.js").Panel} panel */
  place(panel) {
    const home = this.slots.get(panel.header?.name) ?? panel.root;
    if (panel.host.parentElement !== home) home.append(panel.host);
  }
}
