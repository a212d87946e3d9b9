// The panels of this page by name, and their conductor: what the components of one page share.

export const page = { panels: new Map(), conductor: null, bank: null, mounts: 0 };

/** An element with attributes, appended to its parent. */
export function element(tag, attributes, parent) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.append(node);
  return node;
}

/** Colours and font of the app's present theme, light or dark. */
export function themeOf(node) {
  const style = getComputedStyle(node);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    text: read("--st-text-color", "#222222"),
    font: read("--st-font", "sans-serif"),
    background: read("--st-background-color", "#ffffff"),
    grid: read("--st-border-color", "#dddddd"),
  };
}
