// What a figure says in a panel of some width. Its title comes in lines for the usual width: in a
// narrower panel it would lie under the figure's buttons, in a wider one it needs fewer lines. And
// labels beside each other may be too many.

/** What a figure's buttons take beside the title: all of them, and those of a narrow panel, in pixels. */
const BUTTONS = 200, FEW_BUTTONS = 156;

/** Up to this width of a panel it shows the few. */
const NARROW = 420;

/** What a character of a title takes on average, and a line, in pixels. */
const CHARACTER = 5.7, LINE = 17;

/** What a map leaves to its axes and colour bar, a label's character takes, and the gap after it. */
const BESIDE = 130, LABEL_CHARACTER = 6, LABEL_GAP = 10;

/**
 * A title's lines in a panel of this width; the pixels that they take below the first one, and by
 * how many these are more than those of the lines that it came with; and whether the panel is so
 * narrow that few buttons are beside it.
 * @param {string} text lines with <br> between them
 * @returns {{text: string, below: number, more: number, narrow: boolean}}
 */
export function fitTitle(text, width) {
  const narrow = width <= NARROW, room = width - (narrow ? FEW_BUTTONS : BUTTONS);
  const most = Math.max(16, Math.floor(room / CHARACTER));
  const before = text.split("<br>"), lines = wrapTitle(text, most);
  const below = LINE * (lines.length - 1);
  return { text: lines.join("<br>"), below, more: below - LINE * (before.length - 1), narrow };
}

/** What a person sees of plotly's markup in a word: an entity such as &lt; is one character. */
const lengthOf = (word) => word.replace(/&#?\w+;/g, "?").length;

/**
 * A title in lines of so many characters where words allow it; a size such as "28 × 28" stays on one
 * line. As rfviz.figures.style.wrapped_title.
 * @param {string} text in plotly's markup, lines with <br> between them
 * @returns {string[]}
 */
export function wrapTitle(text, most) {
  const words = text.replaceAll("<br>", " ").replaceAll(" × ", "\u00a0×\u00a0").split(" ");
  const lines = [words.shift()];
  for (const word of words) {
    if (lengthOf(lines.at(-1)) + 1 + lengthOf(word) <= most) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines.map((line) => line.replaceAll("\u00a0×\u00a0", " × "));
}

/** An axis across with as many of its labels as stand beside each other, where it names places. */
export function fitLabels(axis, width) {
  if (axis.tickmode !== "array" || axis.tickangle !== 0) return axis;
  const longest = Math.max(...axis.ticktext.map((label) => label.length));
  const most = Math.max(2, Math.floor((width - BESIDE) / (LABEL_CHARACTER * longest + LABEL_GAP)));
  const step = Math.ceil(axis.ticktext.length / most);
  const thinned = (list) => Array.from(list).filter((_, index) => index % step === 0);
  return { ...axis, tickvals: thinned(axis.tickvals), ticktext: thinned(axis.ticktext) };
}
