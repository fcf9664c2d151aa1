// A walk through a network: the maps of every layer, and how each cell of them is computed.

const SHOWN_MAPS = 64; // maps of a layer that are drawn before the others are asked for
const LARGEST = 12; // contributions of a linear layer that are listed

class NetworkLesson {
  constructor(data, root) {
    this.data = data;
    this.nodes = new Map(data.nodes.map((node) => [node.name, node]));
    this.decoded = new Map();
    this.node = data.nodes[Math.min(1, data.nodes.length - 1)];
    this.channel = 0;
    this.cell = [0, 0];
    this.source = 0;
    this.all = false;
    this.table = html("nav", { class: "layers", "aria-label": "layers" });
    this.maps = html("section", { class: "maps" });
    this.sum = html("section", { class: "sum", "aria-live": "polite" });
    this.picture = this.inputView();
    root.append(
      ...data.notes.map((note) => html("p", { class: "note" }, note)),
      html(
        "div",
        { class: "walk" },
        this.table,
        html("div", {}, this.picture.figure, this.maps),
        this.sum,
      ),
    );
    this.readLink();
    this.drawTable();
    this.open(this.node, this.channel, this.cell);
  }

  /** The maps of a node; null where they were left out. */
  values(name) {
    const node = this.nodes.get(name);
    if (!node?.maps) return null;
    if (!this.decoded.has(name)) {
      const scale = 2 ** node.maps.exponent;
      this.decoded.set(
        name,
        float16(node.maps.values).map((value) => value * scale),
      );
    }
    return this.decoded.get(name);
  }

  weights(node, role) {
    const key = `${node.name} ${role}`;
    if (!node.weights?.[role]) return null;
    if (!this.decoded.has(key)) this.decoded.set(key, float32(node.weights[role]));
    return this.decoded.get(key);
  }

  /** Channels, rows and columns; a vector is a row of one channel. */
  shape(node) {
    const [first, ...lengths] = node.shape;
    if (!lengths.length) return [1, 1, first];
    return lengths.length === 1 ? [first, 1, lengths[0]] : [first, ...lengths];
  }

  middle(node) {
    return this.shape(node)
      .slice(1)
      .map((length) => length >> 1);
  }

  at(name, channel, row, column) {
    const [, rows, columns] = this.shape(this.nodes.get(name));
    return this.values(name)[(channel * rows + row) * columns + column];
  }

  drawTable() {
    const head = ["layer", "output", "params", "MACs", "sees"];
    this.table.replaceChildren(
      html(
        "table",
        {},
        html("tr", {}, ...head.map((name) => html("th", { scope: "col" }, name))),
        ...this.data.nodes.map((node) =>
          html(
            "tr",
            {},
            html(
              "th",
              { scope: "row" },
              button(node.name, () => this.open(node, 0, this.middle(node)), {
                "data-layer": node.name,
              }),
            ),
            html("td", {}, [...node.shape.slice(1), node.shape[0]].join("x")),
            html("td", {}, thousands(node.params)),
            html("td", {}, thousands(node.macs)),
            html("td", {}, node.field ? node.field.map(([size]) => size).join("x") : ""),
          ),
        ),
      ),
    );
  }

  inputView() {
    const [node] = this.data.nodes;
    const [channels, rows, columns] = this.shape(node);
    const values = this.values(node.name);
    const [low, high] = extent(values);
    const level = (place) => (255 * (values[place] - low)) / (high - low || 1);
    const planes = channels === 3 ? [0, 1, 2] : [0, 0, 0];
    const canvas = pixels(rows, columns, (place) =>
      planes.map((plane) => level(plane * rows * columns + place)),
    );
    const mark = html("div", { class: "mark", "aria-hidden": "true" });
    const board = html("div", { class: "board" }, canvas, mark);
    const caption = "the picture, and what the cell sees of it";
    return { mark, size: [rows, columns], figure: figure(caption, board) };
  }

  /** Shows a layer, with a cell of one of its maps. */
  open(node, channel, cell) {
    this.node = node;
    this.all = false;
    for (const button of this.table.querySelectorAll("button"))
      button.setAttribute("aria-current", String(button.dataset.layer === node.name));
    this.select(channel, cell);
    this.drawMaps();
  }

  select(channel, cell) {
    const [channels, rows, columns] = this.shape(this.node);
    this.channel = Math.min(channel, channels - 1);
    this.cell = [Math.min(cell[0], rows - 1), Math.min(cell[1], columns - 1)];
    for (const board of this.maps.querySelectorAll(".board")) {
      const isChosen = Number(board.dataset.channel) === this.channel;
      board.classList.toggle("chosen", isChosen);
      board.tabIndex = isChosen ? 0 : -1;
      if (isChosen) placeMark(board.querySelector(".mark"), [...this.cell, 1, 1], [rows, columns]);
    }
    this.drawField();
    this.drawSum();
    link({ layer: this.node.name, channel: this.channel, cell: this.cell });
  }

