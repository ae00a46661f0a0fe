// The page without a mouse, and without eyes.
import assert from "node:assert/strict";
import { name, open } from "../open.mjs";

export default {
  async "every control has a name for a screen reader"() {
    const tab = await open();
    await tab.waitForSelector("#learn-layers tr");
    const spoken = await tab.locator("body").ariaSnapshot();
    const controls = spoken
      .split("\n")
      .map((line) => line.trim().replace(/^- '(.*)'(.*)$/, "- $1$2"))
      .filter((line) =>
        /^- (button|checkbox|radio|slider|combobox|spinbutton|link|grid|progressbar|application|region|img|toolbar)\b/.test(
          line,
        ),
      );
    assert.ok(controls.length > 100, `${controls.length} controls`);
    assert.deepEqual(
      controls.filter((line) => !/^- [a-z]+ ("[^"]|\/)/.test(line)),
      [],
    );
    for (const control of [
      'slider "Position"',
      'combobox "Recipe"',
      'spinbutton "Weight of kernel 1, row 1, column 1"',
      'img "Test and training accuracy over the iterations; dashed: the run of the author"',
      'toolbar "1 convolution',
    ])
      assert.ok(
        controls.some((line) => line.startsWith(`- ${control}`)),
        `there is no ${control}`,
      );
    await tab.context().close();
  },

  async "the keyboard alone reaches and moves everything"() {
    let tab = await open();
    await tab.waitForSelector("#learn-layers tr");
    await tab.keyboard.press("Tab");
    assert.equal(await tab.evaluate(() => document.activeElement.className), "skip");
    await tab.keyboard.press("Enter");
    assert.equal(await tab.evaluate(() => document.activeElement.id), "main");
    await tab.evaluate(() => {
      document.activeElement.blur();
      getSelection().removeAllRanges();
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute("tabindex");
    });
    // To the end, and each that has the focus shows it.
    let steps = 0;
    for (; steps < 400; steps++) {
      await tab.keyboard.press("Tab");
      const at = await tab.evaluate(() => {
        const here = document.activeElement;
        if (here === document.body || "reached" in here.dataset) return "end";
        here.dataset.reached = "";
        const shown = here.matches(".hidden") ? here.closest("label") : here;
        const { outlineStyle, outlineWidth } = getComputedStyle(shown);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 ? "" : here.outerHTML.slice(0, 200);
      });
      if (at === "end") break;
      assert.equal(at, "", "the focus does not show");
    }
    const missed = await tab.evaluate(() =>
      [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
        .filter((e) => e.tabIndex >= 0 && !e.disabled && e.getClientRects().length && !("reached" in e.dataset))
        .filter((e) => e.type !== "radio" || e.checked)
        .map((e) => e.outerHTML.slice(0, 200)),
    );
    assert.deepEqual(missed, []);
    // Few enough steps to live with: a layer's pictures are one of them.
    assert.ok(steps > 60 && steps < 150, `${steps} steps`);
    // Behind the last one Firefox has the focus itself, and gives it back to a page that is opened.
    await tab.context().close();
    tab = await open();
    await tab.focus("#figure-position");
    await tab.keyboard.press("ArrowRight");
    await tab.waitForFunction(() => /row 1, column 2/.test(document.getElementById("figure-place").textContent));
    await tab.focus("#run-step");
    await tab.keyboard.press("Space");
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length === 1);
    await tab.focus("#fault-kernel-sign");
    await tab.keyboard.press("Space");
    await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length === 0);
    // From one picture of a layer to the next, and into one.
    await tab.locator("#draw-layers button").first().focus();
    await tab.keyboard.press("ArrowRight");
    await tab.keyboard.press("ArrowRight");
    await tab.keyboard.press("Enter");
    await tab.waitForSelector("#draw-detail:not([hidden]) canvas.pick");
    assert.match(await tab.textContent("#draw-detail h3"), /Layer 1, channel 3/);
    await tab.focus("#language");
    await tab.keyboard.press("Enter");
    assert.equal(await tab.evaluate(() => document.documentElement.lang), "zh-Hans");
    await tab.context().close();
    return `${steps} steps of the tabulator in ${name}`;
  },

  async "a digit is drawn with the arrow keys, and the pen is seen"() {
    const tab = await open();
    await tab.click("#draw-clear");
    await tab.focus("#draw-pad");
    await tab.keyboard.press("ArrowDown");
    await tab.waitForSelector("#draw-pen:not([hidden])");
    await tab.keyboard.press("ArrowUp");
    await tab.keyboard.press("Space");
    for (let step = 0; step < 18; step++) await tab.keyboard.press("ArrowDown");
    await tab.waitForFunction(() => document.querySelector("#draw-answer").textContent.startsWith("1 "));
    // A stroke that is taken away lifts the pen.
    await tab.keyboard.press("Backspace");
    await tab.keyboard.press("ArrowDown");
    await tab.waitForFunction(() => document.getElementById("draw-answer").textContent === "Nothing is drawn yet.");
    await tab.context().close();
  },
};
