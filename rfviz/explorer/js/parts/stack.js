// The explorer of a stack of layers: a unit of the chosen layer, and what it reads of the picture
// through every map on its way. A unit pointed at is shown in the next frame; the server learns the
// one that is chosen for good.

import { mapSentence, nestedFields, unitAbove, unitSentence } from "../laws/units.js";
import { Chooser } from "./chooser.js";
import { page } from "./page.js";

export class NestedExplorer extends Chooser {
  take({ maps, jump, start }) {
    this.scene = { maps, jump, start, size: maps.at(-1).size };
  }

  get size() {
    return this.scene.size;
  }

  draw() {
    const unit = this.pointed?.unit ?? this.chosen;
    const fields = nestedFields(this.scene.maps, unit);
    const scene = { ...this.scene, fields };
    for (const each of page.panels.values()) {
      if (this.isLinked(each)) each.show({ pointed: this.pointed, scene, still: {} });
      else each.rest({});
    }
    this.tell(unit, fields, this.pointed?.map);
  }

  tell(unit, fields, pointed) {
    const { dataset } = this.host;
    [dataset.outputRow, dataset.outputColumn] = unit.map(String);
    dataset.outputValue = "";
    dataset.state = this.isConfirmed(unit) ? "confirmed" : "preview";
    const { maps } = this.scene;
    this.bar.text.textContent = pointed
      ? mapSentence(maps[pointed], fields[pointed]) : unitSentence(maps, fields, unit);
    this.bar.hold(this.pinned);
  }

  hover(panel, place, since) {
    if (!this.data) return;
    this.pointed = this.pointedIn(panel, place);
    this.schedule(since);
  }

  /** Pin the unit above what was clicked; the growth chart's own clicks go to the server. */
  click(panel, place) {
    if (!this.isLinked(panel) || !panel.constructor.showsPixels) return;
    this.go(...unitAbove(place, this.scene));
    this.pin(true);
  }
}
