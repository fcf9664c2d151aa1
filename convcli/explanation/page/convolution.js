// A window that walks over a small input: sliders, formula, products and sum.

const OPERATIONS = [
  "cross-correlation",
  "convolution",
  "transposed convolution",
  "max pool",
  "min pool",
  "average pool",
];

const LIMITS = {
  input: [1, 16],
  kernel: [1, 7],
  stride: [1, 5],
  padding: [0, 6],
  dilation: [1, 4],
  "output padding": [0, 4],
};

class ConvolutionLesson {
  constructor(data, root) {
    this.root = root;
    this.given = data;
    this.state = structuredClone(data.state);
    this.cell = data.cell;
    this.timer = null;
    this.readLink();
    this.controls = html("form", { class: "controls", onsubmit: (e) => e.preventDefault() });
    this.formula = html("div", { class: "formula", role: "status" });
    this.stage = html("div", { class: "stage row" });
    this.sum = html("div", { class: "sum", "aria-live": "polite" });
    root.append(this.controls, this.formula, this.stage, this.walkButtons(), this.sum);
    this.drawControls();
    this.update();
  }

  get isPool() {
    return this.state.operation.endsWith("pool");
  }

  get isTransposed() {
    return this.state.operation.startsWith("transposed");
  }

  /** Both axes of the walk. */
  axes() {
    const { state } = this;
    return [0, 1].map((k) => {
      const axis = {
        cells: state.input[k],
        kernel: state.kernel[k],
        stride: state.stride[k],
        dilation: state.dilation[k],
        before: state.padding[k][0],
        after: state.padding[k][1],
      };
      if (this.isTransposed) return transposedAxis({ ...axis, extra: state.extra[k] });
      return new Axis(axis);
    });
  }

  /** Why there is no output; "" where there is one. */
  refusal(axes) {
    const { state } = this;
    for (const [k, axis] of axes.entries()) {
      const where = k ? "columns" : "rows";
      const padding = Math.max(...state.padding[k]);
      if (state.border === "valid" && padding > 0)
        return "the border valid adds no cells: set the padding to 0";
      if (this.isPool && padding >= axis.reach)
        return `padding ${padding}: a window of ${axis.reach} cells would see nothing but padding`;
      if (this.isTransposed && state.extra[k] >= Math.max(state.stride[k], state.dilation[k]))
        return `output padding ${state.extra[k]} must be smaller than the stride or the dilation`;
      if (this.isTransposed && axis.outputs < 1)
        return `nothing is left of the ${where}: the padding cuts off all of them`;
      if (axis.outputs < 1) {
        const room = axis.before + axis.span + axis.after;
        return `the window of ${axis.reach} cells does not fit ${room} ${where}`;
      }
    }
    return "";
  }

  /** The value of an input cell: given ones first, then a pattern that never changes. */
  x(channel, row, column) {
    const given = this.given.input[channel]?.[row]?.[column];
    return given ?? (row * 7 + column * 3 + channel * 5 + ((row * column) % 4)) % 6;
  }

  /** The tap of the kernel as it was given. */
  w(channel, row, column) {
    const given = this.given.kernel[channel]?.[row]?.[column];
    return given ?? ((row * 2 + column * 5 + channel) % 4) - 1;
  }

  /** The tap that lies on the canvas: turned by 180° for a convolution and a transposed one. */
  tap(channel, row, column) {
    const [rows, columns] = this.state.kernel;
    const turned = this.state.operation !== "cross-correlation" && !this.isPool;
    const isTurned = turned !== (this.isTransposed && this.state.flip);
    return isTurned
      ? this.w(channel, rows - 1 - row, columns - 1 - column)
      : this.w(channel, row, column);
  }

  /** The terms of an output cell: per channel, what lies under each tap. */
  terms([row, column], axes) {
    const { border, constant } = this.state;
    const rows = axes[0].taps(row);
    const columns = axes[1].taps(column);
    return times(this.given.channels, (channel) =>
      rows.flatMap((top, i) =>
        columns.map((left, j) => {
          const cell = [axes[0].source(top, border), axes[1].source(left, border)];
          const isCell = cell[0] >= 0 && cell[1] >= 0;
          const outside = top < 0 || left < 0 || top >= axes[0].span || left >= axes[1].span;
          const fill = outside && border === "constant" ? constant : 0;
          return {
            isCell,
            outside,
            x: isCell ? this.x(channel, cell[0], cell[1]) : fill,
            w: this.isPool ? 1 : this.tap(channel, i, j),
          };
        }),
      ),
    );
  }