  readLink() {
    const given = linked();
    this.node = this.nodes.get(given.layer) ?? this.node;
    const [channels, rows, columns] = this.shape(this.node);
    const channel = Number(given.channel);
    if (Number.isInteger(channel) && channel >= 0 && channel < channels) this.channel = channel;
    this.cell = linkedPair(given.cell, [rows, columns]) ?? this.middle(this.node);
  }

  drawMaps() {
    const { node } = this;
    const [channels, rows, columns] = this.shape(node);
    const values = this.values(node.name);
    const title = html("h2", {}, `${node.name}: ${node.type}`);
    if (!values) {
      this.maps.replaceChildren(title, html("p", { class: "note" }, node.why));
      return;
    }
    const largest = Math.max(...extent(values).map(Math.abs));
    const count = this.all ? channels : Math.min(channels, SHOWN_MAPS);
    const boards = times(count, (channel) => this.mapView(channel, largest));
    const showAll = button(`show all ${channels} maps`, () => {
      this.all = true;
      this.drawMaps();
    });
    const size = rows === 1 ? `${columns} values` : `${channels} maps of ${rows}x${columns}`;
    this.maps.replaceChildren(
      title,
      html("p", {}, size, ", ", legend(largest)),
      html("div", { class: "boards" }, ...boards),
      ...(count < channels ? [showAll] : []),
    );
    this.select(this.channel, this.cell);
  }

  mapView(channel, largest) {
    const [, rows, columns] = this.shape(this.node);
    const values = this.values(this.node.name);
    const canvas = pixels(rows, columns, (place) =>
      signedColor(values[channel * rows * columns + place] / (largest || 1)),
    );
    const pick = (event) => this.select(channel, cellUnder(event, canvas, [rows, columns]));
    return html(
      "div",
      {
        class: rows === 1 ? "board vector" : "board",
        role: "img",
        "aria-label": `map ${channel} of ${this.node.name}; arrow keys move the cell, page keys change the map`,
        "data-channel": channel,
        tabindex: -1,
        onpointerdown: pick,
        onkeydown: (event) => this.key(event, [rows, columns]),
      },
      canvas,
      html("div", { class: "mark", "aria-hidden": "true" }),
    );
  }

  key(event, size) {
    const turn = { PageDown: 1, PageUp: -1 }[event.key];
    if (turn) {
      event.preventDefault();
      const count = this.maps.querySelectorAll(".board").length;
      this.select(modulo(this.channel + turn, count), this.cell);
    } else arrows(event, this.cell, size, (cell) => this.select(this.channel, cell));
    this.maps.querySelector(".board.chosen")?.focus();
  }

  /** The receptive field of the cell, on the picture. */
  drawField() {
    const { mark, size } = this.picture;
    const fields = this.node.field;
    mark.hidden = !fields;
    if (!fields) return;
    const place = fields.length === 1 ? [this.cell[1]] : this.cell;
    const [top, left] = fields.map(([, jump, first], k) => first + place[k] * jump);
    placeMark(mark, [top, left, fields[0][0], fields.at(-1)[0]], size);
  }

  drawSum() {
    const { node, cell, channel } = this;
    const values = this.values(node.name);
    const parts = [
      html("h3", {}, `${node.name}, map ${channel}, row ${cell[0]}, column ${cell[1]}`),
    ];
    if (values)
      parts.push(
        html("p", {}, `value ${text(this.at(node.name, channel, ...cell), 3)}, stored in 16 bits`),
      );
    const missing = node.inputs.find((name) => !this.values(name));
    if (node.step && missing !== undefined)
      parts.push(html("p", { class: "note" }, `the maps of ${missing}, its input, were left out`));
    else if (node.step && (!node.step.needs || node.weights)) {
      parts.push(...STEPS[node.step.kind].call(this, node, node.step));
      this.drawSources(parts, node);
    } else if (node.why && values) parts.push(html("p", { class: "note" }, node.why));
    this.sum.replaceChildren(...parts);
  }

  /** Buttons that go to the inputs. */
  drawSources(parts, node) {
    const buttons = node.inputs.map((name) =>
      button(`to ${name}`, () =>
        this.open(this.nodes.get(name), this.source, this.middle(this.nodes.get(name))),
      ),
    );
    parts.push(html("div", { class: "buttons" }, ...buttons));
  }

  /** What lies under a window on one channel of a node. */
  under(name, channel, axes) {
    const [rows, columns] = this.cell.map((output, k) => axes[k].taps(output));
    const { border = "zero" } = this.node.step;
    return rows.flatMap((top) =>
      columns.map((left) => {
        const row = axes[0].source(top, border);
        const column = axes[1].source(left, border);
        const isCell = row >= 0 && column >= 0;
        return { isCell, x: isCell ? this.at(name, channel, row, column) : 0 };
      }),
    );
  }

