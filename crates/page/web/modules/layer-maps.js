// What every layer of a network makes of the digit: all layers, then one kernel, then one pixel with what is behind it.
import { byId, element } from "dom";
import { around, ink, largest } from "paint";
import { count, say, size, spoken } from "phrases";

/** Maps of a layer that are shown, at most. */
const SHOWN = 64;
/** Products that are spelled out as numbers, at most. */
const SPELLED = 25;
/** Layers whose output is the one before, in another shape or the same. */
const SILENT = ["flatten", "dropout"];

const sizeOf = ({ rows, cols, channels }) => rows * cols * channels;
const short = (value) => value.toFixed(3).replace("-", "−");

let current;
spoken(() => current?.words());

/** The maps of a model that was made as `model`. */
export function layerMaps(computer, about) {
  let all;
  let image;
  let chosen;
  /** How often a map's detail was asked for or hidden: an answer to an older question is not shown. */
  let asked = 0;
  let starts = [];
  let lines = [];

  build();
  current = { show, hide, words };
  return current;

  function build() {
    let start = 0;
    lines = [];
    starts = about.layers.map((layer) => {
      start += sizeOf(layer);
      return start - sizeOf(layer);
    });
    about.layers.forEach((layer, number) => {
      if (SILENT.includes(layer.layer.type)) return;
      const vector = layer.rows === 1 && layer.cols === 1;
      const shown = vector ? 1 : Math.min(SHOWN, layer.channels);
      const buttons = Array.from({ length: shown }, (_, channel) => {
        const canvas = element("canvas", { class: "map" });
        return element(
          "button",
          {
            type: "button",
            "aria-pressed": "false",
            tabindex: channel ? "-1" : "0",
            click: (event) => choose(number, channel, vector ? undefined : pixelAt(event, canvas, layer)),
          },
          canvas,
        );
      });
      const pictures = element("div", { class: `maps${vector ? " vector" : ""}`, role: "toolbar" }, ...buttons);
      pictures.addEventListener("keydown", (event) => walk(buttons, event));
      const title = element("p", { class: "small" });
      lines.push({
        number,
        layer,
        vector,
        buttons,
        title,
        pictures,
        box: element("div", { class: "layer-line" }, title, pictures),
      });
    });
    const place = byId("draw-detail");
    place.hidden = true;
    byId("draw-layers").replaceChildren(...lines.map(({ box }) => box), place);
    words();
  }

  function words() {
    for (const { number, layer, vector, buttons, title, pictures } of lines) {
      const kind = layer.layer.type === "pool" ? `${layer.layer.pool}_pool` : layer.layer.type;
      const shape = vector ? count(layer.channels) : size(layer.rows, layer.cols, layer.channels);
      const said = say(layer.parameters ? "draw.layer.parameters" : "draw.layer.shape", {
        shape,
        parameters: count(layer.parameters),
      });
      title.replaceChildren(element("b", {}, `${number + 1} ${name(kind)}`), element("br"), said);
      if (buttons.length < layer.channels && !vector) {
        title.append(element("br"), say("draw.layer.shown", { shown: buttons.length, all: count(layer.channels) }));
      }
      pictures.setAttribute("aria-label", `${number + 1} ${name(kind)}`);
      buttons.forEach((button, channel) =>
        button.setAttribute(
          "aria-label",
          vector
            ? say("draw.vector", { layer: number + 1 })
            : say("draw.map", { layer: number + 1, channel: channel + 1 }),
        ),
      );
    }
    if (chosen && all) detail();
  }

  async function show(pixels) {
    image = pixels;
    all = await computer.call("model", "responses", pixels);
    for (const { number, layer, vector, buttons } of lines) {
      const most = largest(values(number));
      buttons.forEach(({ firstChild: canvas }, channel) => {
        if (vector) around(canvas, values(number), 1, layer.channels, most);
        else around(canvas, map(number, channel), layer.rows, layer.cols, most);
      });
    }
    for (const { box } of lines) box.style.visibility = "visible";
    if (chosen) await detail();
  }

  function hide() {
    asked += 1;
    for (const { box } of lines) box.style.visibility = "hidden";
    byId("draw-detail").hidden = true;
  }

  function values(number) {
    return all.subarray(starts[number], starts[number] + sizeOf(about.layers[number]));
  }

  function map(number, channel) {
    const { rows, cols, channels } = about.layers[number];
    const own = values(number);
    return Float32Array.from({ length: rows * cols }, (_, place) => own[place * channels + channel]);
  }

  /** Shows a map in large, and what is behind a pixel of it; without one, behind the strongest. */
  async function choose(number, channel, pixel = strongest(number, channel)) {
    const same = chosen && chosen.number === number && chosen.channel === channel;
    chosen = same ? undefined : { number, channel, ...pixel };
    for (const line of lines) {
      line.buttons.forEach((button, at) =>
        button.setAttribute("aria-pressed", String(chosen?.number === line.number && chosen.channel === at)),
      );
    }
    const place = byId("draw-detail");
    if (!chosen) {
      place.hidden = true;
      return;
    }
    // Under the layer that was chosen, where it is seen.
    lines.find((line) => line.number === number).box.after(place);
    await detail();
    place.scrollIntoView({ block: "nearest" });
  }

  /** The pixel of a map that is furthest from 0. */
  function strongest(number, channel) {
    const own = map(number, channel);
    const place = own.reduce((best, value, at) => (Math.abs(value) > Math.abs(own[best]) ? at : best), 0);
    const { cols } = about.layers[number];
    return { y: Math.floor(place / cols), x: place % cols };
  }

  /** A layer's input: rows, cols and channels, and a value of it. */
  async function input(number) {
    if (number === 0) {
      const pixels = await computer.call("model", "normalised", image);
      return { rows: 28, cols: 28, channels: 1, at: (y, x) => pixels[28 * y + x] };
    }
    const { rows, cols, channels } = about.layers[number - 1];
    const before = values(number - 1);
    return { rows, cols, channels, at: (y, x, channel) => before[(y * cols + x) * channels + channel] };
  }

  /** One map, large, and what is behind the pixel that is pointed at. */
  async function detail() {
    const { number, channel } = chosen;
    const layer = about.layers[number];
    const { layer: spec, rows, cols, channels } = layer;
    const vector = rows === 1 && cols === 1;
    const place = byId("draw-detail");
    asked += 1;
    const turn = asked;
    const before = await input(number);
    const kernel = spec.type === "conv" ? await computer.call("model", "kernel", number, channel) : undefined;
    if (!chosen || turn !== asked) return;
    place.hidden = false;
    const figures = element("div", { class: "detail-pictures" });
    const formula = element("p", { class: "formula small", "aria-live": "polite" });
    const title = vector
      ? say("draw.vector", { layer: number + 1 })
      : say("draw.map", { layer: number + 1, channel: channel + 1 });
    place.replaceChildren(
      element("h3", {}, title),
      element("p", { class: "small" }, say(vector ? "draw.detail.vector" : "draw.detail")),
      figures,
      formula,
    );
    if (vector) {
      formula.textContent = [...values(number)]
        .map((value, at) => `${channels <= 16 ? (about.classes[at] ?? at) : at}: ${short(value)}`)
        .slice(0, 64)
        .join("   ");
      return;
    }
    const own = map(number, channel);
    const pick = element("canvas", { class: "map pick", tabindex: "0", role: "application", "aria-label": title });
    around(pick, own, rows, cols, largest(own));
    const mark = element("i", { class: "mark", "aria-hidden": "true" });
    mark.style.inlineSize = `${100 / cols}%`;
    mark.style.blockSize = `${100 / rows}%`;
    const others = element("div", { class: "detail-pictures" });
    const output = element("div", { class: "pick-box", dir: "ltr" }, pick, mark);
    figures.append(element("figure", {}, output, say("draw.detail.output")), others);
    const look = () => {
      const { y, x } = chosen;
      const value = own[y * cols + x];
      others.replaceChildren();
      mark.style.left = `${(100 * x) / cols}%`;
      mark.style.top = `${(100 * y) / rows}%`;
      let said;
      if (spec.type === "conv" || spec.type === "pool") said = section(spec, kernel, before, value, others);
      else {
        const source = before.rows === rows ? short(before.at(y, x, channel)) : "…";
        said = say("draw.detail.activation", { before: source, after: short(value), layer: name(spec.type) });
      }
      formula.textContent = say("draw.detail.at", { row: y + 1, column: x + 1, formula: said });
    };
    const point = (event) => {
      Object.assign(chosen, pixelAt(event, pick, layer));
      look();
    };
    pick.addEventListener("pointermove", point);
    pick.addEventListener("pointerdown", point);
    pick.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      chosen.y = Math.min(rows - 1, Math.max(0, chosen.y + step[0]));
      chosen.x = Math.min(cols - 1, Math.max(0, chosen.x + step[1]));
      look();
    });
    look();
  }

  /** The section under a window, its kernel, and what they give as a formula. */
  function section(spec, kernel, before, value, place) {
    const { size, stride, dilation, padding } = spec.window;
    const [height, width] = size;
    const { y, x, channel } = chosen;
    const pad = (axis, length) => {
      if (padding === "valid") return 0;
      if (padding !== "same") return axis ? padding.explicit.left : padding.explicit.top;
      const outputs = Math.ceil(length / stride[axis]);
      return Math.floor(Math.max(0, (outputs - 1) * stride[axis] + (size[axis] - 1) * dilation[axis] + 1 - length) / 2);
    };
    const top = y * stride[0] - pad(0, before.rows);
    const left = x * stride[1] - pad(1, before.cols);
    const channels = spec.type === "pool" ? [channel] : Array.from({ length: before.channels }, (_, at) => at);
    const under = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [from, to] = [top + row * dilation[0], left + column * dilation[1]];
        const inside = from >= 0 && to >= 0 && from < before.rows && to < before.cols;
        for (const one of channels) under.push(inside ? before.at(from, to, one) : 0);
      }
    }
    const picture = (values, words) => {
      const canvas = element("canvas", { class: "map tall", role: "img", "aria-label": words });
      // The channels one beside the other, in a square of them.
      const across = Math.ceil(Math.sqrt(channels.length));
      const rows = Math.ceil(channels.length / across);
      const [wide, high] = [across * width, rows * height];
      const grid = new Float32Array(wide * high);
      values.forEach((one, at) => {
        const [tap, index] = [Math.floor(at / channels.length), at % channels.length];
        const [row, column] = [
          Math.floor(index / across) * height + Math.floor(tap / width),
          (index % across) * width + (tap % width),
        ];
        grid[row * wide + column] = one;
      });
      around(canvas, grid, high, wide, largest(values));
      place.append(element("figure", {}, canvas, words));
    };
    picture(under, say("draw.detail.section", { row: top + 1, column: left + 1 }));
    if (spec.type === "pool") return say(`draw.detail.${spec.pool}`, { count: under.length, value: short(value) });
    const weights = [...kernel.subarray(0, under.length)];
    const products = under.map((one, at) => one * weights[at]);
    picture(weights, say("draw.detail.kernel"));
    picture(products, say("draw.detail.products"));
    const bias = kernel.length > under.length ? kernel[under.length] : undefined;
    const sum = short(value - (bias ?? 0));
    const said = say(bias === undefined ? "draw.detail.sum" : "draw.detail.sum.bias", {
      count: under.length,
      sum,
      bias: bias === undefined ? "" : short(bias),
      value: short(value),
    });
    if (products.length > SPELLED) return said;
    const signed = (number) => (number < 0 ? `(${short(number)})` : short(number));
    return `${under.map((one, at) => `${signed(one)}·${signed(weights[at])}`).join(" + ")}: ${said}`;
  }
}

/** The pixel of a map under the pointer; none where a key was pressed. */
function pixelAt(event, canvas, { rows, cols }) {
  // A click by the keyboard counts no presses.
  if (event.type === "click" && event.detail === 0) return undefined;
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const within = (part, length) => Math.min(length - 1, Math.max(0, Math.floor(part * length)));
  return { y: within((event.clientY - top) / height, rows), x: within((event.clientX - left) / width, cols) };
}

/** The arrow keys go from one picture of a layer to the next: for the tabulator a layer is one step. */
function walk(buttons, event) {
  const from = buttons.indexOf(document.activeElement);
  const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (!buttons[to]) return;
  event.preventDefault();
  buttons[from].tabIndex = -1;
  buttons[to].tabIndex = 0;
  buttons[to].focus();
}

/** A kind of layer in words; those that the page's editor does not offer have their recipe's name. */
function name(kind) {
  const key = `layer.${kind}`;
  return key in window.page.phrases.en ? say(key) : kind;
}
