// The only file that knows Streamlit's page from the inside. What is not found is said once in the
// console's own words, and the rest goes on without it: an update of Streamlit may move a hook.

const missing = new Set();

function miss(hook) {
  if (missing.has(hook)) return;
  missing.add(hook);
  console.warn(`rfviz: Streamlit's page has no ${hook}`);
}

/** Does the server's script still run, so that figures may be on their way? */
export function scriptRuns() {
  const state = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
  if (state === undefined) miss("state of the script on stApp");
  return state !== undefined && state !== "notRunning";
}

/**
 * Streamlit's wrapper of a component, whose class changes with the theme.
 * @param {HTMLElement} root the element that a component is given
 */
export function wrapperOf(root) {
  const wrapper = root.closest(".stBidiComponent");
  if (!wrapper) miss("wrapper .stBidiComponent around a component");
  return wrapper;
}

/**
 * Call back with (key, value) whenever the thumb of a slider moves. Streamlit tells the server only
 * on release, but the slider is an <input type="range"> whose value attribute moves with the thumb.
 * @param {(key: string, value: number) => void} moved
 * @returns {() => void} stops watching
 */
export function watchSliders(moved) {
  const observer = new MutationObserver((records) => {
    for (const { target } of records) {
      if (target.type !== "range") continue;
      const key = keyOf(target);
      if (key) moved(key, Number(target.value));
      else miss("key of a widget in its container's class st-key-...");
    }
  });
  observer.observe(document.body, { subtree: true, attributes: true, attributeFilter: ["value"] });
  return () => observer.disconnect();
}

/** The widget's key, from the class that Streamlit gives its container. */
export function keyOf(input) {
  const container = input.closest('[class*="st-key-"]');
  return container?.className.match(/st-key-([\w-]+)/)?.[1];
}
