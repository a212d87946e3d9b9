// The bar above the panels: buttons that step and play through the positions, the chosen position in
// words, and whether torch has confirmed its value.

import { element } from "./page.js";

const PLAY = "Play through all positions";

/** Names of the speeds, and how long each position stays, in ms. */
const SPEEDS = [["1 a second", 1000], ["3 a second", 333], ["fast", 40]];

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

export class Bar {
  /**
   * @param {HTMLElement} parent
   * @param {{go: (row: number, column: number) => void, advance: (count: number) => boolean,
   *          key: (event: KeyboardEvent) => boolean}} moves `advance` says whether there was room
   */
  constructor(parent, moves) {
    this.moves = moves;
    const bar = element("div", { class: "rfviz-bar", role: "group" }, parent);
    bar.setAttribute("aria-label", "Chosen output position");
    this.button(bar, "first", "First position", () => moves.go(0, 0));
    this.button(bar, "back", "Previous position", () => moves.advance(-1));
    this.playing = this.button(bar, "play", PLAY, () => this.toggle());
    this.button(bar, "next", "Next position", () => moves.advance(1));
    this.button(bar, "last", "Last position", () => moves.go(Infinity, Infinity));
    this.speed = element("select", { "aria-label": "Speed of playing" }, bar);
    for (const [label, wait] of SPEEDS) {
      element("option", { value: String(wait) }, this.speed).textContent = label;
    }
    this.speed.value = "333";
    this.mark = element("span", { class: "rfviz-confirmed" }, bar);
    this.text = element("span", { class: "rfviz-position" }, bar);
    this.held = element("button", { type: "button", class: "rfviz-held rfviz-free" }, bar);
    this.held.textContent = "Held · Esc";
    this.held.title = "The position stays whatever is pointed at; Escape, or this, frees it";
    this.held.addEventListener("click", () => moves.free());
    bar.addEventListener("keydown", (event) => {
      if (event.target === this.speed) return;
      if (moves.key(event)) event.preventDefault();
    });
  }

  button(parent, icon, label, act) {
    const node = element("button", { type: "button" }, parent);
    dress(node, icon, label);
    node.addEventListener("click", act);
    return node;
  }

  /** Say that a position is held, or that it follows the pointer. */
  hold(held) {
    this.held.classList.toggle("rfviz-free", !held);
  }

  toggle() {
    if (this.plays) this.pause();
    else this.play();
  }

  play() {
    dress(this.playing, "pause", "Pause");
    this.plays = true;
    const tick = () => {
      if (!this.moves.advance(1)) {
        this.pause();
        return;
      }
      const due = performance.now() + Number(this.speed.value);
      // Once it has been drawn: a slow machine plays more slowly, but leaves none out.
      this.frame = requestAnimationFrame(() => {
        this.timer = setTimeout(tick, due - performance.now());
      });
    };
    this.timer = setTimeout(tick, 0);
  }

  pause() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.plays = false;
    dress(this.playing, "play", PLAY);
  }
}
