// A panel of the chosen output worked out: its numbers come from the server for the chosen position
// and are drawn here for every other.

import { tapsOf } from "../laws/geometry.js";
import { Panel } from "./panel.js";

export class WorkedPanel extends Panel {
  static reads = "spec";

  /** How its values are drawn live: (context, figure, live, look, sketched). */
  static paintValues = () => {};

  show(frame) {
    const { pointed, scene, live, confirmed, tables } = frame;
    const taps = tapsOf(scene.spec);
    const own = pointed.entry === undefined ? -1 : pointed.entry - scene.filter.channels[0] * taps;
    const entry = own >= 0 ? this.entryMarks(own, scene.spec.kernel) : [];
    this.number(frame);
    this.paint([...this.marksIn(frame), ...entry]);
    this.host.classList.toggle("rfviz-missing", !confirmed && !live);
    this.paintLive(live, tables, "live");
  }

  sketch({ live, tables }) {
    this.paintLive(live, tables, "sketch");
  }

  /** Values in place of the server's, or the server's again where there are none. */
  paintLive(live, tables, mode) {
    const { paintValues } = this.constructor;
    const paint = (context, look) => paintValues(context, this.figure, live, look, mode === "sketch");
    this.paintUnder(live && paint, { tables, bare: Boolean(this.stage) }, mode);
  }

  /** The marks of an entry of the vector, which depend on how this figure is laid out. */
  entryMarks() {
    return [];
  }
}
