// The layers of a recipe as a table: added, removed and changed, with their shapes.
import { byId, element } from "dom";
import { count, say, size, spoken } from "phrases";
import { Problem, problem } from "problem";

/** A layer of each kind that can be added. */
const FRESH = {
  conv: () => ({ type: "conv", kernels: 16, window: 3 }),
  max_pool: () => ({ type: "pool", pool: "max", window: 2 }),
  mean_pool: () => ({ type: "pool", pool: "mean", window: 2 }),
  relu: () => ({ type: "relu" }),
  tanh: () => ({ type: "tanh" }),
  batch_norm: () => ({ type: "batch_norm" }),
  dropout: () => ({ type: "dropout", probability: 0.3 }),
  flatten: () => ({ type: "flatten" }),
  dense: () => ({ type: "dense", outputs: 10 }),
};

let computer;
let changed;
let layers = [];
/** Whether they are others than the recipe's own. */
let edited = false;
let text;
let table;

/** Builds the editor; `callback` is called when there is another recipe. */
export function recipeEditor(made, callback) {
  [computer, changed] = [made, callback];
  byId("learn-recipe").addEventListener("change", () => choose(byId("learn-recipe").value));
  byId("learn-epochs").addEventListener("change", () => refresh());
  spoken(() => {
    const kinds = Object.keys(FRESH).map((kind) => element("option", { value: kind }, say(`layer.${kind}`)));
    const select = element("select", { id: "learn-kind", "aria-label": say("learn.kind") }, ...kinds);
    const add = element(
      "button",
      { type: "button", id: "learn-add-layer", click: () => insert(FRESH[select.value]()) },
      say("learn.add"),
    );
    byId("learn-add").replaceChildren(select, add);
    if (table) show();
  });
}

/** Takes a built-in recipe, perhaps with other epochs and layers. */
export async function choose(name, { epochs, own } = {}) {
  byId("learn-recipe").value = name;
  const whole = await computer.call(null, "built_in", name, epochs, own ? JSON.stringify(own) : "");
  const summary = await computer.read(null, "summary", whole);
  byId("learn-epochs").value = summary.epochs;
  layers = own ?? summary.recipe;
  if (!layers.every(isSquare)) throw new Problem("learn.link");
  edited = own !== undefined;
  await refresh();
}

/** The recipe's text; none where its layers do not fit. */
export const recipeText = () => (table?.problem ? undefined : text);

/** What a share link holds behind `#`. */
export function link() {
  const parts = new URLSearchParams({ train: byId("learn-recipe").value, epochs: byId("learn-epochs").value });
  if (edited) parts.set("layers", JSON.stringify(layers));
  return parts.toString();
}

/** Before the last layers that end a network: a flatten, a dropout, a dense one. */
function insert(layer) {
  let at = layers.length;
  if (layer.type !== "dense" && layer.type !== "flatten") {
    const flat = layers.findIndex(({ type }) => type === "flatten");
    if (flat >= 0) at = flat;
  } else if (layers.at(-1)?.type === "dense") at = layers.length - 1;
  edit(() => layers.splice(at, 0, layer));
}

function edit(change) {
  layers = structuredClone(layers);
  change();
  edited = true;
  return refresh();
}

async function refresh() {
  const epochs = Math.max(1, Math.min(1000, Math.round(byId("learn-epochs").valueAsNumber) || 1));
  byId("learn-epochs").value = epochs;
  try {
    text = await computer.call(
      null,
      "built_in",
      byId("learn-recipe").value,
      epochs,
      edited ? JSON.stringify(layers) : "",
    );
    table = await computer.read(null, "summary", text);
  } catch (error) {
    table = { layers: [], problem: Problem.of(error) };
  }
  show();
  problem("learn-problem", wrong().sentence);
  await changed();
}