  axes(node, step) {
    const [, ...lengths] = this.shape(this.nodes.get(node.inputs[0]));
    return [0, 1].map((k) => {
      const axis = {
        cells: lengths[k],
        kernel: step.kernel[k],
        stride: step.stride[k],
        dilation: step.dilation[k],
        before: step.padding[k][0],
        after: step.padding[k][1],
      };
      return step.kind === "transposed"
        ? transposedAxis({ ...axis, extra: step.extra[k] })
        : new Axis(axis);
    });
  }

  /** The sum over input channels with its bias; the products of one of the channels. */
  convolved(node, step, weightOf) {
    const [name] = node.inputs;
    const axes = this.axes(node, step);
    const [channels] = this.shape(this.nodes.get(name));
    const filters = node.shape[0];
    const each = channels / step.groups;
    const first = Math.floor(this.channel / (filters / step.groups)) * each;
    const terms = times(each, (k) =>
      this.under(name, first + k, axes).map((term, tap) => ({
        ...term,
        w: weightOf(k, first + k, tap),
      })),
    );
    const sums = terms.map((channel) => sum(channel.map((term) => term.x * term.w)));
    const bias = this.weights(node, "bias")?.[this.channel];
    const total = sum(sums) + (bias ?? 0);
    const chosen = Math.min(this.source, each - 1);
    const parts = sums.map((value) => factor(value)).slice(0, 16);
    if (sums.length > 16) parts.push("…");
    const ending = bias === undefined ? "" : ` + bias ${factor(bias)}`;
    const list =
      each > 1
        ? [
            choice(
              "input channel",
              times(each, (k) => String(first + k)),
              String(first + chosen),
              (value) => {
                this.source = Number(value) - first;
                this.drawSum();
                this.sum.querySelector("select")?.focus();
              },
            ),
          ]
        : [];
    const [rows, columns] = step.kernel;
    return [
      ...list,
      rows <= MAX_TABLE + 2 && columns <= MAX_TABLE + 2
        ? termTable(terms[chosen], columns)
        : html("p", {}, `${rows}x${columns} products`),
      html("p", { class: "equation" }, `channel ${first + chosen}: ${text(sums[chosen])}`),
      equation(total, `${parts.join(" + ")}${ending} = ${text(total)}`),
    ];
  }
}

