// The listing beside its page of Rust.
import assert from "node:assert/strict";
import { open } from "../open.mjs";
import { text } from "../program.mjs";

export default {
  async "the listing stands beside its page of Rust"() {
    const tab = await open({ language: "zh" });
    const blocks = await tab.$$eval("#listing .block", (blocks) =>
      blocks.map((block) => [...block.querySelectorAll("code")].map((code) => code.textContent)),
    );
    assert.equal(blocks.length, 11);
    const listing = text("benches/peers/listing_book.py");
    const rust = text("crates/conv-core/examples/chapter.rs");
    for (const [left, right] of blocks) {
      for (const line of left.split("\n")) assert.ok(listing.includes(line.trim()), line);
      for (const line of right.split("\n")) assert.ok(rust.includes(line.trim()), line);
    }
    // The page of Rust is whole, from its first line of code on.
    const shown = blocks.map(([, right]) => right).join("\n");
    const code = rust.slice(rust.indexOf("use ")).split("\n");
    for (const line of code) assert.ok(shown.includes(line.trim()) || line.trim() === "Ok(())", line);
    assert.ok(
      blocks[8][0].includes("kernels -= alpha * k_update") && blocks[8][1].includes("kernels.scaled_add(-ALPHA"),
    );
    // What also stands in another block ends none.
    assert.ok(blocks[9][0].includes("layer_2 = np.dot(layer_1") && blocks[9][0].includes("test_correct_cnt += "));
    await tab.click("#language");
    assert.equal(await tab.textContent("#listing-title"), "The listing, in Python and in Rust");
    await tab.context().close();
  },
};
