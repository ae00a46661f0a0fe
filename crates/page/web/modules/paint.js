// Numbers as pixels, in the colours of the theme.

/** What each canvas shows, to be painted anew when the theme changes. */
const painted = new Map();

/** The theme's colours as red, green and blue, asked for once: there are hundreds of pictures. */
let theme;

function colours() {
  if (theme) return theme;
  // What a colour is in the theme at hand is known of an element that has it.
  const probe = document.createElement("i");
  document.body.append(probe);
  const triple = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  };
  theme = Object.fromEntries(["positive", "negative", "ink", "raised"].map((name) => [name, triple(name)]));
  probe.remove();
  return theme;
}

/** Shows values on a canvas; `part` tells how far the colour of one goes from the ground to `over` or, below 0, to `under`. */
function paint(canvas, values, rows, cols, over, under, part) {
  const show = () => {
    if (canvas.width !== cols) canvas.width = cols;
    if (canvas.height !== rows) canvas.height = rows;
    const shades = colours();
    const ground = shades.raised;
    const image = new ImageData(cols, rows);
    const { data } = image;
    for (let at = 0, to = 0; at < rows * cols; at++, to += 4) {
      const value = values[at];
      const towards = shades[value < 0 ? under : over];
      const far = part(value);
      data[to] = ground[0] + far * (towards[0] - ground[0]);
      data[to + 1] = ground[1] + far * (towards[1] - ground[1]);
      data[to + 2] = ground[2] + far * (towards[2] - ground[2]);
      data[to + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  painted.set(canvas, show);
  show();
}

/** Ink from 0 to 255. */
export function ink(canvas, values, rows, cols) {
  paint(canvas, values, rows, cols, "ink", "ink", (value) => value / 255);
}

/** Numbers around 0; at `largest` the colour is full. */
export function around(canvas, values, rows, cols, largest) {
  const scale = largest > 0 ? 1 / largest : 0;
  paint(canvas, values, rows, cols, "positive", "negative", (value) => Math.min(1, Math.abs(value) * scale));
}

/** The colour behind a number, for an element: so strong at most that the number can be read on it. */
export function shade(value, largest) {
  const part = largest > 0 ? Math.min(1, Math.abs(value) / largest) : 0;
  return `color-mix(in srgb, var(--${value < 0 ? "negative" : "positive"}) ${48 * part}%, var(--raised))`;
}

/** The largest distance from 0. */
export const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Paints everything anew: the colours have changed. */
export function repaint() {
  theme = undefined;
  for (const [canvas, show] of painted) {
    if (canvas.isConnected) show();
    else painted.delete(canvas);
  }
}