  /** The values of an output cell: one, or for a pool one per channel. */
  values(cell, axes) {
    const terms = this.terms(cell, axes);
    if (this.isPool) {
      const kind = this.state.operation.split(" ")[0];
      return terms.map((channel) =>
        POOLS[kind](
          channel.filter((term) => kind === "average" || !term.outside).map((term) => term.x),
        ),
      );
    }
    return [sum(terms.flat().map((term) => term.x * term.w)) + this.state.bias];
  }

  drawControls() {
    const { state } = this;
    const change = (act) => (value) => {
      this.stop();
      act(value);
      this.update();
    };
    // one slider for both axes, or one for each where they differ
    const sliders = (name, field, assign) => {
      const [minimum, maximum] = LIMITS[name];
      const values = state[field].map((value) => (Array.isArray(value) ? value[0] : value));
      const one = (label, k, act) =>
        slider(label, minimum, Math.max(maximum, values[k]), values[k], change(act));
      if (values[0] === values[1])
        return [one(name, 0, (value) => (state[field] = [assign(value), assign(value)]))];
      return ["rows", "columns"].map((axis, k) =>
        one(`${name} ${axis}`, k, (value) => (state[field][k] = assign(value))),
      );
    };
    const same = (value) => value;
    const isPlain = !this.isTransposed && !this.isPool;
    this.controls.replaceChildren(
      choice("operation", OPERATIONS, state.operation, (value) => {
        state.operation = value;
        if (this.isTransposed || this.isPool) state.border = "zero";
        this.drawControls();
        this.update();
      }),
      ...(isPlain
        ? [
            choice(
              "border",
              Object.keys(BORDERS),
              state.border,
              change((v) => (state.border = v)),
            ),
          ]
        : []),
      ...sliders("input", "input", same),
      ...sliders("kernel", "kernel", same),
      ...sliders("stride", "stride", same),
      ...sliders("padding", "padding", (value) => [value, value]),
      ...sliders("dilation", "dilation", same),
      ...(this.isTransposed ? sliders("output padding", "extra", same) : []),
      button("as it began", () => {
        this.stop();
        this.state = structuredClone(this.given.state);
        this.drawControls();
        this.select([0, 0]);
      }),
    );
  }

  walkButtons() {
    this.play = button("play", () => (this.timer ? this.stop() : this.start()));
    return html(
      "div",
      { class: "buttons" },
      button("first", () => this.step(-Infinity)),
      button("back", () => this.step(-1)),
      this.play,
      button("next", () => this.step(1)),
    );
  }

  start() {
    this.play.textContent = "stop";
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.timer = setInterval(() => this.step(1, true), calm ? 1500 : 600);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "play";
  }

  /** Moves the window on by some cells of the output, in reading order. */
  step(by, playing = false) {
    if (!playing) this.stop();
    const [rows, columns] = this.size;
    if (!rows) return;
    const place = this.cell[0] * columns + this.cell[1] + by;
    const next = by < -1 ? 0 : modulo(place, rows * columns);
    this.select([Math.floor(next / columns), next % columns]);
  }

  select(cell) {
    this.cell = cell;
    this.update();
  }

  /** Whole numbers of the state, as many as it has; and its names. */
  readLink() {
    const { state } = this;
    const given = linked();
    for (const [name, value] of Object.entries(state)) {
      if (!Array.isArray(value)) continue;
      const numbers = (given[name] ?? "").split(",").map((one) => parseInt(one, 10));
      const least = ["padding", "extra"].includes(name) ? 0 : 1;
      if (numbers.length !== value.flat().length) continue;
      if (!numbers.every((number) => number >= least && number <= 64)) continue;
      state[name] = name === "padding" ? [numbers.slice(0, 2), numbers.slice(2)] : numbers;
    }
    if (OPERATIONS.includes(given.operation)) state.operation = given.operation;
    if (given.border in BORDERS) state.border = given.border;
    this.cell = linkedPair(given.cell, [64, 64]) ?? this.cell;
  }

  update() {
    const axes = this.axes();
    const refusal = this.refusal(axes);
    this.size = refusal ? [0, 0] : axes.map((axis) => axis.outputs);
    this.cell = this.cell.map((value, k) => Math.min(value, Math.max(this.size[k] - 1, 0)));
    this.formula.replaceChildren(...this.formulas(axes, refusal));
    const focused = document.activeElement?.dataset?.grid;
    this.stage.replaceChildren(...this.pictures(axes, refusal));
    if (focused) this.stage.querySelector(`[data-grid="${focused}"]`)?.focus();
    this.sum.replaceChildren(...(refusal ? [] : this.sums(axes)));
    const { operation, border, ...rest } = this.state;
    const lists = Object.entries(rest).filter(([, value]) => Array.isArray(value));
    link({ operation, border, ...Object.fromEntries(lists), cell: this.cell });
  }

