// The stage in a lecture: one key hides all but the stage, with type that is read from the last row;
// digits enlarge a panel; H hides the answers and R reveals them. Keys count wherever nothing is typed.

import { page } from "./page.js";

const ROOT = document.documentElement.classList;
const LECTURE = "rfviz-lecture", HIDDEN = "rfviz-answers-hidden", ENLARGED = "rfviz-enlarged";

/** Is the lecture view on? */
export const lectures = () => ROOT.contains(LECTURE);

/** Type of figures on the stage, in pixels. */
export const typeOnStage = () => (lectures() ? 18 : 12);

export class Lecture {
  /** @param {import("./stage_grid.js").StageGrid} stage */
  constructor(stage) {
    this.stage = stage;
    this.listen = (event) => this.key(event);
    document.addEventListener("keydown", this.listen);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable]")) return;
    const slots = [...this.stage.slots.values()];
    if (event.key === "l" || event.key === "L") this.turn(LECTURE);
    else if (event.key === "h" || event.key === "H") ROOT.add(HIDDEN);
    else if (event.key === "r" || event.key === "R") ROOT.remove(HIDDEN);
    else if (event.key === "Escape") this.enlarge(null);
    else if (slots[Number(event.key) - 1]) this.enlarge(slots[Number(event.key) - 1]);
  }

  turn(name) {
    ROOT.toggle(name);
    this.stage.measure();
    for (const each of page.panels.values()) each.restage();
  }

  /** Make one panel as large as the window, or as it was if it is that. @param {HTMLElement | null} slot */
  enlarge(slot) {
    for (const each of this.stage.slots.values()) {
      each.classList.toggle(ENLARGED, each === slot && !each.classList.contains(ENLARGED));
    }
  }

  remove() {
    document.removeEventListener("keydown", this.listen);
    ROOT.remove(LECTURE, HIDDEN);
  }
}
