// A kernel on a picture: before and after, and the window under the pointer with every product.

const MAX_TABLE = 9; // taps per axis whose products are written out
const MAX_SIDE = 512; // pixels per side of a picture that is opened in the page

class PictureLesson {
  constructor(data, root) {
    this.data = data;
    this.root = root;
    this.pixels = new Uint8ClampedArray(bytesOf(data.picture.samples));
    this.size = [data.picture.height, data.picture.width];
    this.channels = data.picture.channels;
    this.kernel = structuredClone(data.kernel);
    this.border = data.border;
    this.channel = 0;
    this.cell = data.cell ?? this.size.map((length) => length >> 1);
    this.readLink();
    this.controls = html("form", { class: "controls", onsubmit: (e) => e.preventDefault() });
    this.matrices = html("div", { class: "tables" });
    this.note = html("p", { class: "note" }, data.note);
    this.before = this.view("before");
    this.after = this.view("after");
    this.window = html("div", { class: "sum", "aria-live": "polite" });
    root.append(
      this.controls,
      this.matrices,
      this.note,
      html("div", { class: "stage" }, this.before.figure, this.after.figure, this.window),
    );
    this.drawControls();
    this.drawKernel();
    this.filter();
  }

  /** A canvas of the picture, with a mark of the window on it. */
  view(caption) {
    const canvas = html("canvas");
    const mark = html("div", { class: "mark", "aria-hidden": "true" });
    const board = html(
      "div",
      {
        class: "board",
        tabindex: 0,
        role: "img",
        "aria-label": `${caption}; arrow keys move the window`,
        "data-grid": caption,
        onpointermove: (event) => this.select(cellUnder(event, canvas, this.size)),
        onpointerdown: (event) => this.select(cellUnder(event, canvas, this.size)),
        onkeydown: (event) => arrows(event, this.cell, this.size, (cell) => this.select(cell)),
      },
      canvas,
      mark,
    );
    return { canvas, mark, board, figure: figure(caption, board) };
  }

  drawControls() {
    const file = html("input", {
      type: "file",
      accept: "image/*",
      onchange: () => file.files.length && this.open(file.files[0]),
    });
    const names = Object.keys(this.data.catalogue);
    const listed = names.includes(this.kernel.name) ? names : [this.kernel.name, ...names];
    this.controls.replaceChildren(
      choice("kernel", listed, this.kernel.name, (name) => {
        this.kernel = structuredClone(this.data.catalogue[name] ?? this.data.kernel);
        this.drawKernel();
        this.filter();
      }),
      choice(
        "border",
        Object.keys(BORDERS).filter((name) => !["valid", "constant"].includes(name)),
        this.border,
        (name) => {
          this.border = name;
          this.filter();
        },
      ),
      html("label", {}, html("span", {}, "your picture (it stays on this machine)"), file),
    );
  }

  /** The matrices of the kernel, to edit. */
  drawKernel() {
    const { parts, combine } = this.kernel;
    const shown = parts
      .slice(0, 2)
      .filter((part) => part.length <= MAX_TABLE && part[0].length <= MAX_TABLE);
    const how = { magnitude: "√(Σ response²) of", maximum: "the largest of", sum: "the sum of" };
    const title = combine ? `${how[combine]} ${parts.length} matrices` : "";
    const [rows, columns] = [parts[0].length, parts[0][0].length];
    const large = shown.length ? "" : `${rows} × ${columns} weights, too many to edit here`;
    this.matrices.replaceChildren(
      ...[title, large].filter(Boolean).map((one) => html("p", {}, one)),
      ...shown.map((part, k) =>
        matrixInputs(part, `matrix ${k + 1}`, (i, j, number) => {
          part[i][j] = number;
          this.edited();
        }),
      ),
    );
  }

  /** After an edit the range follows from the weights, as convcli's `--range auto` does. */
  edited() {
    const { kernel } = this;
    if (kernel.parts.length === 1) {
      const flat = kernel.parts[0].flat();
      const turned = [...flat].reverse();
      const total = sum(flat);
      const isZero = Math.abs(total) < 1e-9;
      const isGradient =
        isZero && flat.some(Boolean) && flat.every((w, k) => Math.abs(w + turned[k]) < 1e-9);
      const step = sum(flat.filter((w) => w > 0));
      kernel.absolute = isGradient || total < 1e-9;
      kernel.gain = isGradient ? 1 / step : 1;
    }
    this.kernel.name = "edited";
    this.drawControls();
    this.filter();
  }

