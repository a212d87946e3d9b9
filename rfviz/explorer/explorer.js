// The browser's half of the linked view. Three kinds of components mount here: panels, each one
// plotly figure with its highlights; one conductor a page, which links them; and the bank, which
// shows nothing and keeps the chosen filter at every size that a kernel slider can reach.
//
// Streamlit calls a component again at every rerun, on the same element: the instance is kept on
// that element and updated, so that a figure is never taken down while parameters change.

import { Conductor } from "./conductor.js";
import { Panel } from "./panel.js";
import { page } from "./page.js";
import { decode } from "./payload.js";

/** @param {any} component what Streamlit passes */
export function panel(component) {
  const root = component.parentElement;
  root.rfvizPanel ??= new Panel(root);
  root.rfvizPanel.update(decode(component.data), component);
  return () => root.rfvizPanel?.remove();
}

/** @param {any} component what Streamlit passes */
export function conductor(component) {
  const root = component.parentElement;
  root.rfvizConductor ??= new Conductor(root);
  root.rfvizConductor.update(component);
  return () => root.rfvizConductor?.remove();
}

/** @param {any} component what Streamlit passes */
export function bank(component) {
  page.bank = component.data;
  return () => { page.bank = null; };
}
