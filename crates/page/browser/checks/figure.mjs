// The chapter's figure.
import assert from "node:assert/strict";
import { open, type } from "../open.mjs";

export default {
  async "the figure: painted, dragged, typed"() {
    const tab = await open();
    const numbers = (map) =>
      tab.$$eval(`#figure [data-map="${map}"] span`, (cells) =>
        cells.map((cell) => Number(cell.textContent.replace("−", "-"))),
      );
    await tab.waitForFunction(
      () =>
        document.querySelector('#figure [data-map="sum"] span').textContent !== "0" ||
        document.querySelectorAll("#figure .numbers span").length === 252,
    );
    await tab.click("#figure-clear");
    await tab.locator("#figure-grid .pixel").nth(0).click();
    await tab.waitForFunction(() => document.querySelector('#figure [data-map="down"] span').textContent === "2");
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
      () => document.querySelectorAll('#figure [data-map="horizontal"] span')[6].textContent === "6",
    );
    // A weight by the keyboard.
    await type(tab.locator('#figure input[type="number"]').nth(3), "10");
    await tab.waitForFunction(
      () => document.querySelectorAll('#figure [data-map="horizontal"] span')[6].textContent === "14",
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

  async "numbers of the figure are whole, however large"() {
    const tab = await open();
    const fields = tab.locator('#figure input[type="number"]');
    for (let at = 0; at < 9; at++) await type(fields.nth(at), at ? "99" : "500");
    await fields.nth(9).focus();
    // What is more than a field takes is put right where one sees it.
    assert.equal(await fields.nth(0).inputValue(), "99");
    await type(fields.nth(9), "-98.25");
    await type(fields.nth(10), "1e-30");
    await tab.keyboard.press("Tab");
    for (const width of [360, 768, 1280, 3840]) {
      await tab.setViewportSize({ width, height: 900 });
      const cut = await tab.$$eval("#figure .numbers span, #figure .weights input", (cells) =>
        cells.filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.value ?? cell.textContent),
      );
      assert.deepEqual(cut, [], `at ${width}`);
    }
    await tab.context().close();
  },

  async "the window plays once, however often it is asked to"() {
    const tab = await open({ motion: "no-preference" });
    await tab.evaluate(() => {
      for (let click = 0; click < 5; click++) document.getElementById("figure-play").click();
    });
    const place = () => tab.inputValue("#figure-position").then(Number);
    const before = await place();
    await tab.waitForTimeout(2700);
    const moved = (await place()) - before;
    assert.ok(moved >= 2 && moved <= 7, `${moved} places in 2.7 s of 0.45 s each`);
    await tab.context().close();
  },
};
