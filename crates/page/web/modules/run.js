// The chapter's run: 300 iterations, line by line, beside the printed page.
import { chart } from "chart";
import { byId, element, wait } from "dom";
import { loop } from "loop";
import { around, largest } from "paint";
import { text } from "parts";
import { say, spoken } from "phrases";

const FAULTS = [
  "kernel-sign",
  "last-position",
  "delta-scale",
  "tanh-derivative",
  "dropout-gradient",
  "train-denominator",
  "last-batch",
  "softmax-overflow",
];
const KERNELS = 16;

const printed = text("printed-page").trim().split("\n");
const past = printed.map(accuracies);
let computer;
let lines = [];
let points = [];
let iterations;
let fresh = true;
let spent = 0;

/** The test and the training accuracy of a line. */
function accuracies(line) {
  const [, test, train] = line.match(/Test-Acc:(\S+) Train-Acc:(\S+)/);
  return [Number(test), Number(train)];
}

/** Builds the run. */
export function run(made) {
  computer = made;
  for (const name of FAULTS) {
    const input = element("input", { type: "checkbox", id: `fault-${name}`, value: name, change: reset });
    const words = element("span", { class: "small", "data-fault": name });
    byId("run-faults").append(element("label", { class: "switch" }, input, element("code", {}, name), words));
  }
  for (let kernel = 0; kernel < KERNELS; kernel++) {
    byId("run-kernels").append(element("canvas", { class: "map", role: "img", width: 3, height: 3 }));
  }
  iterations = loop(timed, show);
  byId("run-start").addEventListener("click", () => (iterations.running ? iterations.pause() : start()));
  byId("run-step").addEventListener("click", () => iterations.instead(iterate));
  follow();
  byId("run-reset").addEventListener("click", reset);
  spoken(() => {
    for (const words of document.querySelectorAll("[data-fault]"))
      words.textContent = say(`fault.${words.dataset.fault}`);
    [...byId("run-kernels").children].forEach((canvas, number) =>
      canvas.setAttribute("aria-label", say("kernel", { number: number + 1 })),
    );
    show();
  });
}

/** Runs to the end, or until it is paused. */
export function start() {
  if (!isDone()) iterations.start();
}

const isDone = () => lines.length >= printed.length;

/** An iteration, no faster than was asked for; whether there is another one. */
async function timed() {
  const began = performance.now();
  await iterate();
  const rest = Number(byId("run-speed").value) - (performance.now() - began);
  if (rest > 0) await wait(rest);
  return !isDone();
}

const reset = () =>
  iterations.instead(() => {
    fresh = true;
    lines = [];
    points = [];
    spent = 0;
    byId("book-lines").replaceChildren();
    byId("book-digest").textContent = "";
    paint(new Float32Array(9 * KERNELS));
    show();
  });

/** The faults that are put right. */
const fixes = () => FAULTS.filter((name) => byId(`fault-${name}`).checked);

async function iterate() {
  if (isDone()) return;
  if (fresh) await computer.make("run", "Run", { made: "digits" }, fixes().join(","));
  fresh = false;
  const began = performance.now();
  const line = await computer.call("run", "iterate");
  spent += performance.now() - began;
  const kernels = await computer.call("run", "kernels");
  add(line);
  paint(kernels);
  if (isDone()) byId("book-digest").textContent = await computer.call("run", "digest");
  show();
}

/** Whether the last lines are looked at, and so each new one. */
let following = true;

function follow() {
  const list = byId("book-lines");
  const atEnd = () => list.scrollTop + list.clientHeight > list.scrollHeight - 40;
  list.addEventListener("scroll", () => (following = atEnd()));
  // On a screen of another size the end is elsewhere.
  new ResizeObserver(() => following && toEnd()).observe(list);
}

function toEnd() {
  byId("book-lines").scrollTop = byId("book-lines").scrollHeight;
}

function add(line) {
  const equal = line === printed[lines.length];
  const list = byId("book-lines");
  list.append(element("span", { class: `line ${equal ? "equal" : "other"}` }, line), "\n");
  if (following) toEnd();
  points.push([lines.length, ...accuracies(line)]);
  lines.push({ line, equal });
}

function paint(kernels) {
  const most = largest(kernels);
  [...byId("run-kernels").children].forEach((canvas, number) =>
    around(canvas, kernels.slice(9 * number, 9 * number + 9), 3, 3, most),
  );
}

function show() {
  const done = lines.length;
  byId("run-start").textContent = say(iterations.running ? "pause" : "start");
  byId("run-start").disabled = isDone();
  byId("run-step").disabled = iterations.running || isDone();
  byId("run-progress").value = done;
  const speed = done ? say("run.speed.each", { milliseconds: Math.round(spent / done) }) : "";
  byId("run-state").textContent = say("run.state", { done, all: printed.length, speed });
  const equal = lines.filter((line) => line.equal).length;
  byId("run-equal").textContent = done ? say(fixes().length ? "run.equal.fixed" : "run.equal", { equal, done }) : "";
  chart(byId("run-chart"), {
    x: [0, printed.length],
    y: [0, 1],
    label: say("run.curves.label"),
    format: (part) => `${Math.round(100 * part)} %`,
    series: [
      { style: "one past", points: past.map(([test], at) => [at, test]) },
      { style: "two past", points: past.map(([, train], at) => [at, train]) },
      { style: "two", name: say("run.train"), points: points.map(([at, , train]) => [at, train]) },
      { style: "one", name: say("run.test"), points: points.map(([at, test]) => [at, test]) },
    ],
  });
}
