// What axe finds wrong, in Chromium alone: in Firefox it takes minutes to say the same of the same elements.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { open } from "../open.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong: names, roles, contrast and all else of WCAG 2.2 AA that a program can tell. */
async function faults(tab) {
  await tab.evaluate(axe);
  const { violations, passes } = await tab.evaluate(() =>
    window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  assert.ok(passes.length > 20, `axe looked at ${passes.length} rules`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 5).map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`),
  );
}

export default {
  async "axe finds no fault, light and dark, in both languages, wide and narrow"() {
    for (const language of ["en", "zh"]) {
      const tab = await open({ language });
      await tab.click("#run-step");
      await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length === 1);
      await tab.locator("#draw-layers button").nth(3).click();
      await tab.waitForSelector("#draw-detail canvas.pick");
      for (const scheme of ["light", "dark"]) {
        await tab.setViewportSize({ width: scheme === "light" ? 1280 : 360, height: 900 });
        // Where the bar at the top hides nothing.
        await tab.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
        assert.deepEqual(await faults(tab), [], `${language}, ${scheme}`);
        await tab.click("#theme");
      }
      await tab.context().close();
    }
  },
};
