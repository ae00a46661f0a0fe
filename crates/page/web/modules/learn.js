// A network that learns while one watches.
import { chart } from "chart";
import { byId, download, element } from "dom";
import { loop } from "loop";
import { ownDigit, ownDigitChanged } from "own-digit";
import { around, ink, largest } from "paint";
import { count, percent, say, spoken } from "phrases";
import { Problem, problem } from "problem";
import { choose, link, recipeEditor, recipeText } from "recipe-editor";

/** Test images by which it is judged after each epoch, and at the end. */
const SOME = 1000;
const ALL = 10_000;
/** Milliseconds that the worker trains for before it answers. */
const TURN = 80;
const SHOWN = 32;

let computer;
/** The steps, of which some are done before the worker answers. */
let steps;
/** Whether there is a network; a promise. */
let made;
let progress;
let losses = [];
let judged = [];
let size = 1;
let tiles = [];
/** The phrase for where the link is that was asked for. */
let copied;
let mistakes = [];

/** Builds the demonstration; `use` takes a model that was trained. */
export async function learn(maker, use) {
  computer = maker;
  steps = loop(train, show, (error) => problem("learn-problem", Problem.of(error)));
  byId("learn-start").addEventListener("click", () => (steps.running ? steps.pause() : steps.start()));
  byId("learn-reset").addEventListener("click", reset);
  byId("learn-recipe-file").addEventListener(
    "click",
    () => download("recipe.toml", recipeText(), "text/plain"),
  );
  byId("learn-model-file").addEventListener(
    "click",
    async () =>
      (await ready()) &&
      download("model.safetensors", await computer.call("learning", "model"), "application/octet-stream"),
  );
  byId("learn-use").addEventListener(
    "click",
    async () => (await ready()) && use(await computer.call("learning", "model")),
  );
  byId("learn-share").addEventListener("click", share);
  ownDigitChanged(() => made && !steps.running && responses());
  recipeEditor(computer, reset);
  spoken(() => {
    names();
    show();
  });
}

/** What the pictures are, in words. */
function names() {
  tiles.forEach(({ kernel, seen }, at) => {
    kernel.setAttribute("aria-label", say("kernel", { number: at + 1 }));
    seen.setAttribute("aria-label", say("kernel.sees", { number: at + 1 }));
  });
  document.querySelectorAll("#learn-mistakes canvas").forEach((canvas, at) => {
    canvas.setAttribute("aria-label", say("learn.mistake", mistakes[at]));
  });
}

/** Takes what stands behind `#` in a share link, and trains it. */
export async function shared(parts) {
  try {
    const epochs = parts.has("epochs") ? Number(parts.get("epochs")) : undefined;
    if (epochs !== undefined && !(Number.isInteger(epochs) && epochs >= 1 && epochs <= 1000)) throw new Error();
    const own = parts.has("layers") ? JSON.parse(parts.get("layers")) : undefined;
    if (own !== undefined && !(Array.isArray(own) && own.every((layer) => typeof layer?.type === "string")))
      throw new Error();
    const name = parts.get("train");
    if (![...byId("learn-recipe").options].some(({ value }) => value === name)) throw new Error();
    await choose(name, { epochs, own });
  } catch {
    await first();
    problem("learn-problem", new Problem("learn.link"));
    return;
  }
  steps.start();
}

/** Begins with the first recipe. */
export const first = () => choose("stacked");

async function share() {
  const address = `${location.href.split("#")[0]}#${link()}`;
  history.replaceState(null, "", address);
  try {
    // A page from a server without TLS has no clipboard.
    await navigator.clipboard.writeText(address);
    copied = "learn.copied";
  } catch {
    copied = "learn.in.address";
  }
  show();
}

/** Whether there is a network; made where there is none yet, and the recipe can be trained. */
const ready = async () => Boolean(recipeText()) && (made ??= make());

async function make() {
  try {
    await computer.make("learning", "Learning", { made: "digits" }, recipeText());
    progress = await computer.read("learning", "advance", 0);
    await look();
    return true;
  } catch (error) {
    made = undefined;
    problem("learn-problem", Problem.of(error));
    return false;
  }
}

/** As many steps as a turn has; whether there are more. */
async function train() {
  if (!(await ready()) || progress.step === progress.steps) return false;
  const began = performance.now();
  const epoch = progress.epoch;
  // To the end of the epoch at most, so that each is judged.
  const left = progress.steps_per_epoch - (progress.step % progress.steps_per_epoch);
  progress = await computer.read("learning", "advance", Math.min(size, left));
  losses.push([progress.step / progress.steps_per_epoch, progress.loss, progress.accuracy]);
  const took = performance.now() - began;
  size = Math.max(1, Math.min(50, Math.round((size * TURN) / Math.max(took, 1))));
  if (progress.step === progress.steps) {
    await judge(ALL);
    byId("train-digest").textContent = await computer.call("learning", "digest");
    return false;
  }
  if (progress.epoch !== epoch) await judge(SOME);
  else show();
  return true;
}

