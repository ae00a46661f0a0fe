// The chapter's figure: four kernels at every section of a small image.
import { byId, element, still, wait } from "dom";
import { loop } from "loop";
import { largest, shade } from "paint";
import { say, spoken } from "phrases";

const SIDE = 8;
const PLACES = 6;
const TWO = ["..###...", ".#...#..", ".....#..", "....#...", "...#....", "..#.....", ".######.", "........"];
/** A weight of 2 on the line, −1 beside it. */
const KERNELS = [
  ["horizontal", "...###..."],
  ["up", "..#.#.#.."],
  ["vertical", ".#..#..#."],
  ["down", "#...#...#"],
];
const POOLINGS = ["sum", "mean", "max"];

const image = new Float32Array(SIDE * SIDE);
const kernels = new Float32Array(KERNELS.length * 9);
let found = new Float32Array((KERNELS.length + POOLINGS.length) * PLACES * PLACES);
let position = 0;
let kernel = 0;
let player;
let pixels = [];
let maps = [];

const place = () => [Math.floor(position / PLACES), position % PLACES];
/** A number in few letters: two decimals, and what is too small for them as a power of ten. */
const short = (value) => {
  const small = value !== 0 && Math.abs(value) < 0.005;
  const said = Number.isInteger(value) ? String(value) : small ? value.toExponential(0) : value.toFixed(2);
  return said.replaceAll("-", "−");
};
/** The largest weight that a field takes, so that sums have room in their cells. */
const LARGEST = 99;

/** Builds the figure, which `computer` computes. */
export function figure(computer) {
  KERNELS.forEach(([, picture], number) => {
    [...picture].forEach((mark, tap) => (kernels[9 * number + tap] = mark === "#" ? 2 : -1));
  });
  buildImage(computer);
  buildMaps(computer);
  byId("figure-two").addEventListener("click", () => two(computer));
  byId("figure-clear").addEventListener("click", () => {
    image.fill(0);
    compute(computer);
  });
  byId("figure-step").addEventListener("click", () => move(position + 1));
  byId("figure-position").addEventListener("input", ({ target }) => move(Number(target.value)));
  const named = () => (byId("figure-play").textContent = say(player.running ? "pause" : "play"));
  player = loop(play, named);
  byId("figure-play").addEventListener("click", () => (player.running ? player.pause() : player.start()));
  spoken(() => {
    KERNELS.forEach(([name], number) => (maps[number].title.textContent = say(`figure.kernel.${name}`)));
    POOLINGS.forEach((name, number) => (maps[KERNELS.length + number].title.textContent = say(`figure.pool.${name}`)));
    named();
    show();
  });
  two(computer);
}

function two(computer) {
  TWO.forEach((row, y) => [...row].forEach((mark, x) => (image[SIDE * y + x] = mark === "#" ? 1 : 0)));
  return compute(computer);
}

function buildImage(computer) {
  const grid = byId("figure-grid");
  for (let y = 0; y < SIDE; y++) {
    const row = element("div", { role: "row" });
    for (let x = 0; x < SIDE; x++) {
      const pixel = element("button", {
        type: "button",
        class: "pixel",
        role: "gridcell",
        tabindex: y + x ? "-1" : "0",
      });
      row.append(pixel);
      pixels.push(pixel);
    }
    grid.append(row);
  }
  const at = (event) => pixels.indexOf(document.elementFromPoint(event.clientX, event.clientY));
  const windowMode = () => document.querySelector('[name="figure-mode"]:checked').value === "window";
  let colour;
  /** The finger that was first on the image, or the mouse. */
  let finger;
  const touch = (event) => {
    const pixel = at(event);
    if (pixel < 0) return;
    if (windowMode()) {
      const limit = (value) => Math.min(PLACES - 1, Math.max(0, value - 1));
      move(limit(Math.floor(pixel / SIDE)) * PLACES + limit(pixel % SIDE));
    } else {
      image[pixel] = colour;
      compute(computer);
    }
  };
  grid.addEventListener("pointerdown", (event) => {
    const pixel = at(event);
    if (pixel < 0 || !event.isPrimary) return;
    finger = event.pointerId;
    colour = image[pixel] ? 0 : 1;
    grid.setPointerCapture(event.pointerId);
    touch(event);
  });
  grid.addEventListener("pointermove", (event) => event.pointerId === finger && touch(event));
  grid.addEventListener("lostpointercapture", (event) => event.pointerId === finger && (finger = undefined));
  grid.addEventListener("keydown", (event) => {
    const from = pixels.indexOf(document.activeElement);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE }[event.key];
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      image[from] = image[from] ? 0 : 1;
      compute(computer);
    } else if (step && pixels[from + step]) {
      event.preventDefault();
      pixels[from].tabIndex = -1;
      pixels[from + step].tabIndex = 0;
      pixels[from + step].focus();
    }
  });
}

