// Networks that learn.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { open, type } from "../open.mjs";
import { digest, downloaded, folder, program } from "../program.mjs";

export default {
  async "a network learns to the program's digest"() {
    const tab = await open({ hash: "train=stacked&epochs=2" });
    await tab.waitForFunction(() => document.getElementById("train-digest").textContent, null, { timeout: 600_000 });
    const found = await tab.textContent("#train-digest");
    assert.equal(found, digest(program("train", "stacked", "--epochs", "2")));
    // What is downloaded goes on in the program.
    const recipe = await downloaded(tab, "#learn-recipe-file");
    assert.equal(digest(program("train", recipe, "--run", join(folder, "again"))), found);
    const trained = await downloaded(tab, "#learn-model-file");
    assert.equal(readFileSync(trained).equals(readFileSync(join(folder, "again/model.safetensors"))), true);
    // Begun anew in the middle, and at once again, it arrives at the same.
    await tab.click("#learn-reset");
    await tab.waitForFunction(() => !document.getElementById("train-digest").textContent);
    await tab.click("#learn-start");
    await tab.waitForFunction(() => document.getElementById("learn-progress").value > 2);
    await tab.evaluate(() => {
      for (const button of ["reset", "start", "reset", "start"]) document.getElementById(`learn-${button}`).click();
    });
    await tab.waitForFunction(() => document.getElementById("train-digest").textContent, null, { timeout: 600_000 });
    assert.equal(await tab.textContent("#train-digest"), found);
    assert.match(await tab.textContent("#learn-state"), /step 40 of 40 · .* of 10,000 held-out digits/);
    // Read one's own digit with it.
    await tab.click("#learn-use");
    await tab.waitForFunction(() => document.getElementById("draw-about").textContent.startsWith("33,"));
    await tab.context().close();
  },

  async "layers are changed, refused in a sentence, and shared"() {
    const tab = await open();
    await tab.waitForSelector("#learn-layers tr");
    const rows = await tab.locator("#learn-layers tr").count();
    // Without its flatten layer a network has too many outputs.
    await tab.locator("#learn-layers tr", { hasText: "flatten" }).locator("button").click();
    await tab.waitForSelector("#learn-problem:not([hidden])");
    const dense = String(rows - 1);
    const told = new RegExp(`Layer ${dense}, dense, does not fit: .*Put a flatten layer before it`);
    assert.match(await tab.textContent("#learn-problem"), told);
    assert.match(await tab.textContent("#learn-layers .misfit"), new RegExp(`^${dense} dense`));
    // The layers before it keep their shapes; the sentence follows the language.
    assert.match(await tab.locator("#learn-layers tr").first().textContent(), /24 × 24 × 16/);
    await tab.click("#language");
    assert.match(await tab.textContent("#learn-problem"), /^第 13 层（全连接）不相配：.*展平层/);
    await tab.click("#language");
    assert.equal(await tab.isDisabled("#learn-start"), true);
    await tab.selectOption("#learn-kind", "flatten");
    await tab.click("#learn-add-layer");
    await tab.waitForSelector("#learn-problem", { state: "hidden" });
    await tab.selectOption("#learn-kind", "tanh");
    await tab.click("#learn-add-layer");
    await tab.waitForFunction((rows) => document.querySelectorAll("#learn-layers tr").length === rows + 1, rows);
    await type(tab.locator("#learn-epochs"), "1");
    await tab.press("#learn-epochs", "Tab");
    await tab.click("#learn-share");
    const hash = await tab.evaluate(() => location.hash.slice(1));
    await tab.context().close();
    const other = await open({ hash });
    await other.waitForFunction(() => document.getElementById("train-digest").textContent, null, { timeout: 600_000 });
    assert.equal(await other.locator("#learn-layers tr").count(), rows + 1);
    assert.ok((await other.locator("#learn-mistakes figure").count()) > 0);
    await other.context().close();
  },

  async "a link that cannot be read is told, and the first recipe stands there"() {
    const odd = ['[{"type":"conv","kernels":2.5,"window":3}]', '[{"type":"conv","kernels":2}]', '[{"type":"sigmoid"}]'];
    const bad = ["train=nonsense", "train=", "train=quick", "train=stacked&epochs=-3", "train=stacked&epochs=1e12"];
    for (const layers of ["5", "{garbage", '{"a":1}', "[null]", '[{"type":"<img>"}]', ...odd]) {
      bad.push(`train=stacked&layers=${encodeURIComponent(layers)}`);
    }
    for (const hash of bad) {
      const tab = await open({ hash });
      await tab.waitForSelector("#learn-problem:not([hidden])");
      assert.match(await tab.textContent("#learn-problem"), /no recipe that can be read/, hash);
      assert.ok((await tab.locator("#learn-layers tr").count()) > 3, hash);
      assert.equal(await tab.isDisabled("#learn-start"), false, hash);
      await tab.click("#language");
      assert.match(await tab.textContent("#learn-problem"), /没有可以读取的配方/, hash);
      await tab.click("#learn-reset");
      await tab.waitForSelector("#learn-problem", { state: "hidden" });
      await tab.context().close();
    }
  },

  async "a network without a convolution has no kernels to show"() {
    const tab = await open({ hash: "train=dense&epochs=1" });
    await tab.waitForSelector("#learn-first", { state: "hidden" });
    await tab.selectOption("#learn-recipe", "lenet");
    await tab.waitForSelector("#learn-first");
    assert.ok((await tab.locator("#learn-kernels canvas").count()) > 0);
    await tab.context().close();
  },

  async "a network that is too large for the page is told"() {
    const tab = await open();
    await tab.waitForSelector("#learn-layers tr");
    await tab.selectOption("#learn-recipe", "dense");
    await tab.selectOption("#learn-kind", "dense");
    const fields = tab.locator("#learn-layers input");
    const before = await fields.count();
    for (let added = 0; added < 5; added++) {
      await tab.click("#learn-add-layer");
      await tab.waitForFunction(
        (count) => document.querySelectorAll("#learn-layers input").length === count,
        before + added + 1,
      );
      // A new dense layer stands before the last.
      await type(fields.nth(before + added - 1), "1024");
      await tab.keyboard.press("Tab");
      await tab.waitForFunction(
        (shapes) => document.getElementById("learn-layers").textContent.split("1 × 1 × 1024").length > shapes,
        added + 1,
      );
    }
    const told = () => /trains at most 4,000,000/.test(document.getElementById("learn-problem").textContent);
    await tab.waitForFunction(told);
    assert.equal(await tab.isDisabled("#learn-start"), true);
    await tab.context().close();
  },

  async "a page without a clipboard says where the link stands"() {
    const tab = await open();
    await tab.waitForSelector("#learn-layers tr");
    await tab.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await tab.click("#learn-share");
    await tab.waitForFunction(() => /address bar/.test(document.getElementById("learn-shared").textContent));
    await tab.context().close();
  },

  async "the keyboard stays in the table of layers"() {
    const tab = await open();
    await tab.waitForSelector("#learn-layers tr");
    const kernels = tab.locator("#learn-layers input").first();
    await kernels.focus();
    const shows = (shape) =>
      tab.waitForFunction((shape) => document.querySelector("#learn-layers tr").textContent.includes(shape), shape);
    for (const count of [17, 18]) {
      await tab.keyboard.press("ArrowUp");
      await shows(`× ${count}`);
    }
    assert.equal(await kernels.inputValue(), "18");
    const rows = await tab.locator("#learn-layers tr").count();
    await tab.locator("#learn-layers button").nth(1).focus();
    for (let removed = 1; removed <= 2; removed++) {
      await tab.keyboard.press("Enter");
      const left = rows - removed;
      await tab.waitForFunction((left) => document.querySelectorAll("#learn-layers tr").length === left, left);
    }
    assert.equal(await tab.evaluate(() => document.activeElement.closest("tr").rowIndex), 2);
    await tab.context().close();
  },
};
