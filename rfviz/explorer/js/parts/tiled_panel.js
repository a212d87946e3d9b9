// A panel of a raster that holds less than there is: after a pan or zoom, what came into view is
// fetched and drawn below plotly's axes in place of the figure's own raster.

import { fit } from "../draw/marks.js";
import { Tiles } from "../draw/tiles.js";
import { Panel } from "./panel.js";

export class TiledPanel extends Panel {
  /** What to fetch for a view: see Tiles. @type {import("../draw/tiles.js").RequestFor} */
  static request = () => null;

  constructor(root) {
    super(root);
    this.tiles = new Tiles(this, this.constructor.request, () => this.repaint());
  }

  afterDraw() {
    super.afterDraw();
    this.tiles.reset();
  }

  repaint() {
    this.moved = true;
    super.repaint();
  }

  show(frame) {
    this.number(frame);
    this.paint(this.marksIn(frame));
    if (!this.drawnRevision || !this.moved) return;
    this.moved = false;
    this.tiles.look(frame.scene, frame.tables);
    this.paintUnder(null);
  }

  paintUnder(paint, look, mode) {
    if (!this.drawnRevision || !this.header || this.header.hidden) return;
    const tiled = !paint && Boolean(this.tiles.tile);
    this.host.classList.toggle("rfviz-tiled", tiled);
    if (tiled) this.host.dataset.tile = this.tiles.tile.box.join(" ");
    else delete this.host.dataset.tile;
    super.paintUnder(paint, look, mode);
    // What was panned to is looked for again once the figure is back.
    this.moved ||= this.sketched;
    if (!tiled) return;
    this.underUsed = true;
    this.tiles.paint(fit(this.under, this.figure), this.theme);
  }
}
