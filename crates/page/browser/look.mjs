// Pictures of the page to look at: light and dark, wide and narrow, both languages. `node look.mjs FOLDER [PART…]`
import { mkdirSync } from "node:fs";
import { browser, open } from "./open.mjs";

const [folder = "look", ...parts] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const [scheme, width, language] of [
  ["light", 1280, "en"],
  ["dark", 1280, "zh"],
  ["light", 360, "zh"],
  ["dark", 360, "en"],
]) {
  const tab = await open({ scheme, width, language });
  await tab.addStyleTag({ content: ".top { position: static !important }" });
  await tab.click("#run-step");
  await tab.waitForFunction(() => document.querySelectorAll("#book-lines .line").length > 0);
  await tab.locator("#draw-layers button").nth(3).click();
  await tab.waitForTimeout(500);
  for (const part of parts.length ? parts : ["opening", "figure", "run", "learn", "draw", "reuse", "listing"]) {
    const place = part === "opening" ? tab.locator(".opening") : tab.locator(`#${part}`);
    await place.screenshot({ path: `${folder}/${part}-${scheme}-${width}-${language}.png` });
  }
  await tab.context().close();
}
await browser.close();