  /** Rows and columns that hold every part. */
  get shape() {
    const { parts } = this.kernel;
    return [
      Math.max(...parts.map((part) => part.length)),
      Math.max(...parts.map((part) => part[0].length)),
    ];
  }

  /** The place of the output pixel in a part of the kernel. */
  anchor(part) {
    const { anchor, parts } = this.kernel;
    return anchor && parts.length === 1
      ? anchor
      : [(part.length - 1) >> 1, (part[0].length - 1) >> 1];
  }

  /** For each tap of an axis, the cell that every place reads; −1 for black beyond a zero border. */
  reads(axis, taps, anchor) {
    const length = this.size[axis];
    return times(taps, (tap) =>
      Int32Array.from({ length }, (_place, place) => {
        const position = place + tap - anchor;
        if (position >= 0 && position < length) return position;
        return bordered(this.border, position, length);
      }),
    );
  }

  /** The responses of a matrix to a channel. */
  correlate(part, channel) {
    const [rows, columns] = this.size;
    const [top, left] = this.anchor(part);
    const down = this.reads(0, part.length, top);
    const across = this.reads(1, part[0].length, left);
    const out = new Float64Array(rows * columns);
    for (let i = 0; i < part.length; i += 1)
      for (let j = 0; j < part[0].length; j += 1) {
        const w = part[i][j];
        if (!w) continue;
        for (let row = 0; row < rows; row += 1) {
          const source = down[i][row] * columns;
          if (source < 0) continue;
          for (let column = 0; column < columns; column += 1) {
            const from = across[j][column];
            if (from >= 0)
              out[row * columns + column] +=
                w * this.pixels[(source + from) * this.channels + channel];
          }
        }
      }
    return out;
  }

  /** One response out of those of all parts. */
  combined(responses) {
    if (this.kernel.combine === "magnitude") return Math.sqrt(sum(responses.map((r) => r * r)));
    if (this.kernel.combine === "maximum") return Math.max(...responses);
    return sum(responses);
  }

  /** A sample out of a response: rounded half up and clipped. */
  sample(response) {
    const { absolute, gain, offset } = this.kernel;
    const value = (absolute ? Math.abs(response) : response) * gain + offset;
    return Math.min(Math.max(Math.floor(value + 0.5), 0), 255);
  }

  filter() {
    const [rows, columns] = this.size;
    this.result = new Uint8ClampedArray(this.pixels.length);
    for (let channel = 0; channel < this.channels; channel += 1) {
      const parts = this.kernel.parts.map((part) => this.correlate(part, channel));
      for (let place = 0; place < rows * columns; place += 1)
        this.result[place * this.channels + channel] = this.sample(
          this.combined(parts.map((part) => part[place])),
        );
    }
    this.paint(this.before.canvas, this.pixels);
    this.paint(this.after.canvas, this.result);
    this.select(this.cell);
  }

  paint(canvas, samples) {
    const gray = this.channels === 1;
    const color = (place) =>
      gray ? Array(3).fill(samples[place]) : samples.subarray(3 * place, 3 * place + 3);
    pixels(...this.size, color, canvas);
  }