/** The matrix of a kernel or a pooling. A cell can be pressed; the keyboard has the slider of the position for that. */
function numbers(name, chosen) {
  const cells = Array.from({ length: PLACES * PLACES }, (_, at) => element("span", { click: () => chosen(at) }));
  return { cells, box: element("div", { class: "numbers", role: "img", "data-map": name }, ...cells) };
}

function buildMaps(computer) {
  KERNELS.forEach(([name], number) => {
    const inputs = Array.from({ length: 9 }, (_, tap) =>
      element("input", {
        type: "number",
        step: "1",
        min: String(-LARGEST),
        max: String(LARGEST),
        value: String(kernels[9 * number + tap]),
        input: ({ target }) => {
          const value = target.valueAsNumber;
          kernels[9 * number + tap] = Number.isFinite(value) ? Math.max(-LARGEST, Math.min(LARGEST, value)) : 0;
          compute(computer);
        },
        // What the field shows is what is computed with.
        change: ({ target }) => {
          const kept = kernels[9 * number + tap];
          if (Math.fround(target.valueAsNumber) !== kept) target.value = String(kept);
          show();
        },
      }),
    );
    const title = element("button", { type: "button", "aria-pressed": "false", click: () => choose(number) });
    const map = numbers(name, (at) => {
      kernel = number;
      move(at);
    });
    maps.push({ ...map, title, inputs });
    byId("figure-kernels").append(
      element("div", { class: "kernel-card" }, title, element("div", { class: "weights" }, ...inputs), map.box),
    );
  });
  for (const name of POOLINGS) {
    const map = numbers(name, move);
    const title = element("b", { class: "small" });
    maps.push({ ...map, title });
    byId("figure-pooled").append(element("div", { class: "kernel-card" }, title, map.box));
  }
}

function choose(number) {
  kernel = number;
  show();
}

async function compute(computer) {
  show();
  found = await computer.call(null, "figure", image, kernels);
  show();
}

function move(to) {
  position = (to + PLACES * PLACES) % (PLACES * PLACES);
  show();
}

/** The window moves on by one, and stays for a while. */
async function play() {
  move(position + 1);
  await wait(still() ? 1200 : 450);
  return true;
}

function show() {
  const [top, left] = place();
  byId("figure-position").value = position;
  byId("figure-place").textContent = say("figure.place", { row: top + 1, column: left + 1 });
  pixels.forEach((pixel, at) => {
    const [y, x] = [Math.floor(at / SIDE), at % SIDE];
    pixel.classList.toggle("on", image[at] > 0);
    pixel.classList.toggle("under", y >= top && y < top + 3 && x >= left && x < left + 3);
    pixel.setAttribute(
      "aria-label",
      say(image[at] ? "figure.pixel.on" : "figure.pixel.off", { row: y + 1, column: x + 1 }),
    );
  });
  const weight = largest(kernels);
  maps.forEach(({ cells, box, title, inputs }, number) => {
    const values = found.subarray(number * cells.length, (number + 1) * cells.length);
    const most = largest(values);
    const said = Array.from(values, short);
    box.style.setProperty("--letters", Math.max(...said.map(({ length }) => length)));
    cells.forEach((cell, at) => {
      cell.textContent = said[at];
      cell.style.background = shade(values[at], most);
      cell.classList.toggle("here", at === position);
    });
    const rows = Array.from({ length: PLACES }, (_, row) => [...values.subarray(row * PLACES, (row + 1) * PLACES)]);
    box.setAttribute("aria-label", `${title.textContent}: ${rows.map((row) => row.map(short).join(" ")).join("; ")}`);
    if (!inputs) return;
    title.setAttribute("aria-pressed", String(number === kernel));
    inputs.forEach((input, tap) => {
      input.style.background = shade(kernels[9 * number + tap], weight);
      input.style.setProperty("--letters", input.value.length);
      input.setAttribute(
        "aria-label",
        say("figure.weight", { kernel: number + 1, row: Math.floor(tap / 3) + 1, column: (tap % 3) + 1 }),
      );
    });
  });
  formula(top, left);
}

/** The sum of nine products. */
function formula(top, left) {
  const terms = [];
  for (let tap = 0; tap < 9; tap++) {
    const pixel = image[(top + Math.floor(tap / 3)) * SIDE + left + (tap % 3)];
    const weight = kernels[9 * kernel + tap];
    const term = element(
      "span",
      { class: pixel ? "" : "zero" },
      `${short(pixel)}·${weight < 0 ? `(${short(weight)})` : short(weight)}`,
    );
    terms.push(term, tap < 8 ? " + " : " = ");
  }
  const sum = found[kernel * PLACES * PLACES + position];
  byId("figure-formula").replaceChildren(...terms, element("b", {}, short(sum)));
}
