// What the matrices with a column for each output have in common on the stage: the columns in view
// are those around the chosen output's, and, once something beyond them is pointed at, those around
// that, worked out here.

import { around, columnsAround } from "../laws/matrix_window.js";
import { page } from "./page.js";

/** @param {typeof import("./panel.js").Panel} Base */
export const followsColumns = (Base) => class extends Base {
  /** The scene that the figure is of, once there is one with a convolution. */
  sceneDrawn() {
    const scene = page.conductor?.scene;
    return scene?.spec ? scene : null;
  }

  viewOnStage() {
    const scene = this.sceneDrawn(), trace = this.header.figure.data[0];
    if (!scene || !trace?.z) return {};
    const held = [trace.x0 ?? 0, (trace.x0 ?? 0) + trace.z[0].length];
    const wanted = columnsAround(scene.spec, page.conductor.data.position, this.stage.columns);
    const inside = wanted[0] >= held[0] && wanted[1] <= held[1];
    if (inside) return { columns: wanted };
    // The figure is of another position: it shows what it has, until the next one comes.
    const some = around(Math.floor((held[1] - held[0]) / 2), held[1] - held[0], this.stage.columns);
    return { columns: some.map((at) => at + held[0]) };
  }

  repaint() {
    this.shownMatrix = null;
    super.repaint();
  }

  show(frame) {
    const drawn = this.view?.columns, { columns, matrix } = frame;
    const elsewhere = this.stage && drawn && columns && (columns[0] !== drawn[0] || columns[1] !== drawn[1]);
    this.shift = elsewhere ? drawn[0] - columns[0] : 0;
    this.host.classList.toggle("rfviz-missing", Boolean(elsewhere && !matrix));
    if (!elsewhere) {
      this.shownMatrix = null;
      super.show(frame);
      return;
    }
    this.paint(this.marksIn(frame));
    if (!matrix || matrix === this.shownMatrix) return;
    this.shownMatrix = matrix;
    this.paintUnder((context) => this.paintColumns(context, frame), { of: matrix }, "live");
  }
};