/** The numbers of a layer that can be changed: their key, and the range. */
const settings = ({ type }) =>
  ({
    conv: [
      ["kernels", 1, 128],
      ["window", 1, 28],
    ],
    pool: [["window", 1, 28]],
    dense: [["outputs", 1, 1024]],
    dropout: [["probability", 0, 0.9]],
  })[type] ?? [];

/** Whether the fields can show a layer's window. */
const isSquare = ({ window }) => !Array.isArray(window?.size ?? window) || new Set(window.size ?? window).size === 1;

/** A window's side. */
const side = (window) =>
  typeof window === "number" ? window : Array.isArray(window.size) ? window.size[0] : window.size;

/** The phrase for a layer's kind. */
const name = ({ type, pool }) => `layer.${type === "pool" ? `${pool}_pool` : type}`;

/** What is wrong with the layers, and with which of them: with the first that has no shape. */
function wrong() {
  if (!table.problem) return {};
  const misfit = table.layers.length;
  if (!table.recipe || misfit === layers.length) return { sentence: table.problem };
  const values = { number: misfit + 1, layer: { phrase: name(layers[misfit]) }, problem: table.problem };
  return { misfit, sentence: new Problem("learn.misfit", values) };
}

/** What puts the focus back into the table when its rows are others; none where it is elsewhere. */
function focused() {
  const rows = [...byId("learn-layers").children];
  const row = rows.findIndex((one) => one.contains(document.activeElement));
  if (row < 0) return undefined;
  const controls = (one) => [...one.querySelectorAll("input, button")];
  const isButton = document.activeElement.matches("button");
  const at = controls(rows[row]).indexOf(document.activeElement);
  return () => {
    const now = byId("learn-layers").children;
    const there = now[Math.min(row, now.length - 1)];
    if (!there) byId("learn-add-layer").focus();
    else (isButton ? there.querySelector("button") : controls(there)[at]).focus();
  };
}

/** A cell of numbers; on a narrow screen a unit stands behind them, since the table has no heads there. */
const cell = (...content) => element("td", { role: "cell", class: "number figures" }, ...content);

function show() {
  const { misfit } = wrong();
  const rows = layers.map((layer, number) => {
    const fields = settings(layer).map(([key, min, max]) => {
      const value = key === "window" ? side(layer.window) : layer[key];
      const change = ({ target }) =>
        edit(() => {
          const asked = Math.min(max, Math.max(min, target.valueAsNumber || min));
          const taken = key === "probability" ? asked : Math.round(asked);
          const own = layers[number];
          if (key !== "window") own[key] = taken;
          else if (own.window?.padding === "same") own.window = { size: taken, padding: "same" };
          else own.window = taken;
        });
      return element(
        "label",
        { class: "field" },
        say(`learn.${key}`),
        element("input", {
          type: "number",
          min: String(min),
          max: String(max),
          step: key === "probability" ? "0.1" : "1",
          value: String(value),
          change,
        }),
      );
    });
    const shape = table.layers[number];
    const remove = element(
      "button",
      {
        type: "button",
        "aria-label": say("learn.remove", { layer: say(name(layer)) }),
        click: () => edit(() => layers.splice(number, 1)),
      },
      "×",
    );
    return element(
      "tr",
      { role: "row", class: number === misfit ? "misfit" : "" },
      element("th", { scope: "row", role: "rowheader" }, `${number + 1} ${say(name(layer))}`),
      element("td", { role: "cell", class: "fields" }, ...fields),
      cell(shape ? size(shape.rows, shape.cols, shape.channels) : ""),
      shape?.parameters ? cell(count(shape.parameters), element("span", {}, say("learn.parameters"))) : cell(""),
      element("td", { role: "cell", class: "remove" }, remove),
    );
  });
  const focus = focused();
  byId("learn-layers").replaceChildren(...rows);
  focus?.();
  const total = table.layers.reduce((sum, { parameters }) => sum + parameters, 0);
  byId("learn-total").textContent = total ? count(total) : "";
}