  /** Opens a picture of the visitor, made smaller where it is large. */
  open(file) {
    const reader = new FileReader();
    reader.onload = () => {
      const image = new Image();
      image.onload = () => {
        const shrink = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
        this.size = [image.height, image.width].map((side) =>
          Math.max(1, Math.round(side * shrink)),
        );
        const canvas = html("canvas", { width: this.size[1], height: this.size[0] });
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0, this.size[1], this.size[0]);
        const { data } = context.getImageData(0, 0, this.size[1], this.size[0]);
        this.channels = 3;
        this.pixels = data.filter((_, k) => k % 4 !== 3);
        this.channel = 0;
        this.cell = this.size.map((length) => length >> 1);
        const reduced = shrink < 1 ? `, reduced from ${image.height}x${image.width}` : "";
        this.note.textContent = `${file.name}: ${this.size[0]}x${this.size[1]} pixels${reduced}`;
        this.filter();
      };
      image.onerror = () => {
        this.note.textContent = `${file.name} is not a picture that this browser reads`;
      };
      image.src = reader.result;
    };
    reader.readAsDataURL(file);
  }

  select(cell) {
    this.cell = cell.map((value, k) => Math.min(value, this.size[k] - 1));
    const [top, left] = this.kernel.anchor ?? this.shape.map((taps) => (taps - 1) >> 1);
    const box = [this.cell[0] - top, this.cell[1] - left, ...this.shape];
    for (const { mark } of [this.before, this.after]) placeMark(mark, box, this.size);
    this.drawWindow();
    link({
      kernel: this.kernel.name,
      border: this.border,
      channel: this.channel,
      cell: this.cell,
    });
  }

  readLink() {
    const given = linked();
    if (given.kernel in this.data.catalogue)
      this.kernel = structuredClone(this.data.catalogue[given.kernel]);
    if (given.border in BORDERS && given.border !== "valid") this.border = given.border;
    if (Number(given.channel) in Array(this.channels).fill(0)) this.channel = Number(given.channel);
    this.cell = linkedPair(given.cell, this.size) ?? this.cell;
  }

  /** The sample under a tap, 0 beyond a zero border. */
  under(part, i, j) {
    const [top, left] = this.anchor(part);
    const at = [this.cell[0] + i - top, this.cell[1] + j - left];
    const [row, column] = at.map((p, k) =>
      p >= 0 && p < this.size[k] ? p : bordered(this.border, p, this.size[k]),
    );
    const isCell = at.every((p, k) => p >= 0 && p < this.size[k]);
    if (row < 0 || column < 0) return { isCell, x: 0 };
    return { isCell, x: this.pixels[(row * this.size[1] + column) * this.channels + this.channel] };
  }

  drawWindow() {
    const { kernel } = this;
    const names = this.channels === 3 ? ["red", "green", "blue"] : ["gray"];
    const responses = [];
    const tables = kernel.parts.map((part) => {
      const terms = part.flatMap((row, i) => row.map((w, j) => ({ ...this.under(part, i, j), w })));
      responses.push(sum(terms.map((term) => term.x * term.w)));
      const fits =
        part.length <= MAX_TABLE && part[0].length <= MAX_TABLE && kernel.parts.length <= 2;
      return html(
        "div",
        {},
        ...(fits ? [termTable(terms, part[0].length)] : []),
        html("p", { class: "equation" }, `sum = ${text(responses.at(-1))}`),
      );
    });
    const response = this.combined(responses);
    const place = (this.cell[0] * this.size[1] + this.cell[1]) * this.channels + this.channel;
    const steps = [
      kernel.combine ? `${kernel.combine} = ${text(response)}` : "",
      kernel.absolute && kernel.combine !== "magnitude"
        ? `without its sign ${text(Math.abs(response))}`
        : "",
      kernel.gain !== 1 ? `times ${text(kernel.gain)}` : "",
      kernel.offset ? `plus ${text(kernel.offset)}` : "",
    ].filter(Boolean);
    const focused = document.activeElement?.dataset?.name === "channel";
    const list = choice("channel", names, names[this.channel], (name) => {
      this.channel = names.indexOf(name);
      this.select(this.cell);
    });
    this.window.replaceChildren(
      html("h3", {}, `row ${this.cell[0]}, column ${this.cell[1]}`),
      ...(this.channels > 1 ? [list] : []),
      html("div", { class: "tables" }, ...tables),
      html(
        "p",
        { class: "equation", "data-value": response, "data-sample": this.result[place] },
        [...steps, `${this.pixels[place]} → ${this.result[place]}`].join("; "),
      ),
    );
    if (focused) list.querySelector("select").focus();
  }
}

/** Puts a mark over cells (top, left, rows, columns) of a board that shows `size` cells. */
function placeMark(mark, [top, left, rows, columns], size) {
  const percent = (cells, length) => `${(100 * cells) / length}%`;
  const first = [Math.max(top, 0), Math.max(left, 0)];
  const last = [Math.min(top + rows, size[0]), Math.min(left + columns, size[1])];
  mark.style.top = percent(first[0], size[0]);
  mark.style.left = percent(first[1], size[1]);
  mark.style.height = percent(Math.max(last[0] - first[0], 0), size[0]);
  mark.style.width = percent(Math.max(last[1] - first[1], 0), size[1]);
}
