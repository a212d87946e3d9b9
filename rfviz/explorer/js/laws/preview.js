// What a slider would do, while it is still being dragged.

import { nRowsOf, outputSize } from "./geometry.js";

/** Fields of a spec by the key of the slider that sets them. */
const FIELDS = { kernel: "kernel", stride: "stride", padding: "pads", dilation: "dilation" };

function fieldOf(key) {
  return FIELDS[key.replace(/_(height|width)$/, "")];
}

/**
 * The spec with one slider moved; null where that changes nothing of it.
 * @param {import("./geometry.js").Spec} spec
 */
export function movedSpec(spec, key, value) {
  const field = fieldOf(key);
  if (!field) return null;
  const set = field === "pads" ? [value, value] : value;
  const pair = [...spec[field]];
  if (!key.endsWith("_width")) pair[0] = set;
  if (!key.endsWith("_height")) pair[1] = set;
  if (JSON.stringify(pair) === JSON.stringify(spec[field])) return null;
  const moved = { ...spec, [field]: pair };
  if (spec.padding === "same") moved.pads = samePads(moved);
  return moved;
}

/** Padding that keeps the size at stride 1; an odd pixel goes to the end, as in torch. */
function samePads(spec) {
  return [0, 1].map((axis) => {
    const total = spec.dilation[axis] * (spec.kernel[axis] - 1);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}

/** The most products a preview of the feature map may take: two frames of 60 a second. */
const MOST_PRODUCTS = 30_000_000;

/** Output rows and columns to preview: all where they are few, else those around the position. */
export function previewRange(spec, position, pixels) {
  const size = outputSize(spec);
  const products = size[0] * size[1] * nRowsOf(spec);
  const whole = pixels.height === spec.inputSize[0] && pixels.width === spec.inputSize[1];
  if (whole && products <= MOST_PRODUCTS && Math.max(...size) <= 512) {
    return [[0, size[0]], [0, size[1]]];
  }
  return [0, 1].map((axis) => {
    const first = axis === 0 ? pixels.top : pixels.left;
    const length = axis === 0 ? pixels.height : pixels.width;
    const pad = spec.pads[axis][0], step = spec.stride[axis];
    const span = spec.dilation[axis] * (spec.kernel[axis] - 1);
    const atEdge = (edge) => edge <= 0;
    const least = atEdge(first) ? 0 : Math.ceil((first + pad) / step);
    const last = first + length >= spec.inputSize[axis]
      ? size[axis] - 1 : Math.floor((first + length - 1 - span + pad) / step);
    // Padding that copies pixels from elsewhere may be all of a window that holds no neighbour.
    if (position[axis] < least || position[axis] > last) return [position[axis], position[axis] + 1];
    return [Math.max(least, position[axis] - 32), Math.min(last, position[axis] + 31) + 1];
  });
}
