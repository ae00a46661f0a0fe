// Weight reuse: the same digit, shifted, through networks that do and do not use their weights in many places.
import { chart } from "chart";
import { byId, element, slider } from "dom";
import { ink } from "paint";
import { bytes } from "parts";
import { percent, say, spoken } from "phrases";
import { Problem, problem } from "problem";

const FURTHEST = 8;
/** Test images behind each point of the curves. */
const IMAGES = 1000;
const NETWORKS = ["dense", "conv", "stacked"];
const STYLES = ["one", "two", "three"];

let computer;
let right;
let down;
let trained = false;
let training = false;
let points = NETWORKS.map(() => []);
let answers;
let label;
let dirty = false;
let busy = false;

/** Builds the demonstration. */
export function reuse(made) {
  computer = made;
  right = slider("reuse-right", "", look);
  down = slider("reuse-down", "", look);
  byId("reuse-number").addEventListener("change", look);
  byId("reuse-train").addEventListener("click", train);
  spoken(show);
  look();
}

async function train() {
  if (training || trained) return;
  training = true;
  show();
  await measure().catch(failed);
  training = false;
  show();
}

function failed(error) {
  problem("failure", new Problem("failure", { problem: Problem.of(error) }));
}

/** Trains the networks, and measures them at every shift. */
async function measure() {
  await computer.make("model", "Reader", bytes("model"));
  await computer.make("shifts", "Shifts", { made: "digits" });
  for (let part = 0; part < 1;) {
    part = await computer.call("shifts", "train");
    byId("reuse-progress").value = part;
  }
  trained = true;
  show();
  look();
  // From the middle outwards.
  const shifts = Array.from({ length: 2 * FURTHEST + 1 }, (_, at) => (at % 2 ? -Math.ceil(at / 2) : at / 2));
  for (const shift of shifts) {
    const all = await computer.call("shifts", "accuracies", { made: "digits" }, { made: "model" }, IMAGES, shift, 0);
    points.forEach((curve, number) => {
      curve.push([shift, all[number]]);
      curve.sort(([a], [b]) => a - b);
    });
    show();
  }
}

async function look() {
  dirty = true;
  if (busy) return;
  busy = true;
  while (dirty) {
    dirty = false;
    await answer().catch(failed);
  }
  busy = false;
}

async function answer() {
  const number = Math.min(9999, Math.max(0, Math.round(byId("reuse-number").valueAsNumber) || 0));
  byId("reuse-number").value = number;
  label = await computer.call("digits", "label", number);
  if (trained) {
    const all = await computer.call(
      "shifts",
      "answers",
      { made: "digits" },
      { made: "model" },
      number,
      right.value,
      down.value,
    );
    ink(byId("reuse-image"), all.subarray(0, 784), 28, 28);
    answers = NETWORKS.map((_, at) => {
      const own = all.subarray(784 + 10 * at, 794 + 10 * at);
      const best = own.indexOf(Math.max(...own));
      return [best, own[best]];
    });
  } else {
    const image = await computer.call("digits", "image", number);
    const moved = Uint8Array.from(image, (_, at) => {
      const [y, x] = [Math.floor(at / 28) - down.value, (at % 28) - right.value];
      return y < 0 || x < 0 || y > 27 || x > 27 ? 0 : image[28 * y + x];
    });
    ink(byId("reuse-image"), moved, 28, 28);
  }
  show();
}

function show() {
  byId("reuse-train").disabled = training || trained;
  byId("reuse-state").textContent = say(
    trained ? (training ? "reuse.measuring" : "reuse.done") : training ? "reuse.training" : "reuse.untrained",
  );
  byId("reuse-answers").replaceChildren(
    ...(answers ?? []).map(([best, probability], at) =>
      element(
        "div",
        { class: best === label ? "right" : "wrong" },
        say(`reuse.${NETWORKS[at]}`),
        element("b", {}, String(best)),
        percent(probability, 0),
        best === label ? " ✓" : " ✗",
      ),
    ),
  );
  chart(byId("reuse-chart"), {
    x: [-FURTHEST, FURTHEST],
    y: [0, 1],
    label: say("reuse.curves"),
    format: (part) => `${Math.round(100 * part)} %`,
    now: right?.value,
    series: NETWORKS.map((name, at) => ({ style: STYLES[at], name: say(`reuse.${name}`), points: points[at] })),
  });
}
