// Curves in a frame.
import { element } from "dom";

/** The widest that a frame is before its letters grow with it. */
const WIDEST = 480;
const MARGIN = { left: 40, right: 8, top: 8, bottom: 24 };
const NAMESPACE = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Steps of 1, 2 or 5 times a power of ten, about five of them. */
function ticks([from, to]) {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const all = [];
  for (let at = Math.ceil(from / step); at * step <= to + 1e-9; at++) all.push(at * step);
  return all;
}

/**
 * Draws curves into a place. Each has a `name`, a `style` (`one`, `two` or `three`, and perhaps `past`), and `points` of
 * [x, y]; `x` and `y` are the ends of the axes, `format` says a number of the vertical one, and `now` is an x to mark.
 */
export function chart(place, { x, y, series, label, format = String, now }) {
  // On a narrow screen the letters keep their size.
  const width = Math.min(WIDEST, place.clientWidth || WIDEST);
  const height = (width * 9) / 16;
  const across = (value) => MARGIN.left + ((value - x[0]) / (x[1] - x[0])) * (width - MARGIN.left - MARGIN.right);
  const down = (value) =>
    height - MARGIN.bottom - ((value - y[0]) / (y[1] - y[0])) * (height - MARGIN.top - MARGIN.bottom);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const value of ticks(y)) {
    svg.append(
      shape("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: down(value), y2: down(value) }),
    );
    svg.append(shape("text", { x: MARGIN.left - 6, y: down(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (const value of ticks(x)) {
    svg.append(
      shape(
        "text",
        { x: across(value), y: height - 6, "text-anchor": "middle" },
        String(Math.round(value * 100) / 100),
      ),
    );
  }
  if (now !== undefined) {
    svg.append(
      shape("line", { class: "now", x1: across(now), x2: across(now), y1: MARGIN.top, y2: height - MARGIN.bottom }),
    );
  }
  const clamped = (value) => Math.min(y[1], Math.max(y[0], value));
  for (const { style, points } of series) {
    const path = points.map(
      ([at, value], number) => `${number ? "L" : "M"}${across(at).toFixed(1)} ${down(clamped(value)).toFixed(1)}`,
    );
    // A single point is a dot: a line of no length with round ends.
    if (path.length === 1) path.push(path[0].replace("M", "L"));
    if (path.length) svg.append(shape("path", { class: `line ${style}`, d: path.join("") }));
  }
  const named = series.filter(({ name }) => name);
  const names = named.map(({ name, style }) => element("span", { class: style }, name));
  place.replaceChildren(element("div", { class: "names" }, ...names), svg);
}
