// A field to draw a digit in, and a network that reads it while it is drawn.
import { byId, download, element, slider } from "dom";
import * as drawing from "drawing";
import { layerMaps } from "layer-maps";
import { setOwnDigit } from "own-digit";
import { ink as paintInk } from "paint";
import { bytes } from "parts";
import { count, percent, say, spoken } from "phrases";
import { Problem, inWords, problem } from "problem";

/** The radius of a stroke, in pixels. */
const USUAL = 5.5;
/** How far an arrow key moves the pen. */
const PEN_STEP = 4;
/** Milliseconds from one picture of the layers to the next while one draws. */
const MAPS_EVERY = 150;

let computer;
let sliders;
let about;
let maps;
let answer;
/** Why there is no answer, where the model has none. */
let unread;
let took;
/** Where the arrow keys have the pen. */
const pen = { at: [drawing.side / 2, drawing.side / 4], down: false };
let dirty = false;
let busy = false;
let mapped = 0;

/** Builds the field. */
export async function draw(made) {
  computer = made;
  sliders = {
    right: slider("draw-right", "", changed),
    down: slider("draw-down", "", changed),
    turn: slider("draw-turn", "°", changed),
    thick: slider("draw-thick", "", changed),
  };
  byId("draw-raw").addEventListener("change", changed);
  pad();
  byId("draw-clear").addEventListener("click", () => {
    lift();
    drawing.clear();
    straight();
    changed();
  });
  byId("draw-undo").addEventListener("click", undo);
  byId("draw-save").addEventListener("click", async () =>
    download("digit.png", await computer.call(null, "png", await ink(), drawing.side), "image/png"),
  );
  byId("draw-digit").addEventListener("click", () => testDigit((Number(byId("draw-number").value) + 1) % 10_000));
  byId("draw-number").addEventListener("change", () => testDigit(Number(byId("draw-number").value)));
  byId("draw-model").addEventListener("change", ({ target }) => opened(target, loadModel));
  byId("draw-picture").addEventListener("change", ({ target }) => opened(target, readPicture));
  byId("draw-own").addEventListener("click", () => loadModel(bytes("model")));
  dropped();
  spoken(show);
  await loadModel(bytes("model"));
  await testDigit(3);
}

/** Models are taken one after the other. */
let loading = Promise.resolve();

/** Takes a model's file; one that is refused leaves the one before. */
export const loadModel = (file) => (loading = loading.then(() => take(file)));

async function take(file) {
  try {
    await computer.make("candidate", "Reader", file);
    const candidate = await computer.read("candidate", "about");
    if (candidate.rows !== 28 || candidate.cols !== 28) throw new Problem("draw.model.size", candidate);
    await computer.rename("candidate", "model");
    about = candidate;
    maps = layerMaps(computer, about);
    problem("draw-problem");
    changed();
  } catch (error) {
    problem("draw-problem", new Problem("draw.model.refused", { problem: Problem.of(error) }));
  }
}

async function opened(input, use) {
  const [file] = input.files;
  if (file) await read(file, use);
  // The same file may be chosen again.
  input.value = "";
}

/** A file may be gone, locked, or too large to be read. */
async function read(file, use) {
  let content;
  try {
    content = new Uint8Array(await file.arrayBuffer());
  } catch {
    problem("draw-problem", new Problem("draw.file", { name: file.name }));
    return;
  }
  await use(content);
}

/** A file may be dropped anywhere: a browser would leave the page for one that it is not told to keep. */
function dropped() {
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (!file) return;
    if (!byId("draw").contains(event.target)) byId("draw").scrollIntoView();
    read(file, /\.safetensors$/i.test(file.name) ? loadModel : readPicture);
  });
}

/** A picture of a digit, read as `trainer predict` reads it. */
async function readPicture(file) {
  try {
    const found = await computer.read("model", "read_file", file);
    problem("draw-problem", found ? undefined : new Problem("draw.nothing"));
    if (!found) return;
    lift();
    drawing.showDigit(Uint8Array.from(found.image));
    straight();
    changed();
  } catch (error) {
    problem("draw-problem", Problem.of(error));
  }
}

/** Takes the last stroke away. */
function undo() {
  lift();
  drawing.undo();
  changed();
}

/** Shows a test image. */
async function testDigit(number) {
  const index = Math.min(9999, Math.max(0, Math.round(number) || 0));
  byId("draw-number").value = index;
  const image = await computer.call("digits", "image", index);
  lift();
  drawing.showDigit(image);
  straight();
  changed();
}

function straight() {
  for (const name of ["right", "down", "turn"]) sliders[name].value = 0;
  sliders.thick.value = USUAL;
}

const pose = () => ({
  right: sliders.right.value,
  down: sliders.down.value,
  turn: sliders.turn.value,
  thick: sliders.thick.value,
});
const isStraight = ({ right, down, turn, thick }) => !right && !down && !turn && thick === USUAL;

/** The ink of what is drawn. */
async function ink() {
  return drawing.shownDigit()
    ? drawing.digitInk(pose(), USUAL)
    : computer.call(null, "rasterise", drawing.points(pose()), drawing.side, pose().thick);
}

