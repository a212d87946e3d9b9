// A panel: one plotly figure that is updated in place, with a canvas below it for values drawn live
// and one above it for highlights. What its places mean and what it shows of a position, its kind
// says: a class of its own for each, see kinds.js. A panel of no kind is linked to nothing.

import { locate } from "../draw/axes.js";
import { fitLabels, fitTitle } from "../draw/fitting.js";
import { cellsOf, writeNumbers } from "../draw/cells.js";
import { drawMarks, fit } from "../draw/marks.js";
import { onStage } from "../draw/stage_look.js";
import { wrapperOf } from "../streamlit_dom.js";
import { typeOnStage } from "./lecture.js";
import { element, page, themeOf } from "./page.js";
import { PanelMenu } from "./panel_menu.js";

/** The stage has a menu of its own for each panel. */
const STAGED = { displayModeBar: false };

const CONFIG = {
  displaylogo: false,
  responsive: false,
  scrollZoom: true,
  doubleClick: "reset",
  logging: 0,
  // plotly's own bar would offer to upload the chart, and with it a person's picture.
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

/** What stands above a panel whose figure, and so its title, is an answer that is not yet told. */
const HIDDEN = { output: "Feature map", patch: "Products and their sum", product: "" };

/** How far a pointer may move between press and release for it to be a click, in pixels. */
const STILL = 5;

/** Room that a map's axes and colour bar take beside it, and its title and axis above and below. */
const SIDES = 110, ENDS = 84, LEAST_HEIGHT = 180;

let plotly = null;

/** plotly.js, fetched once from the app's own server. */
function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error(`could not load ${url}`));
    document.head.append(script);
  });
  return plotly;
}

/** A mark so many columns further right. */
function shifted(mark, by) {
  if (!by) return mark;
  const move = ([left, top, right, bottom]) => [left + by, top, right + by, bottom];
  return { ...mark, boxes: mark.boxes.map(move) };
}

export class Panel {
  /** What a scene must have for this kind of panel to be linked to it; null where it never is. */
  static reads = null;

  /** Does its title stand above it on the stage? The matrices are named in the corner between them. */
  static titled = true;

  /** Are its places pixels of the picture? */
  static showsPixels = false;

  /**
   * What a place in the panel is in the scene; null where that is nothing.
   * @param {import("../laws/links.js").Place} place
   * @returns {any}
   */
  static pointedAt() {
    return null;
  }

  /** The highlights of what is pointed at. @returns {import("../draw/marks.js").Mark[]} */
  static marksOf() {
    return [];
  }

  constructor(root) {
    this.root = root;
    this.host = element("div", { class: "rfviz-panel", tabindex: "0", role: "group" }, root);
    this.under = element("canvas", { class: "rfviz-under", "aria-hidden": "true" }, this.host);
    this.figure = element("div", { class: "rfviz-figure" }, this.host);
    this.numbers = element("canvas", { class: "rfviz-overlay rfviz-numbers", "aria-hidden": "true" }, this.host);
    this.overlay = element("canvas", { class: "rfviz-overlay", "aria-hidden": "true" }, this.host);
    this.menu = new PanelMenu(this);
    this.heading = element("div", { class: "rfviz-title", "aria-hidden": "true" }, this.host);
    this.veil = element("div", { class: "rfviz-veil", role: "status" }, this.host);
    this.draws = 0;
    this.drawing = null;
    /** How many columns further right than by its axes what is shown stands: see the matrices. */
    this.shift = 0;
    page.mounts += 1;
    this.host.dataset.mounts = String(page.mounts);
    this.theme = themeOf(root);
    this.listen();
  }