const reset = () =>
  steps.instead(async () => {
    made = progress = copied = tiles.at = undefined;
    [losses, judged] = [[], []];
    byId("train-digest").textContent = "";
    byId("learn-mistakes").replaceChildren();
    show();
    if (!recipeText()) return;
    // What was wrong with the training before is no longer.
    problem("learn-problem");
    await ready();
  });

async function judge(images) {
  const found = await computer.read("learning", "evaluate", images);
  judged.push([progress.step / progress.steps_per_epoch, found.loss, found.accuracy, images]);
  const pictures = await Promise.all(
    found.mistakes.map(async ({ index, label, predicted }) => {
      const canvas = element("canvas", { class: "map", role: "img" });
      ink(canvas, await computer.call("digits", "image", index), 28, 28);
      return element("figure", {}, canvas, `${label} → ${predicted}`);
    }),
  );
  mistakes = found.mistakes;
  byId("learn-mistakes").replaceChildren(...pictures);
  names();
  await look();
}

/** The kernels of the first convolution as they are now. */
async function look() {
  await computer.derive("reader", "learning", "reader");
  const { layers } = await computer.read("reader", "about");
  const at = layers.findIndex(({ layer }) => layer.type === "conv");
  const kernels =
    at < 0
      ? []
      : await Promise.all(
          Array.from({ length: Math.min(SHOWN, layers[at].channels) }, (_, channel) =>
            computer.call("reader", "kernel", at, channel),
          ),
        );
  const conv = layers[at]?.layer;
  const side = conv?.window.size[0];
  if (tiles.length !== kernels.length) {
    tiles = kernels.map(() => ({
      kernel: element("canvas", { class: "map", role: "img" }),
      seen: element("canvas", { class: "map", role: "img" }),
    }));
    names();
    byId("learn-kernels").replaceChildren(...tiles.map(({ kernel, seen }) => element("figure", {}, kernel, seen)));
  }
  byId("learn-first").hidden = !tiles.length;
  const area = side * side;
  const most = largest(kernels.flatMap((kernel) => [...kernel.subarray(0, area)]));
  // Of several input channels the first is shown.
  const channels = conv && at > 0 ? layers[at - 1].channels : 1;
  tiles.forEach(({ kernel }, number) => {
    const first = Array.from({ length: area }, (_, tap) => kernels[number][tap * channels]);
    around(kernel, first, side, side, most);
  });
  tiles.at = { layers, at };
  await responses();
  show();
}

/** What each kernel makes of one's own digit. */
async function responses() {
  if (!tiles.length || !tiles.at) return;
  const image = ownDigit() ?? (await computer.call("digits", "image", 1));
  const all = await computer.call("reader", "responses", image);
  const { layers, at } = tiles.at;
  const before = layers.slice(0, at).reduce((sum, { rows, cols, channels }) => sum + rows * cols * channels, 0);
  const { rows, cols, channels } = layers[at];
  const seen = all.subarray(before, before + rows * cols * channels);
  const most = largest(seen);
  tiles.forEach(({ seen: canvas }, number) => {
    const map = Array.from({ length: rows * cols }, (_, place) => seen[place * channels + number]);
    around(canvas, map, rows, cols, most);
  });
}

function show() {
  byId("learn-shared").textContent = copied ? say(copied) : "";
  byId("learn-start").textContent = say(steps.running ? "pause" : "start");
  byId("learn-start").disabled = !steps.running && (!recipeText() || (progress && progress.step === progress.steps));
  for (const id of ["learn-recipe-file", "learn-model-file", "learn-use"]) byId(id).disabled = !recipeText();
  byId("learn-progress").max = progress?.steps ?? 1;
  byId("learn-progress").value = progress?.step ?? 0;
  const last = judged.at(-1);
  byId("learn-state").textContent = progress
    ? say("learn.state", {
        epoch: Math.min(progress.epoch + 1, progress.epochs),
        epochs: progress.epochs,
        step: count(progress.step),
        steps: count(progress.steps),
      }) + (last ? ` ${say("learn.state.accuracy", { accuracy: percent(last[2]), images: count(last[3]) })}` : "")
    : "";
  const epochs = progress?.epochs ?? 1;
  const smooth = losses.filter((_, at) => at % Math.ceil(losses.length / 400) === 0);
  const highest = Math.max(2.5, ...smooth.slice(0, 1).map(([, loss]) => loss));
  chart(byId("learn-loss"), {
    x: [0, epochs],
    y: [0, highest],
    label: say("learn.loss"),
    format: (value) => value.toFixed(1),
    series: [
      { style: "two", name: say("learn.training"), points: smooth.map(([at, loss]) => [at, loss]) },
      { style: "one", name: say("learn.held"), points: judged.map(([at, loss]) => [at, loss]) },
    ],
  });
  chart(byId("learn-accuracy"), {
    x: [0, epochs],
    y: [0, 1],
    label: say("learn.accuracy"),
    format: (part) => `${Math.round(100 * part)} %`,
    series: [
      { style: "two", name: say("learn.training"), points: smooth.map(([at, , accuracy]) => [at, accuracy]) },
      { style: "one", name: say("learn.held"), points: judged.map(([at, , accuracy]) => [at, accuracy]) },
    ],
  });
}
