// The browser's half of the linked view. Two kinds of components mount here: panels, each one
// plotly figure with its highlights, and one conductor a page, which knows the chosen position,
// hands the highlights to the panels and is the only one to talk to the server.
//
// Streamlit calls a component again at every rerun, on the same element: the instance is kept on
// that element and updated, so that a figure is never taken down while parameters change.

import { locate } from "./axes.js";
import { drawMarks } from "./marks.js";
import { decode } from "./payload.js";

/** Panels of this page by name, and the conductor; cleared as they unmount. */
const page = { panels: new Map(), conductor: null, mounts: 0 };

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

function element(tag, attributes, parent) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.append(node);
  return node;
}

/** @param {any} component what Streamlit passes */
export function panel(component, base) {
  const root = component.parentElement;
  root.rfvizPanel ??= new Panel(root, base);
  root.rfvizPanel.update(decode(component.data));
  return () => root.rfvizPanel?.remove();
}

/** @param {any} component what Streamlit passes */
export function conductor(component) {
  const root = component.parentElement;
  root.rfvizConductor ??= new Conductor(root);
  root.rfvizConductor.update(component);
  return () => root.rfvizConductor?.remove();
}

/** Colours and font of the app's present theme, light or dark. */
function themeOf(node) {
  const style = getComputedStyle(node);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const text = read("--st-text-color", "#222222");
  return {
    text,
    font: read("--st-font", "sans-serif"),
    background: read("--st-background-color", "#ffffff"),
    grid: read("--st-border-color", "#dddddd"),
    accent: read("--st-primary-color", "#b8005c"),
  };
}

class Panel {
  constructor(root, base) {
    this.root = root;
    this.host = element("div", { class: "rfviz-panel", tabindex: "0", role: "group" }, root);
    this.figure = element("div", { class: "rfviz-figure" }, this.host);
    this.canvas = element("canvas", { class: "rfviz-overlay", "aria-hidden": "true" }, this.host);
    this.veil = element("div", { class: "rfviz-veil", role: "status" }, this.host);
    this.base = base;
    this.marks = [];
    this.draws = 0;
    this.drawing = null;
    page.mounts += 1;
    this.host.dataset.mounts = String(page.mounts);
    this.listen();
  }

