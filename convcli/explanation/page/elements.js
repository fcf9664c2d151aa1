// Elements of a page, and the state that its link holds.

/** An HTML element: attributes (`on…` are listeners), then children, which are texts or elements. */
function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A button that does something. */
const button = (name, act, attributes = {}) =>
  html("button", { type: "button", onclick: act, ...attributes }, name);

/** A line of arithmetic, and its exact value for who reads the page by a program. */
const equation = (value, line) => html("p", { class: "equation", "data-value": value }, line);

const figure = (caption, ...content) =>
  html("figure", {}, html("figcaption", {}, caption), ...content);

/** A canvas of rows × columns pixels; `color(place)` gives red, green and blue. */
function pixels(rows, columns, color, canvas = html("canvas")) {
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  for (let place = 0; place < rows * columns; place += 1) {
    const [red, green, blue] = color(place);
    image.data.set([red, green, blue, 255], 4 * place);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** A slider with its name and its value beside it. */
function slider(name, minimum, maximum, value, change) {
  const shown = html("output", {}, text(value));
  const input = html("input", {
    type: "range",
    min: minimum,
    max: maximum,
    value,
    "data-name": name,
    oninput: () => {
      shown.textContent = text(Number(input.value));
      change(Number(input.value));
    },
  });
  return html("label", { class: "slider" }, html("span", {}, name), input, shown);
}

/** A list to choose one of. */
function choice(name, values, value, change) {
  const select = html(
    "select",
    { "data-name": name, onchange: () => change(select.value) },
    ...values.map((one) => html("option", { value: one, selected: one === value }, one)),
  );
  return html("label", {}, html("span", {}, name), select);
}

/** A matrix of numbers to edit. */
function matrixInputs(matrix, name, change) {
  return html(
    "table",
    { class: "matrix", "aria-label": name },
    ...matrix.map((row, i) =>
      html(
        "tr",
        {},
        ...row.map((value, j) => {
          const input = html("input", {
            type: "text",
            inputmode: "decimal",
            value: String(Number(value.toPrecision(6))),
            "aria-label": `${name}, row ${i}, column ${j}`,
            onchange: () => {
              const number = readNumber(input.value);
              input.setAttribute("aria-invalid", String(number === null));
              if (number !== null) change(i, j, number);
            },
          });
          return html("td", {}, input);
        }),
      ),
    ),
  );
}

/** A decimal number or a fraction, such as 1/9; null for other text. */
function readNumber(given) {
  const parts = given.trim().replace("−", "-").split("/");
  const numbers = parts.map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (parts.length > 2 || !numbers.every(Number.isFinite) || numbers[1] === 0) return null;
  return parts.length === 2 ? numbers[0] / numbers[1] : numbers[0];
}

/** Moves a cell (row, column) by the arrow keys; calls `move` with the new one. */
function arrows(event, [row, column], [rows, columns], move) {
  const step = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    Home: [-row, -column],
    End: [rows - 1 - row, columns - 1 - column],
  }[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move([
    Math.min(Math.max(row + step[0], 0), rows - 1),
    Math.min(Math.max(column + step[1], 0), columns - 1),
  ]);
}

/** What the link says, as name → text: `#layer=conv1&cell=3,4`. */
function linked() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

let linking = null;

/** Writes the state into the link, without an entry in the history, once it rests. */
function link(state) {
  clearTimeout(linking);
  linking = setTimeout(() => {
    const hash = `#${new URLSearchParams(state)}`.replaceAll("%2C", ",");
    if (hash !== location.hash) history.replaceState(null, "", hash);
  }, 250);
}

/** Two numbers of a link, within bounds; null where there are none. */
function linkedPair(given, [rows, columns]) {
  const numbers = (given ?? "").split(",").map(Number);
  if (numbers.length !== 2 || !numbers.every(Number.isInteger)) return null;
  const [row, column] = numbers;
  return row >= 0 && column >= 0 && row < rows && column < columns ? numbers : null;
}

/** Where a pointer is on an element that shows `rows` × `columns` cells. */
function cellUnder(event, element, [rows, columns]) {
  const box = element.getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  return [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
}
