// The chapter's listing in Python, and beside it the same as a page of Rust, block by block.
import { byId, element } from "dom";
import { text } from "parts";
import { say, spoken } from "phrases";

/** The blocks: a name, and how the first line of each begins in Python and in Rust. */
const BLOCKS = JSON.parse(text("block-starts"));
/** What ends the last block that begins before it. */
const ENDS = [
  "start = time.perf_counter()",
  "# --- end of the listing ---",
  "fn main()",
  "    Ok(())",
  "fn pixels(",
  "#[cfg(test)]",
];

/** Builds the two columns. */
export function listing() {
  const python = text("listing-python").split("# --- the listing ---\n")[1].split("\n");
  const rust = text("listing-rust").split("\n");
  const place = byId("listing-blocks");
  for (const [name, ...starts] of BLOCKS) {
    const title = element("h3", { "data-block": name });
    const [left, right] = [cut(python, starts[0], 1), cut(rust, starts[1], 2)];
    place.append(
      element(
        "section",
        { class: "block" },
        title,
        element("pre", { lang: "en", translate: "no" }, element("code", {}, left)),
        element("pre", { lang: "en", translate: "no" }, element("code", {}, right)),
      ),
    );
  }
  spoken(() => {
    for (const title of document.querySelectorAll("[data-block]"))
      title.textContent = say(`listing.${title.dataset.block}`);
  });
}

/** The lines from the first one that begins so to where another block begins or all end, moved to the left together. */
function cut(lines, start, column) {
  const first = (begin) => lines.findIndex((line) => line.startsWith(begin));
  const from = first(start);
  const others = [...BLOCKS.map((block) => first(block[column])), ...ENDS.map(first)];
  const to = Math.min(lines.length, ...others.filter((other) => other > from));
  const block = lines.slice(from, to);
  while (block.at(-1)?.trim() === "") block.pop();
  const indent = Math.min(...block.filter((line) => line.trim()).map((line) => line.match(/^ */)[0].length));
  return block.map((line) => line.slice(indent)).join("\n");
}