  listen() {
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.host);
    // The theme changes by a new class on Streamlit's wrapper, without a new call of ours.
    this.theming = new MutationObserver(() => this.retheme());
    const wrapper = wrapperOf(this.root);
    for (let node = this.root; node && node !== wrapper?.parentElement; node = node.parentElement) {
      this.theming.observe(node, { attributes: true, attributeFilter: ["class", "style"] });
    }
    this.host.addEventListener("pointerdown", (event) => this.press(event), true);
    // The wheel scrolls the page; with Ctrl it zooms.
    this.host.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) event.stopPropagation();
    }, { capture: true, passive: true });
    this.host.addEventListener("pointermove", (event) => this.hover(event));
    this.host.addEventListener("pointerleave", () => page.conductor?.leave());
    this.host.addEventListener("keydown", (event) => {
      if (page.conductor?.key(event)) event.preventDefault();
    });
  }

  /** Where a pointer is in data coordinates; null outside the plots. */
  placeOf(event) {
    const box = this.figure.getBoundingClientRect();
    const place = locate(this.figure, event.clientX - box.left, event.clientY - box.top);
    return place && this.shift ? { ...place, x: place.x - this.shift } : place;
  }

  /** The stage that the panel stands on; null anywhere else. @returns {import("./stage_grid.js").StageGrid | null} */
  get stage() {
    const stage = page.conductor?.grid.stage ?? null;
    return stage?.host.contains(this.host) ? stage : null;
  }

  hover(event) {
    // A finger that scrolls the page points at nothing; it chooses by a tap.
    if (event.pointerType === "touch" || event.buttons || !this.header?.kind) return;
    page.conductor?.hover(this, this.placeOf(event), event.timeStamp);
  }

  /** A press and release at one place is a click; anything longer is plotly's pan or zoom. */
  press(down) {
    if (down.button !== 0 || down.target.closest(".modebar, button, .rfviz-menu")) return;
    this.host.focus({ preventScroll: true });
    const release = (up) => {
      const moved = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY);
      if (up.type === "pointerup" && moved < STILL) this.click(up);
      window.removeEventListener("pointerup", release, true);
      window.removeEventListener("pointercancel", release, true);
    };
    window.addEventListener("pointerup", release, true);
    window.addEventListener("pointercancel", release, true);
  }

  click(event) {
    const place = this.placeOf(event);
    if (place && this.header?.kind) page.conductor?.click(this, place);
    if (place && this.header?.choosesCells) {
      this.component.setTriggerValue("cell", { row: Math.round(place.y), column: Math.round(place.x) });
    }
  }

  update(header, component) {
    this.component = component;
    if (this.header?.name && this.header.name !== header.name) page.panels.delete(this.header.name);
    this.header = header;
    page.panels.set(header.name, this);
    page.conductor?.grid.place(this);
    this.fitHeight();
    this.host.dataset.testid = `rfviz-panel-${header.name}`;
    this.host.setAttribute("aria-label", header.alt);
    this.menu.name(header.name);
    this.host.dataset.kind = header.kind ?? "";
    if (header.revision !== this.drawnRevision) this.draw();
    else this.settle();
  }

  /** As high as the figure may be, but for a map no higher than its width lets it become. */
  fitHeight() {
    this.host.classList.toggle("rfviz-staged", Boolean(this.stage));
    if (this.stage) {
      this.title = { text: "", more: 0, below: 0, narrow: false };
      this.heading.textContent = this.titleOnStage();
      this.host.style.height = "100%";
      return;
    }
    const { height, aspect } = this.header, width = this.host.clientWidth;
    const needed = aspect && width ? Math.max(LEAST_HEIGHT, (width - SIDES) * aspect + ENDS) : height;
    this.title = fitTitle(this.header.figure.layout.title?.text ?? "", width);
    this.host.classList.toggle("rfviz-narrow", this.title.narrow);
    this.host.style.height = `${Math.round(Math.min(height, needed) + this.title.below)}px`;
  }

  /** What stands above the figure on the stage. */
  titleOnStage() {
    if (!this.constructor.titled) return "";
    if (this.header.hidden) return HIDDEN[this.header.name] ?? "";
    const lines = this.header.figure.layout.title?.text ?? this.header.alt;
    const text = new DOMParser().parseFromString(lines.replaceAll("<br>", " "), "text/html").body.textContent;
    return text ?? "";
  }

  /** What of its figure is in view on the stage: see onStage. */
  viewOnStage() {
    return {};
  }

  /** The stage has changed: the figure is drawn for it. */
  restage() {
    if (!this.header || !this.drawnRevision) return;
    this.drawnRevision = null;
    this.draw();
  }

  /** Draw the newest figure; one that arrives while another is being drawn waits its turn. */
  draw() {
    this.drawing ??= this.drawNewest()
      .finally(() => { this.drawing = null; })
      .then(() => {
        this.settle();
        // A figure or another width may have come while this one was being drawn.
        this.resize();
        if (this.header && this.header.revision !== this.drawnRevision && this.root.isConnected) this.draw();
      });
  }

  async drawNewest() {
    const Plotly = await loadPlotly(new URL(this.header.plotly, document.baseURI).href);
    while (this.header && this.header.revision !== this.drawnRevision && this.root.isConnected) {
      const { revision } = this.header;
      // The width may have changed since the figure came: another place, or a narrower page.
      this.fitHeight();
      this.size = this.sizeNow();
      const { data, layout } = this.drawn();
      await Plotly.react(this.figure, data, layout, this.stage ? { ...CONFIG, ...STAGED } : CONFIG);
      if (!this.header) return;
      this.drawnRevision = revision;
      this.afterDraw();
    }
  }

  /** The figure's traces and its layout in this panel, of this size and theme. */
  drawn() {
    const layout = this.layout();
    if (!this.stage) return { data: this.header.figure.data, layout };
    this.view = this.viewOnStage();
    return onStage({ data: this.header.figure.data, layout }, this.header.name, this.view, typeOnStage());
  }

  sizeNow() {
    const { clientWidth, clientHeight } = this.host;
    // Off the stage a panel is as high as its width asks for.
    return this.stage ? `${clientWidth} ${clientHeight}` : `${clientWidth}`;
  }

  /** The revision of the figure that is drawn, at whatever size. */
  get shown() {
    return this.host.dataset.revision;
  }

  afterDraw() {
    this.draws += 1;
    this.numbersOf = null;
    this.host.dataset.draws = String(this.draws);
    this.host.dataset.revision = this.drawnRevision;
    this.repaint();
    if (this.draws > 1) return;
    for (const event of ["plotly_relayout", "plotly_relayouting", "plotly_afterplot"]) {
      this.figure.on(event, () => this.repaint());
    }
  }

  layout() {
    const { theme } = this;
    const layout = { ...this.header.figure.layout };
    layout.font = { ...layout.font, color: theme.text, family: theme.font };
    layout.title = { ...layout.title, text: this.title.text };
    if (this.title.more) layout.margin = { ...layout.margin, t: layout.margin.t + this.title.more };
    layout.width = this.host.clientWidth;
    layout.height = this.host.clientHeight;
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: theme.text, activecolor: this.header.accent };
    layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : layout.dragmode ?? "pan";
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      const axis = name.startsWith("x") ? fitLabels(layout[name], layout.width) : layout[name];
      layout[name] = { gridcolor: theme.grid, zerolinecolor: theme.grid, ...axis };
    }
    return layout;
  }

  retheme() {
    const theme = themeOf(this.root);
    if (!this.drawnRevision || !this.header || JSON.stringify(theme) === JSON.stringify(this.theme)) return;
    this.theme = theme;
    this.drawnRevision = null;
    this.draw();
  }

  resize() {
    if (!this.drawnRevision || !this.host.clientWidth || this.sizeNow() === this.size) return;
    this.drawnRevision = null;
    this.draw();
  }

  /** After anything changed: is the figure shown the one that the conductor expects? */
  settle() {
    if (!this.header) return;
    const expected = page.conductor?.expected(this.header.name);
    const { hidden, reveals } = this.header;
    const waiting = Boolean(!hidden && expected && expected.revision !== this.drawnRevision);
    this.host.setAttribute("aria-busy", String(waiting));
    this.host.classList.toggle("rfviz-waiting", waiting || Boolean(hidden));
    this.sayInstead(hidden || (waiting ? expected.message : ""), Boolean(hidden && reveals));
    page.conductor?.schedule();
  }

  /** A sentence in the place of the figure, maybe with a button that reveals the figure. */
  sayInstead(text, reveals) {
    const said = `${text} ${reveals}`;
    // The same again is left alone: the button may have the focus.
    if (said === this.said) return;
    this.said = said;
    this.veil.replaceChildren(text);
    if (!reveals) return;
    const button = element("button", { type: "button" }, this.veil);
    button.textContent = "Reveal";
    button.addEventListener("click", () => this.component.setTriggerValue("reveal", true));
  }

  repaint() {
    this.painted = null;
    this.numbersOf = null;
    page.conductor?.schedule();
  }

  /** Write numbers into cells that have room for them, once for each figure, view and picture. */
  number(frame) {
    if (!this.drawnRevision || !this.header || this.header.hidden || !this.stage) return;
    const of = this.numbersFrom(frame);
    if (of === this.numbersOf) return;
    this.numbersOf = of;
    const context = fit(this.numbers, this.figure);
    for (const cells of this.cells(frame)) writeNumbers(context, cells, this.theme.font, typeOnStage());
    this.rule(context, frame);
  }

  /** What the numbers are made of, beside the figure. */
  numbersFrom() {
    return this.figure;
  }

  /** Cells with numbers. @returns {import("../draw/cells.js").Cells[]} */
  cells() {
    return (this.figure.data ?? []).filter(({ type, hoverinfo }) => type === "heatmap" && hoverinfo !== "skip")
      .map((trace) => cellsOf(this.figure, trace)).filter(Boolean);
  }

  /** Lines between the cells. */
  rule() {}

  /**
   * Draw highlights, unless they are those already drawn.
   * @param {import("../draw/marks.js").Mark[]} marks
   */
  paint(marks) {
    if (!this.drawnRevision || !this.header || this.header.hidden) return;
    const key = JSON.stringify(marks);
    if (key === this.painted && this.shift === this.paintedShift) return;
    this.painted = key;
    this.paintedShift = this.shift;
    const all = [...(this.header.marks ?? []), ...marks].map((mark) => shifted(mark, this.shift));
    drawMarks(this.overlay, this.figure, all, {
      accent: this.header.accent, halo: "rgba(255, 255, 255, 0.85)", quiet: this.theme.text, font: this.theme.font,
    });
  }

  /** Draw the marks that stand still alone. @param {Record<string, any[]>} still by panel */
  rest(still) {
    this.paint(still[this.header?.name] ?? []);
    this.paintUnder(null);
  }

  /** Draw what a frame says of this panel. @param {any} frame see Conductor.frameFor */
  show(frame) {
    this.number(frame);
    this.paint(this.marksIn(frame));
    this.paintUnder(null);
  }

  /** Draw what a slider's release would bring, while it is dragged. */
  preview(frame) {
    if (frame.live && !frame.hidden) this.sketch(frame);
  }

  /** Draw the values of a frame in place of the server's, until its figure has come. */
  sketch() {}

  marksIn({ still, pointed, scene }) {
    return [...(still[this.header?.name] ?? []), ...this.constructor.marksOf(pointed, scene)];
  }

  /** @param {"live" | "sketch"} mode how much of the server's figure is hidden meanwhile */
  paintUnder(paint, look, mode) {
    if (!this.drawnRevision || !this.header || this.header.hidden) return;
    this.sketched = Boolean(paint) && mode === "sketch";
    this.host.classList.toggle("rfviz-live", Boolean(paint) && mode === "live");
    this.host.classList.toggle("rfviz-sketch", this.sketched);
    if (!paint && !this.underUsed) return;
    this.underUsed = Boolean(paint);
    const context = fit(this.under, this.figure);
    const { text, font } = this.theme;
    paint?.(context, { ...look, text, font, accent: this.header.accent });
  }

  remove() {
    this.resizing.disconnect();
    this.theming.disconnect();
    if (page.panels.get(this.header.name) === this) page.panels.delete(this.header.name);
    this.header = null;
    // A drawing under way still needs what purging takes away; it ends without another one.
    Promise.resolve(this.drawing).finally(() => window.Plotly?.purge(this.figure));
    this.host.remove();
  }
}
