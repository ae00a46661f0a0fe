// Uses the page as a person would, and compares it with the program. `node check.mjs`, see docs/PAGE.md.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { browser, errors, open } from "./open.mjs";

const root = new URL("../../../", import.meta.url).pathname;
const trainer = process.env.TRAINER ?? join(root, "target/debug/trainer");
const model = join(root, "crates/page/web/quick.safetensors");
const folder = mkdtempSync(join(tmpdir(), "page-"));
const only = process.argv.slice(2);

/** What a command of the program prints, on stdout and on stderr. */
const program = (...args) =>
  execFileSync("sh", ["-c", '"$0" "$@" 2>&1', trainer, ...args], { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26 });
const digest = (printed) => printed.match(/SHA-256 of the parameters: ([0-9a-f]{64})/)[1];
const round = (number) => Math.round(number * 10) / 10;
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** A model's file with the largest numbers of all. */
function overflowing(file) {
  const header = Number(file.readBigUInt64LE(0));
  const tensors = JSON.parse(file.subarray(8, 8 + header).toString());
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!/kernels|weights/.test(name)) continue;
    const [start, end] = tensor.data_offsets;
    for (let at = start; at < end; at += 4) file.writeFloatLE(3e38, 8 + header + at);
  }
  return file;
}

const tests = {
  async "opens at once, and nothing jumps"() {
    const tab = await open();
    const { paint, shifted, level } = await tab.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      shifted: window.shifted,
      level: document.getElementById("level").textContent,
    }));
    assert.ok(["relaxed", "simd128"].includes(level), level);
    assert.ok(shifted < 0.05, `layout shift ${shifted}`);
    assert.ok(paint < 1000, `first paint after ${paint} ms`);
    return `first paint ${Math.round(paint)} ms, layout shift ${shifted.toFixed(3)}, ${level}`;
  },

  async "every part fits every screen, in both languages"() {
    for (const [width, language] of [
      [360, "en"],
      [360, "zh"],
      [768, "en"],
      [1280, "zh"],
      [3840, "en"],
    ]) {
      const tab = await open({ width, language });
      const beyond = await tab.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(beyond, 0, `${beyond} pixels too wide at ${width} in ${language}`);
      const empty = await tab.evaluate(() =>
        [...document.querySelectorAll("[data-phrase], button, h1, h2, h3")]
          .filter(
            (e) =>
              !e.textContent.trim() && !e.getAttribute("aria-label") && e.offsetParent && !e.querySelector("canvas"),
          )
          .map((e) => e.outerHTML),
      );
      assert.deepEqual(empty, []);
      await tab.context().close();
    }
  },

  async "text has contrast, light and dark"() {
    for (const scheme of ["light", "dark"]) {
      const tab = await open({ scheme });
      const low = await tab.evaluate(() => {
        const luminance = (rgb) => {
          const [r, g, b] = rgb.map((one) => ((one /= 255) <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
        const ground = (element) => {
          for (let at = element; at; at = at.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
            if (a === 1) return [r, g, b];
          }
          return [255, 255, 255];
        };
        const texts = [...document.querySelectorAll("body *")].filter(
          (e) =>
            [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
            e.offsetParent &&
            !e.disabled &&
            !e.closest("script, .numbers, .weights"),
        );
        return texts
          .map((e) => {
            const [a, b] = [luminance(parse(getComputedStyle(e).color).slice(0, 3)), luminance(ground(e))];
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName, e.textContent.slice(0, 30)];
          })
          .filter(([contrast]) => contrast < 4.5);
      });
      assert.deepEqual(low, [], scheme);
      await tab.context().close();
    }
  },

  async "the figure: painted, dragged, typed"() {
    const tab = await open();
    const numbers = (map) =>
      tab.$$eval(`#figure [data-map="${map}"] button`, (cells) =>
        cells.map((cell) => Number(cell.textContent.replace("−", "-"))),
      );
    await tab.waitForFunction(
      () =>
        document.querySelector('#figure [data-map="sum"] button').textContent !== "0" ||
        document.querySelectorAll("#figure .numbers button").length === 252,
    );
    await tab.click("#figure-clear");
    await tab.locator("#figure-grid .pixel").nth(0).click();
    await tab.waitForFunction(() => document.querySelector('#figure [data-map="down"] button').textContent === "2");
    // Only the first section has the pixel, under each kernel's first weight.
    const first = await Promise.all(
      ["horizontal", "up", "vertical", "down", "sum", "mean", "max"].map(async (map) => (await numbers(map))[0]),
    );
    assert.deepEqual(first, [-1, -1, -1, 2, -1, -0.25, 2]);
    // A stroke with the pointer.
    const box = async (at) => tab.locator("#figure-grid .pixel").nth(at).boundingBox();
    const [from, to] = [await box(16), await box(23)];
    await tab.mouse.move(from.x + 5, from.y + 5);
    await tab.mouse.down();
    await tab.mouse.move(to.x + 5, to.y + 5, { steps: 20 });
    await tab.mouse.up();
    assert.equal(await tab.locator("#figure-grid .pixel.on").count(), 9);
    await tab.waitForFunction(
      () => document.querySelectorAll('#figure [data-map="horizontal"] button')[6].textContent === "6",
    );
    // A weight by the keyboard.
    await tab.locator('#figure input[type="number"]').nth(3).fill("10");
    await tab.waitForFunction(
      () => document.querySelectorAll('#figure [data-map="horizontal"] button')[6].textContent === "14",
    );
    // The window, dragged and stepped.
    await tab.check('[value="window"]');
    await tab
      .locator("#figure-grid .pixel")
      .nth(3 * 8 + 4)
      .click();
    assert.match(await tab.textContent("#figure-place"), /row 3, column 4/);
    await tab.click("#figure-step");
    assert.match(await tab.textContent("#figure-place"), /row 3, column 5/);
    const formula = await tab.textContent("#figure-formula");
    assert.equal(formula.split(" + ").length, 9, formula);
    await tab.locator("#figure-grid .pixel").nth(0).focus();
    await tab.keyboard.press("ArrowRight");
    await tab.keyboard.press("Space");
    assert.equal(await tab.locator("#figure-grid .pixel.on").count(), 10);
    await tab.context().close();
  },

  async "the chapter's run: 300 equal lines, the program's digest"() {
    const tab = await open({ hash: "book" });
    const began = performance.now();
    await tab.waitForFunction(() => document.getElementById("book-digest").textContent, null, { timeout: 900_000 });
    const lines = (await tab.textContent("#book-lines")).trim().split("\n");
    const printed = readFileSync(join(root, "tests/golden/chapter-10-conv.txt"), "utf8").trim().split("\n");
    assert.deepEqual(lines, printed);
    assert.equal(await tab.locator("#book-lines .equal").count(), 300);
    assert.equal(await tab.textContent("#book-digest"), digest(program("book")));
    const each = Number((await tab.textContent("#run-state")).match(/(\d+) ms/)[1]);
    assert.ok(each <= 300, `${each} ms an iteration`);
    await tab.context().close();
    return `${each} ms an iteration, ${round((performance.now() - began) / 1000)} s in all`;
  },

  async "a fault that is put right changes the run, and it pauses and steps"() {
    const tab = await open();
    await tab.check("#fault-kernel-sign");
    for (let step = 1; step <= 3; step++) {
      await tab.click("#run-step");
      await tab.waitForFunction((step) => document.querySelectorAll("#book-lines .line").length === step, step);
      await tab.waitForSelector("#run-step:enabled");
    }
    const lines = (await tab.textContent("#book-lines")).trim();
    assert.equal(
      lines,
      program("book", "--fix", "kernel-sign", "--iterations", "3")
        .split("\n")
        .filter((line) => line.startsWith("I:"))
        .join("\n"),
    );
    await tab.click("#run-start");
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length > 4);
    await tab.click("#run-start");
    await tab.waitForTimeout(1500);
    const paused = await tab.locator("#book-lines .line").count();
    await tab.waitForTimeout(1500);
    assert.equal(await tab.locator("#book-lines .line").count(), paused);
    await tab.uncheck("#fault-kernel-sign");
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length === 0);
    await tab.context().close();
  },

  async "a network learns to the program's digest"() {
    const tab = await open({ hash: "train=stacked&epochs=2" });
    await tab.waitForFunction(() => document.getElementById("train-digest").textContent, null, { timeout: 600_000 });
    const found = await tab.textContent("#train-digest");
    assert.equal(found, digest(program("train", "stacked", "--epochs", "2")));
    // What is downloaded goes on in the program.
    const file = async (button) => {
      const [download] = await Promise.all([tab.waitForEvent("download"), tab.click(button)]);
      const path = join(folder, download.suggestedFilename());
      await download.saveAs(path);
      return path;
    };
    const recipe = await file("#learn-recipe-file");
    assert.equal(digest(program("train", recipe, "--run", join(folder, "again"))), found);
    const trained = await file("#learn-model-file");
    assert.equal(readFileSync(trained).equals(readFileSync(join(folder, "again/model.safetensors"))), true);
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
    assert.match(await tab.textContent("#learn-problem"), /put a flatten layer before it/);
    assert.equal(await tab.isDisabled("#learn-start"), true);
    await tab.selectOption("#learn-kind", "flatten");
    await tab.click("#learn-add-layer");
    await tab.waitForSelector("#learn-problem", { state: "hidden" });
    await tab.selectOption("#learn-kind", "tanh");
    await tab.click("#learn-add-layer");
    await tab.waitForFunction((rows) => document.querySelectorAll("#learn-layers tr").length === rows + 1, rows);
    await tab.fill("#learn-epochs", "1");
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

  async "a drawn digit is read, and an empty field is not"() {
    const tab = await open();
    await tab.click("#draw-clear");
    await tab.waitForFunction(() => document.getElementById("draw-answer").textContent === "Nothing is drawn yet.");
    const scrolled = await tab.evaluate(() => {
      document.getElementById("draw-pad").scrollIntoView({ block: "center" });
      return scrollY;
    });
    const strokes = {
      1: [
        [
          [140, 50],
          [140, 230],
        ],
      ],
      7: [
        [
          [80, 60],
          [200, 60],
          [120, 230],
        ],
      ],
      4: [
        [
          [110, 50],
          [80, 150],
          [200, 150],
        ],
        [
          [170, 60],
          [165, 235],
        ],
      ],
      0: [Array.from({ length: 25 }, (_, at) => [140 + 60 * Math.sin(at / 4), 140 - 85 * Math.cos(at / 4)])],
    };
    const times = [];
    for (const [digit, lines] of Object.entries(strokes)) {
      await tab.click("#draw-clear");
      for (const line of lines) {
        const box = await tab.locator("#draw-pad").boundingBox();
        const at = ([x, y]) => [box.x + (x * box.width) / 280, box.y + (y * box.height) / 280];
        await tab.mouse.move(...at(line[0]));
        await tab.mouse.down();
        let before = line[0];
        for (const point of line.slice(1)) {
          // A mouse tells where it is 125 times a second.
          const [from, to] = [at(before), at(point)];
          for (let step = 1; step <= 6; step++) {
            await tab.mouse.move(...from.map((one, axis) => one + ((to[axis] - one) * step) / 6));
            await tab.waitForTimeout(8);
          }
          before = point;
          times.push(Number((await tab.textContent("#draw-time")).match(/[\d.]+/)[0]));
        }
        await tab.mouse.up();
      }
      await tab.waitForFunction(
        (digit) => document.querySelector("#draw-answer").textContent.startsWith(`${digit} `),
        digit,
      );
      // The program says the same of the same picture.
      const [download] = await Promise.all([tab.waitForEvent("download"), tab.click("#draw-save")]);
      const picture = join(folder, `drawn-${digit}.png`);
      await download.saveAs(picture);
      const said = program("predict", model, picture);
      const [, name, probability] = said.match(/: (\d) ([\d.]+)/);
      assert.equal(name, digit);
      const shown = await tab.$$eval("#draw-bars .bar", (bars) =>
        bars.map((bar) => Number(bar.style.getPropertyValue("--part"))),
      );
      assert.ok(Math.abs(shown[digit] - Number(probability)) < 2e-4, `${shown[digit]}, ${said}`);
    }
    assert.equal(await tab.evaluate(() => scrollY), scrolled);
    // By the keyboard.
    await tab.click("#draw-clear");
    await tab.focus("#draw-pad");
    await tab.keyboard.press("Space");
    for (let step = 0; step < 18; step++) await tab.keyboard.press("ArrowDown");
    await tab.waitForFunction(() => document.querySelector("#draw-answer").textContent.startsWith("1 "));
    await tab.context().close();
    const [best, middle] = [Math.min(...times), median(times)];
    assert.ok(middle < 16, `${times} ms`);
    return `answer after ${best} ms at best, ${middle} ms in the middle, ${Math.max(...times)} ms at most`;
  },

  async "200 test digits have the program's classes"() {
    const said = program("predict", model, ...Array.from({ length: 200 }, (_, at) => `test:${at}`));
    const expected = said
      .split("\n")
      .filter((line) => line.startsWith("test:"))
      .map((line) => line.match(/: (\d) /)[1]);
    assert.equal(expected.length, 200);
    const tab = await open();
    const found = [];
    for (let at = 0; at < 200; at++) {
      await tab.evaluate((at) => {
        document.getElementById("draw-answer").textContent = "";
        const number = document.getElementById("draw-number");
        number.value = at;
        number.dispatchEvent(new Event("change"));
      }, at);
      await tab.waitForFunction(() => document.getElementById("draw-answer").textContent);
      found.push((await tab.textContent("#draw-answer"))[0]);
    }
    assert.deepEqual(found, expected);
    await tab.context().close();
  },

  async "a pixel of a map shows its section, its kernel and the sum"() {
    const tab = await open();
    await tab.waitForSelector("#draw-layers button");
    await tab.locator("#draw-layers button").nth(2).click();
    await tab.waitForSelector("#draw-detail canvas.pick");
    await tab.locator("#draw-detail canvas.pick").hover();
    assert.match(await tab.textContent("#draw-detail .formula"), /sum of 25 products/);
    assert.equal(await tab.locator("#draw-detail figure").count(), 4);
    await tab.focus("#draw-detail canvas.pick");
    await tab.keyboard.press("ArrowLeft");
    await tab.locator(".layer-line").nth(1).locator("button").nth(2).click();
    await tab.waitForFunction(() => /largest of 9/.test(document.querySelector("#draw-detail .formula").textContent));
    await tab.context().close();
  },

  async "a model and a picture can be opened, and hostile ones are refused"() {
    const tab = await open();
    await tab.setInputFiles("#draw-model", {
      name: "model.safetensors",
      mimeType: "application/octet-stream",
      buffer: Buffer.from('\x08\0\0\0\0\0\0\0{"a":{}}'),
    });
    await tab.waitForSelector("#draw-problem:not([hidden])");
    assert.match(await tab.textContent("#draw-problem"), /This model is refused: /);
    await tab.setInputFiles("#draw-model", model);
    await tab.waitForSelector("#draw-problem", { state: "hidden" });
    // One that is whole, but computes what is not finite: told, and the next one reads again.
    await tab.setInputFiles("#draw-model", {
      name: "model.safetensors",
      mimeType: "application/octet-stream",
      buffer: overflowing(readFileSync(model)),
    });
    await tab.waitForSelector("#draw-problem:not([hidden])");
    await tab.setInputFiles("#draw-model", model);
    await tab.waitForSelector("#draw-problem", { state: "hidden" });
    await tab.waitForFunction(() => /^\d /.test(document.getElementById("draw-answer").textContent));
    await tab.setInputFiles("#draw-picture", {
      name: "no.png",
      mimeType: "image/png",
      buffer: Buffer.from("GIF89a......"),
    });
    await tab.waitForSelector("#draw-problem:not([hidden])");
    assert.match(await tab.textContent("#draw-problem"), /GIF/);
    await tab.context().close();
  },

  async "weight reuse: three curves, and a shifted digit"() {
    const tab = await open();
    await tab.click("#reuse-train");
    await tab.waitForFunction(() => document.getElementById("reuse-state").textContent.startsWith("Done"), null, {
      timeout: 600_000,
    });
    const curves = await tab.$$eval("#reuse-chart path.line", (paths) =>
      paths.map((path) => path.getAttribute("d").split("L").length),
    );
    assert.deepEqual(curves, [17, 17, 17]);
    await tab.focus("#reuse-right");
    for (let step = 0; step < 5; step++) await tab.keyboard.press("ArrowRight");
    await tab.waitForFunction(
      () => document.querySelector("#reuse-right + output, #reuse-right ~ output").textContent === "5",
    );
    assert.equal(await tab.locator("#reuse-answers > div").count(), 3);
    await tab.context().close();
  },

  async "the listing stands beside its page of Rust"() {
    const tab = await open({ language: "zh" });
    const blocks = await tab.$$eval("#listing .block", (blocks) =>
      blocks.map((block) => [...block.querySelectorAll("code")].map((code) => code.textContent)),
    );
    assert.equal(blocks.length, 11);
    const listing = readFileSync(join(root, "benches/peers/listing_book.py"), "utf8");
    const rust = readFileSync(join(root, "crates/conv-core/examples/chapter.rs"), "utf8");
    for (const [left, right] of blocks) {
      for (const line of left.split("\n")) assert.ok(listing.includes(line.trim()), line);
      for (const line of right.split("\n")) assert.ok(rust.includes(line.trim()), line);
    }
    assert.ok(
      blocks[8][0].includes("kernels -= alpha * k_update") && blocks[8][1].includes("kernels.scaled_add(-ALPHA"),
    );
    await tab.click("#language");
    assert.equal(await tab.textContent("#listing-title"), "The listing, in Python and in Rust");
    await tab.context().close();
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (only.length && !only.some((part) => name.includes(part))) continue;
  try {
    const found = await test();
    if (errors.length) throw new Error(errors.splice(0).join("\n"));
    console.log(`passed: ${name}${found ? `: ${found}` : ""}`);
  } catch (error) {
    failed += 1;
    errors.length = 0;
    console.log(`FAILED: ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exitCode = failed ? 1 : 0;
