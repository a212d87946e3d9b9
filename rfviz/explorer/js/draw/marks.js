// Highlights: drawn on a canvas over a figure, never by changing the figure, because moving a
// shape of a plotly heatmap costs hundreds of milliseconds and drawing a rectangle costs none.

import { frameOf } from "./axes.js";

/**
 * @typedef {{kind: "box" | "cells" | "frame", role: string, subplot?: string,
 *            boxes: number[][], inner?: number[], colour?: string, label?: string}} Mark
 * A box is [left, top, right, bottom] in data coordinates; without a colour it has the accent.
 */

/** A chosen cell smaller than this many pixels gets a ring and cross hairs, to be found at all. */
const FINDABLE = 9;

/** Dash patterns, so that no role is told by colour alone. */
const DASHES = { chosen: [], field: [], taps: [], copies: [3, 2], window: [7, 4], read: [2, 2] };

/**
 * Draw all marks of a figure on its overlay.
 * @param {HTMLCanvasElement} canvas
 * @param {any} figure
 * @param {Mark[]} marks
 * @param {{accent: string, halo: string, quiet: string, font: string}} colours
 */
export function drawMarks(canvas, figure, marks, colours) {
  const context = fit(canvas, figure);
  for (const mark of marks) {
    const frame = frameOf(figure, mark.subplot ?? "xy");
    if (!frame) continue;
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    if (mark.kind === "frame") drawHatch(context, frame, mark, colours);
    else drawBoxes(context, frame, mark, colours);
    context.restore();
  }
}

/** Make the canvas as large as the figure, in device pixels, and clear it. */
export function fit(canvas, figure) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(figure.clientWidth * ratio);
  const height = Math.round(figure.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, figure.clientWidth, figure.clientHeight);
  return context;
}

/** A data box as pixels [left, top, width, height], whichever way the axes run. */
function toPixels(frame, [left, top, right, bottom]) {
  const x0 = frame.x(left), x1 = frame.x(right), y0 = frame.y(top), y1 = frame.y(bottom);
  return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
}

function drawBoxes(context, frame, mark, colours) {
  const strong = mark.role === "chosen" || mark.role === "field";
  const pixels = mark.boxes.map((box) => toPixels(frame, box));
  const dashes = DASHES[mark.role] ?? [];
  // A light line under the coloured one keeps the mark visible on every pixel value.
  strokeAll(context, pixels, colours.halo, strong ? 5 : 3, []);
  strokeAll(context, pixels, mark.colour ?? colours.accent, strong ? 2.5 : 1.25, dashes);
  if (mark.role === "chosen") pixels.forEach((box) => drawFinder(context, frame, box, colours));
  if (mark.label) drawLabel(context, frame, pixels[0], mark.label, colours);
}

function strokeAll(context, pixels, colour, width, dashes) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.beginPath();
  for (const [x, y, w, h] of pixels) context.rect(x, y, Math.max(w, 2), Math.max(h, 2));
  context.stroke();
}

/** Ring and cross hairs around a box too small to see; one thin side may be long. */
function drawFinder(context, frame, [x, y, w, h], colours) {
  if (w >= FINDABLE || h >= FINDABLE) return;
  const cx = x + w / 2, cy = y + h / 2;
  for (const [colour, width] of [[colours.halo, 3.5], [colours.accent, 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash([]);
    context.beginPath();
    context.arc(cx, cy, 11, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(cx + 11 * dx, cy + 11 * dy);
      context.lineTo(cx + 19 * dx, cy + 19 * dy);
    }
    context.stroke();
  }
}

/** A box's name above its top left corner, or inside it where there is no room above. */
function drawLabel(context, frame, [x, y], label, colours) {
  context.font = `12px ${colours.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const wide = context.measureText(label).width;
  const left = Math.max(frame.left + 4, Math.min(x, frame.left + frame.width - wide - 8));
  const top = y - 20 < frame.top ? Math.max(y, frame.top) + 4 : y - 20;
  context.setLineDash([]);
  context.fillStyle = "rgba(20, 24, 31, 0.85)";
  context.fillRect(left - 4, top, wide + 8, 17);
  context.fillStyle = "#ffffff";
  context.fillText(label, left, top + 9);
}

/** The part of a box [left, top, width, height] within another, a line wider so as not to end there. */
function common([x, y, w, h], [left, top, width, height]) {
  const from = [Math.max(x, left - 2), Math.max(y, top - 2)];
  const to = [Math.min(x + w, left + width + 2), Math.min(y + h, top + height + 2)];
  return [from[0], from[1], Math.max(0, to[0] - from[0]), Math.max(0, to[1] - from[1])];
}

/** The band between the outer box and the inner one, hatched: padding is no part of the picture. */
function drawHatch(context, frame, mark, colours) {
  const seen = [frame.left, frame.top, frame.width, frame.height];
  const outer = common(toPixels(frame, mark.boxes[0]), seen);
  const inner = common(toPixels(frame, mark.inner), seen);
  // Nothing of the band is in view, as in the middle of a picture that is zoomed into.
  if (outer.every((length, index) => length === inner[index])) return;
  context.beginPath();
  context.rect(...outer);
  context.rect(...inner);
  context.clip("evenodd");
  context.strokeStyle = colours.quiet;
  context.lineWidth = 1;
  context.beginPath();
  const [x, y, w, h] = outer;
  for (let offset = -h; offset < w; offset += 7) {
    context.moveTo(x + offset, y + h);
    context.lineTo(x + offset + h, y);
  }
  context.stroke();
  context.strokeRect(...inner);
}
