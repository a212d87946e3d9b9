// Numbers as the panels and the sentences write them.

// Made once: a number's own toLocaleString makes a formatter at every call, in every frame.
const GROUPS = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

/** A count or coordinate with its thousands grouped, and a minus sign of a number's width. */
export function grouped(value) {
  return GROUPS.format(value).replace("-", "−");
}

/**
 * A number as rfviz.conv.wording.number writes it: integers whole, else so many significant digits.
 * Numbers too large to have decimals are rounded to integers, and past a million have an exponent.
 */
export function shortNumber(value, digits = 3) {
  if (value === 0) return "0";
  const sign = value < 0 ? "−" : "", size = Math.abs(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : `${sign}inf`;
  const whole = Number.isInteger(value) || size >= 10 ** digits;
  return sign + (whole && size < 1e6 ? String(halfToEven(size)) : general(size, digits));
}

/** The nearest integer; of two that are equally near, the even one, as Python rounds. */
function halfToEven(size) {
  const down = Math.floor(size), rest = size - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** Significant digits with or without an exponent, whichever Python's format "g" takes. */
function general(size, digits) {
  const [mantissa, exponent] = scientific(size, digits).split("e");
  const power = Number(exponent);
  if (power < -4 || power >= digits) return `${trimmed(mantissa)}e${power < 0 ? "−" : ""}${Math.abs(power)}`;
  return trimmed(Number(`${mantissa}e${exponent}`).toFixed(digits - 1 - power));
}

/** As toExponential, which takes the larger of two that are equally near; this takes the even one. */
function scientific(size, digits) {
  const text = size.toExponential(digits - 1);
  // Halfway between two is only what has one digit more, a 5.
  const exact = size.toExponential(digits);
  if (!/5e/.test(exact) || Number(exact) !== size || /[1-9]/.test(size.toExponential(60).split("e")[0].slice(digits + 2))) {
    return text;
  }
  const kept = exact.replace(/\.?5e/, "e");
  return Number(kept.split("e")[0].at(-1)) % 2 === 0 ? kept : text;
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * Multiples of 1, 2 or 5 times a power of ten from low to high, at most so many, and no nearer to
 * each other than `least`. As rfviz.figures.axes.round_ticks.
 * @returns {number[]}
 */
export function roundTicks(low, high, most = 6, least = 0) {
  const apart = Math.max((high - low) / most, least);
  if (!(apart > 0)) return [low];
  const power = Number(`1e${apart.toExponential().split("e")[1]}`);
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= apart);
  const first = Math.ceil(low / step), last = Math.floor(high / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => step * (first + index));
}

/** The largest finite magnitude, for a range with zero in the middle; 1 if there is none. */
export function symmetricLimit(values) {
  let limit = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > limit && size < Infinity) limit = size;
  }
  return limit || 1;
}
