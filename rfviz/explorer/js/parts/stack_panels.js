// The panels of a stack of layers: the picture with the nested fields of a unit, and the chart of how
// the field grows from layer to layer.

import { frameOf } from "../draw/axes.js";
import { boxOf, nestedFields, nestedMarks, unitAbove } from "../laws/units.js";
import { Panel } from "./panel.js";

export class FieldsPanel extends Panel {
  static reads = "maps";
  static showsPixels = true;

  /** Free, a pixel shows the unit above it; pinned, the innermost box around it. */
  static pointedAt(place, scene) {
    if (!scene.pinned) return { unit: unitAbove(place, scene) };
    const around = nestedFields(scene.maps, scene.position).findIndex(({ field }, index) => {
      const box = index > 0 && boxOf(field);
      return box && box[0] <= place.x && place.x <= box[2] && box[1] <= place.y && place.y <= box[3];
    });
    return around > 0 ? { unit: scene.position, map: around } : null;
  }

  static marksOf(pointed, { maps, fields }) {
    return nestedMarks(maps, fields, pointed?.map);
  }
}

export class GrowthPanel extends Panel {
  static reads = "maps";

  static pointedAt({ x }, { maps, position }) {
    const map = maps.findIndex(({ layer }) => layer === Math.round(x));
    return map > 0 ? { unit: position, map } : null;
  }

  /** A band over the layer pointed at, as high as the chart, which is known once it is drawn. */
  marksIn({ pointed, scene: { maps } }) {
    const frame = pointed?.map && frameOf(this.figure, "xy");
    if (!frame) return [];
    const { layer } = maps[pointed.map];
    const ends = [frame.dataY(frame.top), frame.dataY(frame.top + frame.height)];
    return [{ kind: "box", role: "window", boxes: [[layer - 0.4, ends[1], layer + 0.4, ends[0]]] }];
  }
}
