// How the server's figures look on the stage: every panel's room is the plot's. Titles stand beside
// the figure, colour bars and titles of axes go, and matrices that multiply have their edges on one
// line. What is drawn, the values and their places, stays the server's.

import { lookup } from "./scales.js";

/** Left and right edges of the matrices that stand above each other, in pixels. */
const MATRIX_LEFT = 44, MATRIX_RIGHT = 2;

const MARGINS = {
  input: { l: 30, r: 2, t: 20, b: 18 },
  output: { l: 30, r: 2, t: 20, b: 18 },
  patch: { l: 6, r: 6, t: 38, b: 2 },
  vector: { l: 32, r: 26, t: 20, b: 18 },
  columns: { l: MATRIX_LEFT, r: MATRIX_RIGHT, t: 20, b: 2 },
  product: { l: MATRIX_LEFT, r: MATRIX_RIGHT, t: 2, b: 2 },
  weights: { l: 30, r: 8, t: 2, b: 2 },
};

/** Type, and the least distance of labels below each other, in pixels. */
const TYPE = 12, LABEL = 14;

/** Width of a character of a label, as a part of its type. */
const CHARACTER = 0.55;

/** The room that a matrix of columns has beside its margins, with type of so many pixels. */
export function matrixRoom(width, type) {
  return width - (MATRIX_LEFT * type) / TYPE - MATRIX_RIGHT;
}

/** A panel's margins: what holds type grows with it. */
function marginsOf(name, type) {
  const grow = (side) => (side > 8 ? (side * type) / TYPE : side);
  const { l, r, t, b } = MARGINS[name] ?? MARGINS.output;
  return { l: grow(l), r: grow(r), t: grow(t), b: grow(b), autoexpand: false };
}

/**
 * A figure's traces and layout as the stage shows them.
 * @param {{data: any[], layout: any}} figure the server's
 * @param {string} name the panel's
 * @param {{tints?: {first: number, last: number, stops: any[]}[], columns?: number[], rows?: number[]}} view
 *   what of a matrix is in view, and rows in their channels' colours
 * @param {number} type pixels of the smallest type
 */
export function onStage({ data, layout }, name, view, type = TYPE) {
  const traces = data.map(({ text, texttemplate, ...trace }) => ({ ...trace, showscale: false }));
  // What is pointed at stands in the sentence above, for every panel alike.
  const staged = { ...layout, title: { text: "" }, margin: marginsOf(name, type), font: { ...layout.font, size: type }, hovermode: false };
  for (const key of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(key)) staged[key] = onStageAxis(layout[key], name, key, layout, type);
  }
  if (view.columns) staged.xaxis = { ...staged.xaxis, range: ends(view.columns), showticklabels: false, ticks: "" };
  if (name === "columns") staged.yaxis = thinned(staged.yaxis, (layout.height * TYPE) / type / LABEL - 2);
  if (view.rows) staged.yaxis = { ...staged.yaxis, range: ends(view.rows).reverse() };
  return { data: [...traces, ...tinted(traces[0], view.tints ?? [])], layout: staged };
}

/** An axis with as many of its labels as stand below each other. */
function thinned(axis, most) {
  const step = Math.ceil((axis.tickvals?.length ?? 0) / Math.max(2, Math.floor(most)));
  if (step <= 1) return axis;
  const some = (list) => Array.from(list).filter((_, index) => index % step === 0);
  return { ...axis, tickvals: some(axis.tickvals), ticktext: some(axis.ticktext) };
}

const ends = ([first, last]) => [first - 0.5, last - 0.5];

function onStageAxis(axis, name, key, { width, height }, type) {
  const bare = { ...axis, title: { text: "" }, automargin: false, tickfont: { size: type } };
  if (name === "vector" && key === "xaxis") {
    const longest = Math.max(1, ...(axis.ticktext ?? []).map((label) => label.length));
    return thinned({ ...bare, tickangle: 0 }, width / (CHARACTER * type * longest + LABEL));
  }
  if (name === "vector" && key !== "xaxis") return thinned(bare, (height * TYPE) / type / LABEL - 3);
  if (name === "weights" && key === "xaxis") return { ...bare, showticklabels: false, ticks: "" };
  return bare;
}

/** The rows of each channel once more, from black to the channel's own colour. */
function tinted(trace, tints) {
  return tints.map(({ first, last, stops }) => ({
    ...trace, z: trace.z.slice(first, last), y0: (trace.y0 ?? 0) + first, colorscale: stops, hoverinfo: "skip", hovertemplate: null,
  }));
}

/** Colours in which a full pixel of a channel of a colour picture is seen as that channel's. */
const RED_GREEN_BLUE = ["#ff5a4d", "#3fd96b", "#5aa2ff"];

/** The scale of each channel's rows in the column matrix: from black to its own colour, or to white. */
export function channelStops(count) {
  return Array.from({ length: count }, (_, channel) => [[0, "#000000"], [1, count === 3 ? RED_GREEN_BLUE[channel] : "#ffffff"]]);
}

const tables = new Map();

/** The 256 colours of each channel. */
export function channelTables(count) {
  return channelStops(count).map((stops) => {
    const key = stops[1][1];
    if (!tables.has(key)) tables.set(key, lookup(stops));
    return tables.get(key);
  });
}
