// Weight reuse.
import assert from "node:assert/strict";
import { open } from "../open.mjs";

export default {
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
};
