// The one menu of a panel on the stage: enlarge it, see all of it again, save it as a picture.

import { element } from "./page.js";

/** Pixels of a saved picture for each on screen. */
const SCALE = 2;

export class PanelMenu {
  /** @param {import("./panel.js").Panel} panel */
  constructor(panel) {
    this.panel = panel;
    this.host = element("details", { class: "rfviz-menu" }, panel.host);
    this.opener = element("summary", {}, this.host);
    this.opener.textContent = "⋯";
    this.list = element("div", { class: "rfviz-menu-list" }, this.host);
    this.item("Enlarge, or as before", () => panel.stage?.lecture.enlarge(panel.host.parentElement));
    this.item("Whole view", () => this.reset());
    this.item("Save as PNG", () => this.save("png"));
    this.item("Save as SVG", () => this.save("svg"));
    this.host.addEventListener("focusout", ({ relatedTarget }) => {
      if (!this.host.contains(relatedTarget)) this.host.open = false;
    });
    this.host.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.host.open = false;
      event.stopPropagation();
    });
  }

  /** Name it for those who listen. */
  name(alt) {
    this.opener.setAttribute("aria-label", `Menu: ${alt}`);
  }

  item(text, act) {
    const button = element("button", { type: "button" }, this.list);
    button.textContent = text;
    button.addEventListener("click", () => {
      this.host.open = false;
      act();
    });
  }

  reset() {
    this.panel.restage();
  }

  save(format) {
    const { clientWidth: width, clientHeight: height } = this.panel.host;
    const filename = `rfviz-${this.panel.header.name}`;
    window.Plotly.downloadImage(this.panel.figure, { format, filename, width, height, scale: format === "png" ? SCALE : 1 });
  }
}
