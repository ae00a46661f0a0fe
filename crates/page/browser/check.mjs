// Uses the page as a person would, and compares it with the program. `node check.mjs [PART-OF-A-NAME…]`, see docs/PAGE.md.
import axe from "./checks/axe.mjs";
import draw from "./checks/draw.mjs";
import everybody from "./checks/everybody.mjs";
import figure from "./checks/figure.mjs";
import learn from "./checks/learn.mjs";
import listing from "./checks/listing.mjs";
import reuse from "./checks/reuse.mjs";
import run from "./checks/run.mjs";
import screen from "./checks/screen.mjs";
import touch from "./checks/touch.mjs";
import { browser, errors, level, name } from "./open.mjs";

/** Those that need Chromium. */
const chromium = { ...axe, ...touch };
const all = { ...screen, ...everybody, ...chromium, ...figure, ...run, ...learn, ...draw, ...reuse, ...listing };
const parts = process.argv.slice(2);
console.log(`${name} ${browser.version()}, ${level}`);

let failed = 0;
for (const [check, use] of Object.entries(all)) {
  if (parts.length && !parts.some((part) => check.includes(part))) continue;
  if (name !== "chromium" && check in chromium) {
    console.log(`skipped: ${check}: it needs Chromium`);
    continue;
  }
  try {
    const found = await use();
    if (errors.length) throw new Error(errors.splice(0).join("\n"));
    console.log(`passed: ${check}${found ? `: ${found}` : ""}`);
  } catch (error) {
    failed += 1;
    errors.length = 0;
    console.log(`FAILED: ${check}\n${error.stack}`);
    // What it leaves open would go on computing.
    for (const context of browser.contexts()) await context.close();
  }
}
await browser.close();
process.exitCode = failed ? 1 : 0;
