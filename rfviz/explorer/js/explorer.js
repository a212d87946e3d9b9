// The browser's half of the linked views. Three kinds of components mount here: panels, each one
// plotly figure with its highlights; one explorer a page, which links them, of a convolution or of a
// stack of layers; and the bank, which shows nothing and keeps the chosen filter at every size that a
// kernel slider can reach.
//
// Streamlit calls a component again at every rerun, on the same element: the instance is kept on
// that element and updated, so that a figure is never taken down while parameters change.

import { Conductor } from "./parts/conductor.js";
import { NestedExplorer } from "./parts/stack.js";
import { classOf } from "./parts/kinds.js";
import { page } from "./parts/page.js";
import { decode } from "./parts/payload.js";

/** How long an element waits for Streamlit to come again before its instance goes, in ms. */
const PATIENCE = 1000;

/**
 * The instance on a component's element, made at the first call, and the cleanup to hand back.
 *
 * Streamlit takes the cleanup for the end of a component, but where changes follow each other fast
 * it also calls it between two calls on one element. So an instance goes with its element; on an
 * element that stays, it goes only if nobody asks for it again.
 * @template T
 * @param {any} component what Streamlit passes
 * @param {new (root: HTMLElement) => T & {remove: () => void}} Kind
 * @returns {[T, () => void]}
 */
function instanceOn(component, Kind) {
  const root = component.parentElement;
  const kept = root.rfviz?.instance ?? new Kind(root);
  const claim = { instance: kept };
  root.rfviz = claim;
  const leave = () => {
    if (root.rfviz !== claim) return;
    root.rfviz = null;
    kept.remove();
  };
  return [kept, () => setTimeout(() => {
    if (root.isConnected) setTimeout(leave, PATIENCE);
    else leave();
  })];
}

/** @param {any} component what Streamlit passes */
export function panel(component) {
  const header = decode(component.data);
  const [instance, leave] = instanceOn(component, classOf(header.kind));
  instance.update(header, component);
  return leave;
}

/** @param {any} component what Streamlit passes */
export function conductor(component) {
  return explorer(component, Conductor);
}

/** @param {any} component what Streamlit passes */
export function nested(component) {
  return explorer(component, NestedExplorer);
}

function explorer(component, Kind) {
  const [instance, leave] = instanceOn(component, Kind);
  instance.update(component);
  return leave;
}

/** @param {any} component what Streamlit passes */
export function bank(component) {
  const { data } = component;
  page.bank = data;
  return () => { if (page.bank === data) page.bank = null; };
}
