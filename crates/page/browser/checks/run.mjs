// The chapter's run.
import assert from "node:assert/strict";
import { name, open } from "../open.mjs";
import { digest, program, text } from "../program.mjs";

const round = (number) => Math.round(number * 10) / 10;

export default {
  async "the chapter's run: 300 equal lines, the program's digest"() {
    const tab = await open({ hash: "book" });
    const began = performance.now();
    await tab.waitForFunction(() => document.getElementById("book-digest").textContent, null, { timeout: 900_000 });
    const lines = (await tab.textContent("#book-lines")).trim().split("\n");
    const printed = text("tests/golden/chapter-10-conv.txt").trim().split("\n");
    assert.deepEqual(lines, printed);
    assert.equal(await tab.locator("#book-lines .equal").count(), 300);
    assert.equal(await tab.textContent("#book-digest"), digest(program("book")));
    const each = Number((await tab.textContent("#run-state")).match(/(\d+) ms/)[1]);
    // The aim is for Chromium.
    if (name === "chromium") assert.ok(each <= 300, `${each} ms an iteration`);
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

  async "a run that is paused and started again at once goes on once"() {
    const tab = await open();
    await tab.selectOption("#run-speed", "1500");
    await tab.evaluate(() => {
      for (let click = 0; click < 5; click++) document.getElementById("run-start").click();
    });
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length >= 1);
    const before = await tab.locator("#book-lines .line").count();
    await tab.waitForTimeout(4600);
    const lines = (await tab.locator("#book-lines .line").count()) - before;
    assert.ok(lines >= 1 && lines <= 4, `${lines} lines`);
    await tab.context().close();
  },

  async "a run that is begun anew while it runs has what was chosen"() {
    const tab = await open();
    await tab.click("#run-start");
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length >= 2);
    await tab.evaluate(() => {
      document.getElementById("fault-kernel-sign").click();
      document.getElementById("run-start").click();
    });
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .other").length >= 2);
    await tab.click("#run-start");
    await tab.waitForSelector("#run-step:enabled");
    const lines = (await tab.textContent("#book-lines")).trim();
    const count = lines.split("\n").length;
    const expected = program("book", "--fix", "kernel-sign", "--iterations", String(count)).split("\n");
    assert.equal(lines, expected.filter((line) => line.startsWith("I:")).join("\n"));
    await tab.context().close();
  },
};
