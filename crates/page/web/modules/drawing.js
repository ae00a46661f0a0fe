// What is drawn: strokes, or a digit of the test images, moved, turned and thickened.

/** Enough for an answer that looks at every pixel, and few enough that it comes at once. */
const SIDE = 140;
/** Pixels of the drawing along the side of one that the network gets. */
const BLOCK = SIDE / 28;
/** A digit of the test images stands so many times as large in the middle. */
const SCALE = 4;
const MARGIN = (SIDE - 28 * SCALE) / 2;

let strokes = [];
let digit;

export const side = SIDE;

/** Whether there is nothing. */
export const isEmpty = () => !digit && strokes.length === 0;

/** The test image that is shown; none where there are strokes. */
export const shownDigit = () => digit;

/** Takes everything away. */
export function clear() {
  strokes = [];
  digit = undefined;
}

/** Begins a stroke. */
export function begin(point) {
  digit = undefined;
  strokes.push([point]);
}

/** Goes on with the stroke. */
export const extend = (point) => strokes.at(-1)?.push(point);

/** Takes the last stroke away. */
export function undo() {
  if (digit) digit = undefined;
  else strokes.pop();
}

/** Shows a test image, 28 × 28 of 0 to 255. */
export function showDigit(pixels) {
  clear();
  digit = pixels;
}

/** The points of all strokes, moved and turned around the middle of the square; NaN stands between two strokes. */
export function points({ right, down, turn }) {
  const [cos, sin] = rotation(turn);
  const middle = SIDE / 2;
  const all = [];
  for (const stroke of strokes) {
    for (const [x, y] of stroke) {
      const [dx, dy] = [x - middle, y - middle];
      all.push(middle + cos * dx - sin * dy + right, middle + sin * dx + cos * dy + down);
    }
    all.push(NaN, NaN);
  }
  return Float32Array.from(all);
}

/** The ink of the test image, moved, turned and thickened: interpolated, and cut at a level. */
export function digitInk({ right, down, turn, thick }, usual) {
  const [cos, sin] = rotation(-turn);
  const middle = SIDE / 2;
  const level = 0.5 - (thick - usual) * (thick > usual ? 0.068 : 0.1);
  const ink = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [dx, dy] = [x + 0.5 - middle - right, y + 0.5 - middle - down];
      const value =
        between(
          (middle + cos * dx - sin * dy - MARGIN) / SCALE - 0.5,
          (middle + sin * dx + cos * dy - MARGIN) / SCALE - 0.5,
        ) / 255;
      ink[y * SIDE + x] = Math.round(255 * Math.min(1, Math.max(0, (value - level) * 4 + 0.5)));
    }
  }
  return ink;
}

/** The mean of ink in 28 × 28 squares: the drawing as it stands, not centred. */
export function reduced(ink) {
  const image = new Uint8Array(28 * 28);
  for (let at = 0; at < image.length; at++) {
    let sum = 0;
    for (let y = 0; y < BLOCK; y++)
      for (let x = 0; x < BLOCK; x++) sum += ink[(Math.floor(at / 28) * BLOCK + y) * SIDE + (at % 28) * BLOCK + x];
    image[at] = Math.round(sum / BLOCK ** 2);
  }
  return image;
}

function rotation(degrees) {
  const angle = (degrees * Math.PI) / 180;
  return [Math.cos(angle), Math.sin(angle)];
}

function between(x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (row, column) => (row < 0 || row > 27 || column < 0 || column > 27 ? 0 : digit[28 * row + column]);
  const [right, down] = [x - left, y - top];
  return (
    (at(top, left) * (1 - right) + at(top, left + 1) * right) * (1 - down) +
    (at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right) * down
  );
}
