// Windows, borders and sums: the arithmetic of convcli's geometry.py, borders.py and conv, for a page.

/**
 * One axis of a walk. `cells` of the input lie `spread` positions apart, positions are counted from
 * the first cell; the window has `kernel` taps `dilation` apart and moves by `stride`.
 */
class Axis {
  constructor({ cells, kernel, stride = 1, dilation = 1, before = 0, after = 0, spread = 1 }) {
    Object.assign(this, {
      cells,
      kernel,
      stride,
      dilation,
      before,
      after,
      spread,
    });
  }

  /** Positions from the first cell to the last. */
  get span() {
    return (this.cells - 1) * this.spread + 1;
  }

  /** Positions under the window, holes of a dilation among them. */
  get reach() {
    return this.dilation * (this.kernel - 1) + 1;
  }

  /** Places of the window, ⌊(n + before + after − reach) / stride⌋ + 1; 0 where it does not fit. */
  get outputs() {
    const room = this.before + this.span + this.after - this.reach;
    return room < 0 ? 0 : Math.floor(room / this.stride) + 1;
  }

  /** First and last position on the canvas. */
  get drawn() {
    return [Math.min(-this.before, 0), Math.max(this.span + this.after, this.span) - 1];
  }

  /** The positions of all taps for an output. */
  taps(output) {
    const first = output * this.stride - this.before;
    return times(this.kernel, (tap) => first + tap * this.dilation);
  }

  /** The input's cell that is read at a position; −1 where there is a value instead of a cell. */
  source(position, border = "zero") {
    if (position >= 0 && position < this.span) {
      return position % this.spread ? -1 : position / this.spread;
    }
    return bordered(border, position, this.cells);
  }
}

/** The walk of a transposed convolution along an axis: the kernel over the spread and padded input. */
function transposedAxis({ cells, kernel, stride, dilation, before, after, extra = 0 }) {
  const full = dilation * (kernel - 1);
  return new Axis({
    cells,
    kernel,
    dilation,
    before: full - before,
    after: full - after + extra,
    spread: stride,
  });
}

/** As many values as there are places. */
const times = (count, value) => Array.from({ length: count }, (_, place) => value(place));

const modulo = (value, by) => ((value % by) + by) % by;

const BORDERS = {
  zero: null,
  edge: (position, length) => Math.min(Math.max(position, 0), length - 1),
  reflect: (position, length) => {
    const period = Math.max(2 * length - 2, 1);
    return Math.min(modulo(position, period), modulo(-position, period));
  },
  symmetric: (position, length) =>
    Math.min(modulo(position, 2 * length), modulo(-1 - position, 2 * length)),
  wrap: modulo,
  constant: null,
  valid: null,
};

/** The cell of an axis that a position beyond it repeats; −1 where it repeats none. */
function bordered(border, position, length) {
  const repeat = BORDERS[border];
  return repeat === null ? -1 : repeat(position, length);
}

/** First (inclusive) and last (exclusive) cell of a window of an adaptive pool. */
function adaptiveCells(output, length, outputs) {
  return [Math.floor((output * length) / outputs), Math.ceil(((output + 1) * length) / outputs)];
}

/** What a pool takes from the values under its window. */
const POOLS = {
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  average: (values) => sum(values) / values.length,
};

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** A number as people read it: so many digits, whole ones in full, a minus as long as a plus. */
function text(value, digits = 6) {
  if (!Number.isFinite(value)) return String(value);
  const isWhole = Number.isInteger(value) && Math.abs(value) < 1e9;
  const short = isWhole ? value : Number(value.toPrecision(digits));
  return String(short + 0).replace("-", "−");
}

/** A number as a factor: in brackets where its sign would meet another. */
const factor = (value, digits = 6) =>
  value < 0 ? `(${text(value, digits)})` : text(value, digits);

const thousands = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** The bytes of a base64 text. */
function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Floats of 32 bits from the base64 of their bytes, little-endian. */
function float32(base64) {
  const { buffer } = bytesOf(base64);
  const view = new DataView(buffer);
  return Float32Array.from({ length: buffer.byteLength / 4 }, (_, i) =>
    view.getFloat32(4 * i, true),
  );
}

/** Floats of 16 bits (IEEE 754 binary16) from the base64 of their bytes, little-endian. */
function float16(base64) {
  const bytes = bytesOf(base64);
  const values = new Float32Array(bytes.length / 2);
  for (let i = 0; i < values.length; i += 1) {
    const bits = bytes[2 * i] | (bytes[2 * i + 1] << 8);
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const mantissa = bits & 1023;
    if (exponent === 31) values[i] = mantissa ? NaN : sign * Infinity;
    else if (exponent) values[i] = sign * 2 ** (exponent - 25) * (1024 + mantissa);
    else values[i] = sign * 2 ** -24 * mantissa;
  }
  return values;
}
