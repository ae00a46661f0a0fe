// The chapter's listing in Python, and beside it the same as a page of Rust, block by block.
import { byId, element } from "dom";
import { text } from "parts";
import { say, spoken } from "phrases";

/** The blocks: a name, how the first line begins in Python, and how the first lines of its parts begin in Rust. */
const BLOCKS = JSON.parse(text("block-starts"));
/** What ends the last block that begins before it. */
const ENDS = ["start = time.perf_counter()", "# --- end of the listing ---", "    Ok(())"];

/** Builds the two columns. */
export function listing() {
  const python = text("listing-python").split("# --- the listing ---\n")[1].split("\n");
  const rust = text("listing-rust").split("\n");
  const place = byId("listing-blocks");
  for (const [name, start, parts] of BLOCKS) {
    const title = element("h3", { "data-block": name });
    const left = cut(python, start, (block) => block[1]);
    const right = parts.map((part) => cut(rust, part, (block) => block[2])).join("\n\n");
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
function cut(lines, start, starts) {
  const first = (begin) => lines.findIndex((line) => line.startsWith(begin));
  const from = first(start);
  const others = [...BLOCKS.flatMap(starts).map(first), ...ENDS.map(first)];
  const to = Math.min(lines.length, ...others.filter((other) => other > from));
  const block = lines.slice(from, to);
  while (block.at(-1)?.trim() === "") block.pop();
  const indent = Math.min(...block.filter((line) => line.trim()).map((line) => line.match(/^ */)[0].length));
  return block.map((line) => line.slice(indent)).join("\n");
}
