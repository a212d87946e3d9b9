// A figure's title comes in lines for a panel of the usual width. In a narrower one it would lie
// under the figure's buttons, and in a wider one it needs fewer lines, so it is broken again.

/** What a figure's buttons take beside the title: all of them, and those of a narrow panel, in pixels. */
const BUTTONS = 200, FEW_BUTTONS = 156;

/** Up to this width of a panel it shows the few; the same in explorer.css. */
const NARROW = 420;

/** What a character of a title takes on average, and a line, in pixels. */
const CHARACTER = 5.7, LINE = 17;

/**
 * A title's lines in a panel of this width, and how many pixels more they need than it came with.
 * @param {string} text lines with <br> between them
 * @returns {{text: string, more: number}}
 */
export function fitTitle(text, width) {
  const room = width - (width <= NARROW ? FEW_BUTTONS : BUTTONS);
  const most = Math.max(16, Math.floor(room / CHARACTER));
  const before = text.split("<br>");
  // A size such as "28 × 28" stays in one line.
  const words = before.join(" ").replaceAll(" × ", "\u00a0×\u00a0").split(" ");
  const lines = [words.shift()];
  for (const word of words) {
    if (lines.at(-1).length + 1 + word.length <= most) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return { text: lines.join("<br>"), more: LINE * (lines.length - before.length) };
}
