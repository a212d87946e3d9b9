// Where the panels of a page stand inside the explorer: rows of stacks side by side, one below the
// other where there is little room. A panel that the layout does not name stays where Streamlit
// has put it.

import { element } from "./page.js";

/** Narrower than this, panels stand one below the other, in pixels. */
const NARROW = 640;

// Rules of CSS could do the same by what an element holds and how wide it is; but then the browser
// looks at all panels anew whenever one of them changes, which a pointer makes 60 times a second.
export class Grid {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.host = element("div", { class: "rfviz-grid" }, root);
    this.slots = new Map();
    this.resizing = new ResizeObserver(() => {
      this.host.classList.toggle("rfviz-narrow", this.host.clientWidth < NARROW);
    });
    this.resizing.observe(this.host);
  }

  /**
   * Make room for the panels of a layout; nothing moves while the layout stays the same.
   * @param {{names: string[], width: number}[][]} rows
   */
  lay(rows) {
    const layout = JSON.stringify(rows);
    if (layout === this.layout) return;
    this.layout = layout;
    const before = [...this.host.children];
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
    this.refresh();
  }

  /** Places with neither a panel nor a message take no room. */
  refresh() {
    for (const slot of this.slots.values()) slot.hidden = !slot.firstChild && !slot.dataset.message;
    for (const row of this.host.children) row.hidden = !row.querySelector(".rfviz-slot:not([hidden])");
  }

  /** Say in the place of each panel that has not come yet what it waits for. */
  announce(expected) {
    for (const [name, slot] of this.slots) slot.dataset.message = expected[name]?.message ?? "";
    this.refresh();
  }

  /** Put a panel in its place, unless it is there. @param {import("./panel.js").Panel} panel */
  place(panel) {
    const home = this.slots.get(panel.header?.name) ?? panel.root;
    if (panel.host.parentElement === home) return;
    home.append(panel.host);
    this.refresh();
  }
}