  /** The output's length with its numbers in place, for each axis that differs. */
  formulas(axes, refusal) {
    const { state } = this;
    const line = (k) => {
      const [before, after] = state.padding[k];
      const pads = before === after ? `2·${before}` : `${before} + ${after}`;
      const taps = `${state.dilation[k]}·(${state.kernel[k]} − 1)`;
      if (this.isTransposed)
        return (
          `(${state.input[k]} − 1)·${state.stride[k]} − ${before === after ? pads : `(${pads})`}` +
          ` + ${taps} + ${state.extra[k]} + 1 = ${axes[k].outputs}`
        );
      const room = axes[k].before + axes[k].span + axes[k].after - axes[k].reach;
      const rest = room < 0 ? "no place" : axes[k].outputs;
      return `⌊(${state.input[k]} + ${pads} − ${taps} − 1) / ${state.stride[k]}⌋ + 1 = ${rest}`;
    };
    const lines = [line(0), line(1)];
    const same = lines[0] === lines[1];
    const shown = same ? [lines[0]] : [`rows: ${lines[0]}`, `columns: ${lines[1]}`];
    const result = refusal || `output ${axes[0].outputs} × ${axes[1].outputs}`;
    const unread = axes.map((axis) => axis.cells - this.readCells(axis).size);
    const note =
      !refusal && Math.max(...unread)
        ? ` – ${unread[0]} rows and ${unread[1]} columns of the input are never read`
        : "";
    return [
      ...shown.map((one) => html("code", {}, one)),
      html(
        "p",
        {
          class: refusal ? "refusal" : "result",
          "data-output": refusal ? "" : axes.map((axis) => axis.outputs).join("x"),
        },
        result + note,
      ),
    ];
  }

  /** The cells of an axis that any window reads. */
  readCells(axis) {
    const read = new Set();
    for (let output = 0; output < axis.outputs; output += 1)
      for (const position of axis.taps(output)) {
        const cell = axis.source(position, this.state.border);
        if (cell >= 0) read.add(cell);
      }
    return read;
  }

  pictures(axes, refusal) {
    const canvases = times(this.given.channels, (channel) => this.canvas(channel, axes, refusal));
    const parts = [figure(this.channelled("input"), ...canvases)];
    if (!this.isPool)
      parts.push(html("div", { class: "sign", "aria-hidden": "true" }, "∗"), this.kernels());
    parts.push(html("div", { class: "sign", "aria-hidden": "true" }, "="));
    if (refusal) parts.push(html("p", { class: "refusal" }, "no output"));
    else parts.push(figure("output", ...this.outputs(axes)));
    return parts;
  }

  channelled(name) {
    const { channels } = this.given;
    return channels > 1 ? `${name}, ${channels} channels` : name;
  }

  kernels() {
    const matrices = times(this.given.channels, (channel) => {
      const [rows, columns] = this.state.kernel;
      const matrix = times(rows, (i) => times(columns, (j) => this.w(channel, i, j)));
      return matrixInputs(matrix, this.channelled("kernel"), (i, j, number) => {
        this.given.kernel[channel] ??= [];
        this.given.kernel[channel][i] ??= [];
        this.given.kernel[channel][i][j] = number;
        this.update();
      });
    });
    const bias = this.state.bias ? [html("p", {}, `bias ${text(this.state.bias)}`)] : [];
    return figure("kernel", ...matrices, ...bias);
  }

  /** A channel of the input with what lies around it and the window on it. */
  canvas(channel, axes, refusal) {
    const { border, constant } = this.state;
    const [first, last] = [0, 1].map((end) => axes.map((axis) => axis.drawn[end]));
    const shape = [last[0] - first[0] + 1, last[1] - first[1] + 1];
    const read = axes.map((axis) => this.readCells(axis));
    const under = refusal ? [[], []] : axes.map((axis, k) => axis.taps(this.cell[k]));
    return grid(shape, {
      name: `input${this.given.channels > 1 ? ` channel ${channel}` : ""}`,
      cell: (i, j) => {
        const at = [i + first[0], j + first[1]];
        const inside = at.every((p, k) => p >= 0 && p < axes[k].span);
        const cells = at.map((p, k) => axes[k].source(p, border));
        const isCell = cells[0] >= 0 && cells[1] >= 0;
        const isUnder = under[0].includes(at[0]) && under[1].includes(at[1]);
        const kinds = [];
        if (!inside) kinds.push("padding");
        else if (!isCell) kinds.push("hole");
        else if (!refusal && !(read[0].has(cells[0]) && read[1].has(cells[1])))
          kinds.push("unread");
        else kinds.push("cell");
        if (isUnder) kinds.push("under");
        const fill = !inside && border === "constant" ? constant : 0;
        return { kinds, value: text(isCell ? this.x(channel, ...cells) : fill) };
      },
      pick: refusal
        ? null
        : (i, j) => this.select(this.outputAt([i + first[0], j + first[1]], axes)),
    });
  }