/** How a cell of each kind of layer is computed; `this` is the lesson. */
const STEPS = {
  convolution(node, step) {
    const weight = this.weights(node, "weight");
    const taps = step.kernel[0] * step.kernel[1];
    const each = this.shape(this.nodes.get(node.inputs[0]))[0] / step.groups;
    return this.convolved(
      node,
      step,
      (k, _channel, tap) => weight[(this.channel * each + k) * taps + tap],
    );
  },

  transposed(node, step) {
    const weight = this.weights(node, "weight");
    const taps = step.kernel[0] * step.kernel[1];
    const each = node.shape[0] / step.groups;
    return this.convolved(
      node,
      step,
      (_k, channel, tap) =>
        weight[(channel * each + (this.channel % each)) * taps + (taps - 1 - tap)],
    );
  },

  pool(node, step) {
    const terms = this.under(node.inputs[0], this.channel, this.axes(node, step));
    const inside = terms.filter((term) => term.isCell).map((term) => term.x);
    const value =
      step.pool === "average"
        ? sum(inside) / step.divisors[0][this.cell[0]] / step.divisors[1][this.cell[1]]
        : POOLS[step.pool](inside);
    return [
      termTable(terms, step.kernel[1], true),
      equation(value, `${step.pool} = ${text(value)}`),
    ];
  },

  adaptive(node, step) {
    const [name] = node.inputs;
    const [, rows, columns] = this.shape(this.nodes.get(name));
    const place = step.squeeze ? [0, 0] : this.cell;
    const channel = step.squeeze ? this.cell[1] : this.channel;
    const [top, bottom] = adaptiveCells(place[0], rows, step.sizes[0]);
    const [left, right] = adaptiveCells(place[1], columns, step.sizes[1]);
    const values = [];
    for (let row = top; row < bottom; row += 1)
      for (let column = left; column < right; column += 1)
        values.push(this.at(name, channel, row, column));
    const value = POOLS[step.pool](values);
    return [
      html(
        "p",
        {},
        `rows ${top} to ${bottom - 1}, columns ${left} to ${right - 1} of map ${channel}`,
      ),
      equation(value, `${step.pool} of ${values.length} values = ${text(value)}`),
    ];
  },

  linear(node) {
    const [name] = node.inputs;
    const values = this.values(name);
    const weight = this.weights(node, "weight");
    const filter = this.cell[1];
    const products = Array.from(values, (x, k) => ({
      k,
      x,
      w: weight[filter * values.length + k],
    }));
    const bias = this.weights(node, "bias")?.[filter] ?? 0;
    const total = sum(products.map(({ x, w }) => x * w)) + bias;
    const largest = [...products]
      .sort((one, other) => Math.abs(other.x * other.w) - Math.abs(one.x * one.w))
      .slice(0, LARGEST);
    return [
      html("p", {}, `${thousands(values.length)} products; the largest of them:`),
      html(
        "ul",
        {},
        ...largest.map(({ k, x, w }) =>
          html("li", {}, `value ${k}: ${factor(x)}·${factor(w)} = ${text(x * w)}`),
        ),
      ),
      equation(total, `sum of all + bias ${factor(bias)} = ${text(total)}`),
    ];
  },

  activation(node, step) {
    const x = this.at(node.inputs[0], this.channel, ...this.cell);
    const known = ACTIVATIONS[step.name];
    if (!known) {
      const y = this.at(node.name, this.channel, ...this.cell);
      return [html("p", { class: "equation" }, `${step.name}(${text(x)}) = ${text(y)}`)];
    }
    const value = known.run(x, step.slope);
    return [equation(value, `${known.text} = ${step.name}(${text(x)}) = ${text(value)}`)];
  },

  normalization(node, step) {
    const x = this.at(node.inputs[0], this.channel, ...this.cell);
    const of = (role, otherwise) => this.weights(node, role)?.[this.channel] ?? otherwise;
    const [mean, variance] = [of("running_mean", 0), of("running_var", 1)];
    const [scale, shift] = [of("weight", 1), of("bias", 0)];
    const value = ((x - mean) / Math.sqrt(variance + step.eps)) * scale + shift;
    return [
      equation(
        value,
        `(${text(x)} − ${factor(mean)}) / √(${text(variance)} + ${step.eps}) · ${factor(scale)} + ` +
          `${factor(shift)} = ${text(value)}`,
      ),
    ];
  },

  merge(node, step) {
    const values = node.inputs.map((name) => this.at(name, this.channel, ...this.cell));
    const value = values.slice(1).reduce(MERGES[step.name].run, values[0]);
    const sign = ` ${MERGES[step.name].sign} `;
    return [equation(value, `${values.map((value) => factor(value)).join(sign)} = ${text(value)}`)];
  },

  concatenation(node) {
    let channel = this.channel;
    for (const name of node.inputs) {
      const [channels] = this.shape(this.nodes.get(name));
      if (channel < channels) {
        const value = this.at(name, channel, ...this.cell);
        return [equation(value, `map ${channel} of ${name}: ${text(value)}`)];
      }
      channel -= channels;
    }
    return [];
  },

  flattening(node) {
    const [name] = node.inputs;
    const [, rows, columns] = this.shape(this.nodes.get(name));
    const [, ownRows, ownColumns] = this.shape(node);
    const place = (this.channel * ownRows + this.cell[0]) * ownColumns + this.cell[1];
    const channel = Math.floor(place / (rows * columns));
    const row = Math.floor(place / columns) % rows;
    const value = this.at(name, channel, row, place % columns);
    return [
      equation(
        value,
        `map ${channel}, row ${row}, column ${place % columns} of ${name}: ${text(value)}`,
      ),
    ];
  },
};

const ACTIVATIONS = {
  relu: { text: "max(0, x)", run: (x) => Math.max(0, x) },
  relu6: { text: "min(max(0, x), 6)", run: (x) => Math.min(Math.max(0, x), 6) },
  sigmoid: { text: "1 / (1 + e⁻ˣ)", run: (x) => 1 / (1 + Math.exp(-x)) },
  tanh: { text: "tanh x", run: Math.tanh },
  leaky_relu: { text: "x, below 0 times the slope", run: (x, slope) => (x < 0 ? x * slope : x) },
  silu: { text: "x / (1 + e⁻ˣ)", run: (x) => x / (1 + Math.exp(-x)) },
};

const MERGES = {
  add: { sign: "+", run: (one, other) => one + other },
  subtract: { sign: "−", run: (one, other) => one - other },
  multiply: { sign: "·", run: (one, other) => one * other },
};

/** The least and the greatest of finite values. */
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Red above 0, white at 0, blue below. */
function signedColor(share) {
  const strength = Math.min(Math.abs(share), 1);
  const [red, green, blue] = share > 0 ? [178, 24, 43] : [33, 102, 172];
  return [red, green, blue].map((part) => 255 + (part - 255) * strength);
}

function legend(largest) {
  const bar = pixels(1, 101, (k) => signedColor(k / 50 - 1));
  bar.className = "legend";
  return html("span", { class: "scale" }, text(-largest, 3), " ", bar, " ", text(largest, 3));
}