  listen() {
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.host);
    // The theme changes by a new class on Streamlit's wrapper, without a new call of ours.
    this.theming = new MutationObserver(() => this.retheme());
    const wrapper = this.root.closest(".stBidiComponent");
    for (let node = this.root; node && node !== wrapper?.parentElement; node = node.parentElement) {
      this.theming.observe(node, { attributes: true, attributeFilter: ["class", "style"] });
    }
    this.host.addEventListener("pointerdown", (event) => this.press(event), true);
    this.host.addEventListener("keydown", (event) => this.key(event));
  }

  /** A press and release at one place is a click; anything longer is plotly's pan or zoom. */
  press(down) {
    if (down.button !== 0 || down.target.closest(".modebar")) return;
    const release = (up) => {
      const moved = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY);
      if (up.type === "pointerup" && moved < 5) this.click(up);
      window.removeEventListener("pointerup", release, true);
      window.removeEventListener("pointercancel", release, true);
    };
    window.addEventListener("pointerup", release, true);
    window.addEventListener("pointercancel", release, true);
  }

  click(event) {
    const box = this.figure.getBoundingClientRect();
    const place = locate(this.figure, event.clientX - box.left, event.clientY - box.top);
    if (place && this.header?.clickable) page.conductor?.click(this.header.name, place);
  }

  key(event) {
    if (page.conductor?.key(event)) event.preventDefault();
  }

  update(header) {
    if (this.header?.name && this.header.name !== header.name) page.panels.delete(this.header.name);
    this.header = header;
    page.panels.set(header.name, this);
    this.host.style.height = `${header.height}px`;
    this.host.dataset.testid = `rfviz-panel-${header.name}`;
    this.host.setAttribute("aria-label", header.alt);
    if (header.revision !== this.drawnRevision) this.draw();
    else this.settle();
  }

  /** Draw the newest figure; one that arrives while another is being drawn waits its turn. */
  async draw() {
    if (this.drawing) return;
    this.drawing = true;
    try {
      const Plotly = await loadPlotly(new URL(this.header.plotly, document.baseURI).href);
      while (this.header && this.header.revision !== this.drawnRevision && this.root.isConnected) {
        const { revision } = this.header;
        await Plotly.react(this.figure, this.header.figure.data, this.layout(), CONFIG);
        this.drawnRevision = revision;
        this.afterDraw();
      }
    } finally {
      this.drawing = null;
    }
    this.settle();
  }

  afterDraw() {
    this.draws += 1;
    this.host.dataset.draws = String(this.draws);
    this.host.dataset.revision = this.drawnRevision;
    if (this.draws > 1) return;
    this.figure.on("plotly_relayout", () => this.drawMarks());
    this.figure.on("plotly_afterplot", () => this.drawMarks());
  }

  layout() {
    const theme = themeOf(this.root);
    const layout = { ...this.header.figure.layout };
    layout.font = { ...layout.font, color: theme.text, family: theme.font };
    layout.width = this.host.clientWidth;
    layout.height = this.host.clientHeight;
    layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : layout.dragmode ?? "pan";
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      layout[name] = { gridcolor: theme.grid, zerolinecolor: theme.grid, ...layout[name] };
    }
    return layout;
  }

  retheme() {
    if (!this.drawnRevision || !this.header) return;
    const theme = JSON.stringify(themeOf(this.root));
    if (theme === this.theme) return;
    this.theme = theme;
    this.drawnRevision = null;
    this.draw();
  }

  resize() {
    if (!this.drawnRevision || this.host.clientWidth === this.width) return;
    this.width = this.host.clientWidth;
    if (this.width === 0) return;
    this.drawnRevision = null;
    this.draw();
  }

  /** After anything changed: is the figure shown the one that the conductor expects? */
  settle() {
    this.width = this.host.clientWidth;
    this.theme ??= JSON.stringify(themeOf(this.root));
    const expected = page.conductor?.expected(this.header.name);
    const waiting = Boolean(expected && expected.revision !== this.drawnRevision);
    this.host.setAttribute("aria-busy", String(waiting));
    this.host.classList.toggle("rfviz-waiting", waiting);
    this.veil.textContent = waiting ? expected.message : "";
    this.drawMarks();
  }

  drawMarks() {
    if (!this.drawnRevision || !this.header) return;
    const theme = themeOf(this.root);
    const marks = [...(this.header.marks ?? []), ...(page.conductor?.marks(this.header.name) ?? [])];
    drawMarks(this.canvas, this.figure, marks, {
      accent: this.header.accent, halo: "rgba(255, 255, 255, 0.85)", quiet: theme.text,
    });
  }

  remove() {
    this.resizing.disconnect();
    this.theming.disconnect();
    if (page.panels.get(this.header.name) === this) page.panels.delete(this.header.name);
    window.Plotly?.purge(this.figure);
    this.root.rfvizPanel = null;
    this.header = null;
    this.host.remove();
  }
}

const CONFIG = {
  displaylogo: false,
  responsive: false,
  scrollZoom: false,
  doubleClick: "reset",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

const PLAY = "Play through all positions";

/** Paths in a box of 16 by 16: drawn, since not every font has these signs. */
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M12 3v10L4 8z",
  play: "M4 2v12l10-6z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M4 3v10l8-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};

/** Give a button its sign and its name. */
function dress(button, icon, label) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[icon]);
  drawing.append(path);
  button.replaceChildren(drawing);
  button.setAttribute("aria-label", label);
  button.title = label;
}

/** How long to wait for the server's answer before a further step is sent all the same. */
const PATIENCE = 3000;

const STEPS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

class Conductor {
  constructor(root) {
    this.root = root;
    this.host = element("div", { class: "rfviz-conductor", role: "group" }, root);
    this.host.dataset.testid = "rfviz-explorer";
    this.host.setAttribute("aria-label", "Chosen output position");
    this.build();
    page.conductor = this;
  }

