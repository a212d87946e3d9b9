// Numbers as the panels and the sentences write them.

// Made once: a number's own toLocaleString makes a formatter at every call, in every frame.
const GROUPS = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

/** A count or coordinate with its thousands grouped, and a minus sign of a number's width. */
export function grouped(value) {
  return GROUPS.format(value).replace("-", "−");
}

/** A number as the server's figures write it in a cell: integers whole, else so many digits. */
export function shortNumber(value, digits = 3) {
  if (value === 0 || Object.is(value, -0)) return "0";
  if (!Number.isFinite(value)) return String(value);
  const whole = Number.isInteger(value) || Math.abs(value) >= 10 ** digits;
  const text = whole && Math.abs(value) < 1e6 ? value.toFixed(0) : String(Number(value.toPrecision(digits)));
  return text.replace("e+", "e").replaceAll("-", "−");
}
