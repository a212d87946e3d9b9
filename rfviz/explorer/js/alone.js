// The explorer on a page that stands alone, in a notebook or a file, without the app and its server:
// the same panels on what the page itself holds. What a server would be asked for is answered from
// the picture's numbers; a position that is chosen stays, its numbers worked out here.

import { detail } from "./detail.js";
import { bank, conductor, panel } from "./explorer.js";
import { nRowsOf, outputOf } from "./laws/geometry.js";
import { vectorOf } from "./laws/values.js";

/** Entries of the column matrix that one answer may be made of. */
const MOST_ENTRIES = 4_000_000;

const TYPES = { u1: Uint8Array, f4: Float32Array, f8: Float64Array };

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/**
 * The whole picture as the laws read it. Bytes are as they are; other numbers are multiplied by the
 * divisor that the laws divide by, so that 0 to 255 is black to white for them as well.
 */
function pictureOf({ data, dtype, shape: [channels, height, width] }, divisor) {
  const numbers = new TYPES[dtype](bytesOf(data).buffer);
  const scaled = dtype === "u1" ? numbers : Float64Array.from(numbers, (value) => value * divisor);
  return { top: 0, left: 0, height, width, channels, data: scaled };
}

/** A window of the picture, (channel, row, column). */
function windowOf(picture, { top, left, height, width }) {
  const result = new picture.data.constructor(picture.channels * height * width);
  let at = 0;
  for (let channel = 0; channel < picture.channels; channel += 1) {
    for (let row = top; row < top + height; row += 1) {
      const start = (channel * picture.height + row) * picture.width + left;
      result.set(picture.data.subarray(start, start + width), at);
      at += width;
    }
  }
  return result;
}

/** Means of bins of some columns of the matrix, every entry where there is a bin for each; or null. */
function columnsOf(spec, picture, { first, last, height, width }) {
  const nRows = nRowsOf(spec), nColumns = last - first;
  if (nRows * nColumns > MOST_ENTRIES) return null;
  const sums = new Float64Array(height * width), counts = new Float64Array(height * width);
  for (let column = 0; column < nColumns; column += 1) {
    const across = Math.floor((column * width) / nColumns);
    vectorOf(spec, picture, outputOf(spec, first + column), [0, spec.channels]).forEach((value, row) => {
      const cell = Math.floor((row * height) / nRows) * width + across;
      sums[cell] += value;
      counts[cell] += 1;
    });
  }
  return Uint8ClampedArray.from(sums, (sum, cell) => sum / counts[cell]);
}

function answerFrom(scene, picture) {
  return async (address) => {
    const [, route, query] = address.match(/^rfviz\/(pixels|columns)\/[^?]*\?(.*)$/) ?? [];
    const part = Object.fromEntries([...new URLSearchParams(query)].map(([name, value]) => [name, Number(value)]));
    let data = null;
    if (route === "pixels") data = windowOf(picture, part);
    else if (route === "columns") data = columnsOf(scene.spec, picture, part);
    return { status: data ? 200 : 404, data };
  };
}

/** An element as Streamlit would give it to a component: with the wrapper that its hooks look for. */
function placeIn(root) {
  const wrapper = document.createElement("div");
  wrapper.className = "stBidiComponent";
  root.append(wrapper);
  return wrapper.appendChild(document.createElement("div"));
}

/**
 * Mount an explorer and its panels.
 * @param {HTMLElement} root
 * @param {{explorer: any, bank: any, panels: string[], picture: any}} held as the server would send
 *   them, the panels' bytes in base64
 */
export function begin(root, held) {
  const { scene } = held.explorer;
  detail.answer = answerFrom(scene, pictureOf(held.picture, scene.divisor));
  const mount = (component, data) =>
    component({ data, parentElement: placeIn(root), setTriggerValue() {} });
  bank({ data: held.bank, parentElement: root, setTriggerValue() {} });
  mount(conductor, held.explorer);
  for (const each of held.panels) mount(panel, bytesOf(each));
}