  build() {
    const bar = element("div", { class: "rfviz-bar" }, this.host);
    this.button(bar, "first", "First position", () => this.go(0, 0));
    this.button(bar, "back", "Previous position", () => this.advance(-1));
    this.playing = this.button(bar, "play", PLAY, () => this.toggle());
    this.button(bar, "next", "Next position", () => this.advance(1));
    this.button(bar, "last", "Last position", () => this.go(Infinity, Infinity));
    this.speed = element("select", { "aria-label": "Speed of playing" }, bar);
    for (const [label, wait] of [["1 a second", 1000], ["3 a second", 333], ["fast", 90]]) {
      element("option", { value: String(wait) }, this.speed).textContent = label;
    }
    this.speed.value = "333";
    this.text = element("span", { class: "rfviz-position", "aria-live": "polite" }, bar);
    this.host.addEventListener("keydown", (event) => {
      if (event.target === this.speed) return;
      if (this.key(event)) event.preventDefault();
    });
  }

  button(parent, icon, label, act) {
    const node = element("button", { type: "button" }, parent);
    dress(node, icon, label);
    node.addEventListener("click", act);
    return node;
  }

  update(component) {
    this.component = component;
    this.data = component.data;
    this.waitingSince = 0;
    const [row, column] = this.data.position;
    this.host.dataset.outputRow = String(row);
    this.host.dataset.outputColumn = String(column);
    this.host.dataset.outputValue = String(this.data.value);
    this.host.dataset.state = "confirmed";
    this.text.textContent = this.data.sentence;
    for (const each of page.panels.values()) each.settle();
    if (this.target && (this.target[0] !== row || this.target[1] !== column)) this.send();
    else this.target = null;
  }

  marks(name) {
    return this.data?.marks[name] ?? [];
  }

  expected(name) {
    return this.data?.expected[name];
  }

  click(name, place) {
    this.component.setTriggerValue("click", { panel: name, ...place });
  }

  /** True if the key moved the position. */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return false;
    const [row, column] = this.target ?? this.data.position;
    const [rows, columns] = this.data.outputSize;
    const step = STEPS[event.key];
    if (step) {
      const length = event.shiftKey ? 10 : 1;
      this.go(row + step[0] * length, column + step[1] * length);
    } else if (event.key === "Home") this.go(event.shiftKey ? 0 : row, 0);
    else if (event.key === "End") this.go(event.shiftKey ? rows - 1 : row, columns - 1);
    else return false;
    return true;
  }

  /** On by so many positions in row-major order; false at either end. */
  advance(count) {
    const [rows, columns] = this.data.outputSize;
    const [row, column] = this.target ?? this.data.position;
    const next = row * columns + column + count;
    if (next < 0 || next >= rows * columns) return false;
    this.go(Math.floor(next / columns), next % columns);
    return true;
  }

  /** Choose a position; while the server still answers the last one, only the newest waits. */
  go(row, column) {
    const [rows, columns] = this.data.outputSize;
    const clamp = (value, size) => Math.max(0, Math.min(size - 1, value));
    this.target = [clamp(row, rows), clamp(column, columns)];
    if (performance.now() - this.waitingSince > PATIENCE) this.send();
  }

  send() {
    const [row, column] = this.target;
    const [shownRow, shownColumn] = this.data.position;
    if (row === shownRow && column === shownColumn) {
      this.target = null;
      return;
    }
    this.waitingSince = performance.now();
    this.component.setTriggerValue("move", { row, column });
  }

  toggle() {
    if (this.timer) this.pause();
    else this.play();
  }

  play() {
    dress(this.playing, "pause", "Pause");
    const tick = () => {
      // Waiting for the server is part of playing: positions are shown, never skipped.
      if (!this.target && !this.advance(1)) return this.pause();
      this.timer = setTimeout(tick, Number(this.speed.value));
    };
    tick();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    dress(this.playing, "play", PLAY);
  }

  remove() {
    this.pause();
    if (page.conductor === this) page.conductor = null;
    this.root.rfvizConductor = null;
    this.host.remove();
  }
}