/** Something is drawn anew: it is read as soon as the reading before is done. */
async function changed() {
  dirty = true;
  if (busy) return;
  busy = true;
  while (dirty) {
    dirty = false;
    unread = undefined;
    try {
      await answered();
    } catch (error) {
      // Of a model whose numbers are no longer finite, say: the next digit is read all the same.
      answer = undefined;
      unread = Problem.of(error);
      maps?.hide();
      show();
    }
  }
  busy = false;
}

async function answered() {
  if (!about) return;
  const began = performance.now();
  const digit = drawing.shownDigit();
  const raw = byId("draw-raw").checked;
  let pixels;
  if (!digit && !raw) {
    const { right, down, turn, thick } = pose();
    const points = drawing.points({ right, down, turn });
    ({ ink: pixels, answer } = await computer.strokes("model", points, drawing.side, thick));
  } else {
    pixels = await ink();
    if (drawing.isEmpty()) answer = undefined;
    else if (digit && isStraight(pose())) answer = await computer.read("model", "read_image", digit);
    else if (raw && !pixels.some((level) => level > 0)) answer = undefined;
    else if (raw) answer = await computer.read("model", "read_image", drawing.reduced(pixels));
    else answer = await computer.read("model", "read", pixels, drawing.side);
  }
  paintInk(byId("draw-pad"), pixels, drawing.side, drawing.side);
  took = performance.now() - began;
  show();
  if (answer) {
    const image = Uint8Array.from(answer.image);
    setOwnDigit(image);
    // While one draws on, the answer comes first, and what the layers make of it a few times a second.
    if (dirty && performance.now() - mapped < MAPS_EVERY) return;
    await maps.show(image);
    mapped = performance.now();
  } else maps.hide();
}

function show() {
  const place = byId("draw-answer");
  if (about)
    byId("draw-about").textContent = say("draw.model.about", {
      parameters: count(about.parameters),
      layers: about.layers.length,
    });
  byId("draw-prepared").style.visibility = answer ? "visible" : "hidden";
  byId("draw-prepared-explain").textContent = say(`draw.prepared.explain.${preparation()}`);
  byId("draw-save").disabled = drawing.isEmpty();
  byId("draw-warning").textContent = answer?.warnings.map(inWords).join(" ") ?? "";
  byId("draw-time").textContent = took === undefined ? "" : say("draw.time", { milliseconds: took.toFixed(1) });
  if (!about) return;
  if (!answer) {
    const why = unread
      ? inWords(new Problem("draw.unread", { problem: unread }))
      : say(drawing.isEmpty() ? "draw.empty" : "draw.nothing");
    place.replaceChildren(element("small", {}, why));
  }
  const probabilities = answer?.probabilities ?? about.classes.map(() => 0);
  const best = probabilities.indexOf(Math.max(...probabilities));
  if (answer) {
    place.replaceChildren(about.classes[best], " ", element("small", {}, percent(probabilities[best], 1)));
    paintInk(byId("draw-prepared"), answer.image, 28, 28);
  }
  byId("draw-bars").replaceChildren(
    ...about.classes.map((name, at) =>
      element(
        "div",
        { class: `bar${answer && at === best ? " best" : ""}`, style: `--part: ${probabilities[at].toFixed(4)}` },
        element("span", {}, name),
        element("i", { "aria-hidden": "true" }),
        element("span", {}, percent(probabilities[at], 1)),
      ),
    ),
  );
}

/** How the image that the network gets is made. */
const preparation = () => {
  if (byId("draw-raw").checked) return "raw";
  return drawing.shownDigit() && isStraight(pose()) ? "mnist" : "centred";
};

/** The field itself: pen, finger and mouse draw, and so do the arrow keys. */
function pad() {
  const canvas = byId("draw-pad");
  const at = (event) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    const { right, down, turn } = pose();
    // Where it must be drawn so that it appears under the pen.
    const scale = drawing.side / width;
    const [x, y] = [
      (event.clientX - left) * scale - right - drawing.side / 2,
      (event.clientY - top) * scale - down - drawing.side / 2,
    ];
    const angle = (-turn * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [cos * x - sin * y + drawing.side / 2, sin * x + cos * y + drawing.side / 2];
  };
  /** Of several fingers the first draws. */
  let finger;
  canvas.addEventListener("lostpointercapture", (event) => event.pointerId === finger && (finger = undefined));
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    if (drawing.shownDigit()) straight();
    canvas.setPointerCapture(event.pointerId);
    finger = event.pointerId;
    lift();
    drawing.begin(at(event));
    changed();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== finger) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) drawing.extend(at(one));
    changed();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === " ") {
      event.preventDefault();
      pen.down = !pen.down;
      if (pen.down) drawing.begin([...pen.at]);
      changed();
    } else if (step) {
      event.preventDefault();
      pen.at = pen.at.map((value, axis) => Math.min(drawing.side, Math.max(0, value + PEN_STEP * step[axis])));
      if (pen.down) {
        drawing.extend([...pen.at]);
        changed();
      }
    } else if (event.key === "Backspace" || event.key === "Delete") undo();
    else return;
    showPen(true);
  });
  canvas.addEventListener("blur", () => showPen(false));
}

/** The pen of the arrow keys no longer draws. */
function lift() {
  pen.down = false;
  showPen(false);
}

function showPen(shown) {
  const mark = byId("draw-pen");
  mark.hidden = !shown;
  mark.classList.toggle("down", pen.down);
  ["--right", "--down"].forEach((name, axis) => mark.style.setProperty(name, pen.at[axis] / drawing.side));
}