  /** The output cell whose window has its middle nearest to a position. */
  outputAt(position, axes) {
    return position.map((p, k) => {
      const axis = axes[k];
      const middle = (axis.reach - 1) / 2;
      const output = Math.round((p + axis.before - middle) / axis.stride);
      return Math.min(Math.max(output, 0), axis.outputs - 1);
    });
  }

  outputs(axes) {
    const count = this.isPool ? this.given.channels : 1;
    const all = new Map();
    const valueAt = (i, j) => {
      const key = `${i},${j}`;
      if (!all.has(key)) all.set(key, this.values([i, j], axes));
      return all.get(key);
    };
    return times(count, (channel) =>
      grid(this.size, {
        name: `output${count > 1 ? ` channel ${channel}` : ""}`,
        cell: (i, j) => ({
          kinds: ["result", ...(i === this.cell[0] && j === this.cell[1] ? ["chosen"] : [])],
          value: text(valueAt(i, j)[channel]),
        }),
        pick: (i, j) => this.select([i, j]),
        key: (event) =>
          arrows(event, this.cell, this.size, (cell) => {
            this.stop();
            this.select(cell);
          }),
      }),
    );
  }

  /** Every product of the chosen cell, and their sum. */
  sums(axes) {
    const terms = this.terms(this.cell, axes);
    const values = this.values(this.cell, axes);
    const heading = html("h3", {}, `row ${this.cell[0]}, column ${this.cell[1]}`);
    const columns = this.state.kernel[1];
    const tables = terms.map((channel) => termTable(channel, columns, this.isPool));
    let line;
    if (this.isPool) {
      const kind = this.state.operation.split(" ")[0];
      line = `${kind} = ${values.map((value) => text(value)).join(", ")}`;
    } else {
      const products = terms.flat().map((term) => factor(term.x * term.w));
      const bias = this.state.bias ? ` + ${factor(this.state.bias)}` : "";
      line = `${products.join(" + ")}${bias} = ${text(values[0])}`;
    }
    return [
      heading,
      html("div", { class: "tables" }, ...tables),
      html("p", { class: "equation", "data-value": values.join(" ") }, line),
    ];
  }
}

/** The products under a window, as a table of its taps. */
function termTable(terms, columns, plain = false) {
  const rows = [];
  for (let start = 0; start < terms.length; start += columns)
    rows.push(
      html(
        "tr",
        {},
        ...terms
          .slice(start, start + columns)
          .map((term) =>
            html(
              "td",
              { class: term.isCell ? "" : "padding" },
              plain ? text(term.x, 3) : `${factor(term.x, 3)}·\u200b${factor(term.w, 3)}`,
            ),
          ),
      ),
    );
  return html("table", { class: "terms" }, ...rows);
}

/** Cells with values, as SVG. `cell(i, j)` gives kinds and a value; `pick` is called with a place. */
function grid([rows, columns], { name, cell, pick, key }) {
  const size = Math.max(18, Math.min(40, Math.floor(460 / Math.max(columns, 1))));
  const marks = [];
  for (let i = 0; i < rows; i += 1)
    for (let j = 0; j < columns; j += 1) {
      const { kinds, value } = cell(i, j);
      const long = value.length > 4 ? "long" : "";
      marks.push(
        svg("rect", {
          x: j * size + 1,
          y: i * size + 1,
          width: size - 2,
          height: size - 2,
          class: kinds.join(" "),
        }),
        svg(
          "text",
          { x: (j + 0.5) * size, y: (i + 0.5) * size, class: `${kinds.join(" ")} ${long}` },
          value.length > 6 ? `${value.slice(0, 5)}…` : value,
        ),
      );
    }
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${columns * size} ${rows * size}`,
      width: columns * size,
      height: rows * size,
      role: "img",
      "aria-label": `${name}, ${rows} rows, ${columns} columns${key ? "; arrow keys move the window" : ""}`,
      "data-grid": name,
      tabindex: key ? 0 : undefined,
    },
    ...marks,
  );
  if (key) drawing.addEventListener("keydown", key);
  if (pick)
    drawing.addEventListener("pointerdown", (event) =>
      pick(...cellUnder(event, drawing, [rows, columns])),
    );
  // on the output the window follows the pointer; on the input it waits for a press
  if (key)
    drawing.addEventListener("pointermove", (event) =>
      pick(...cellUnder(event, drawing, [rows, columns])),
    );
  return drawing;
}
