// A figure travels as one run of bytes: length of the header (uint32, little endian), header
// (JSON), then the arrays, each at a multiple of 8. In the header an array stands as
// {"array": [offset, length in bytes], "dtype": ..., "shape": ...}.

const TYPES = {
  u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array,
  u4: Uint32Array, i4: Int32Array, f4: Float32Array, f8: Float64Array,
};

/**
 * @param {Uint8Array} bytes
 * @returns {any} the header, its arrays in place
 */
export function decode(bytes) {
  // The bytes may start anywhere in a larger buffer; typed arrays must be aligned.
  const buffer = bytes.slice().buffer;
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = Math.ceil((4 + length) / 8) * 8;
  return revive(header, buffer, start);
}

function revive(value, buffer, start) {
  if (Array.isArray(value)) return value.map((item) => revive(item, buffer, start));
  if (value === null || typeof value !== "object") return value;
  if (value.array) return toArray(value, buffer, start);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, revive(item, buffer, start)]),
  );
}

/** One typed array, or a list of rows that share its memory. */
function toArray({ array: [offset, length], dtype, shape }, buffer, start) {
  const Type = TYPES[dtype];
  const flat = new Type(buffer, start + offset, length / Type.BYTES_PER_ELEMENT);
  if (!shape || shape.length < 2) return flat;
  const [rows, columns] = shape;
  return Array.from({ length: rows }, (_, row) => flat.subarray(row * columns, (row + 1) * columns));
}
