// A browser with the page in it, and what goes wrong there.
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

/** The page's file. */
const page = process.env.PAGE ?? new URL("../../../target/page/index.html", import.meta.url).pathname;

/** Chromium, as Debian has it. */
export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** Errors of all pages: each test fails if there is one. */
export const errors = [];

/** Opens the page; `hash` stands behind `#`. */
export async function open({
  hash = "",
  width = 1280,
  height = 900,
  scheme = "light",
  language = "en",
  motion = "reduce",
} = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    locale: language === "zh" ? "zh-CN" : "en-GB",
    reducedMotion: motion,
    acceptDownloads: true,
  });
  const tab = await context.newPage();
  tab.setDefaultTimeout(120_000);
  tab.on("pageerror", (error) => errors.push(`${error.message}\n${error.stack}`));
  tab.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  tab.on("request", (request) => /^https?:/.test(request.url()) && errors.push(`it loads ${request.url()}`));
  await tab.addInitScript(() => {
    window.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await tab.goto(pathToFileURL(page).href + (hash && `#${hash}`));
  for (let waited = 0; !(await tab.$("html[data-ready]")); waited++) {
    if (errors.length || waited > 600) throw new Error(`the page does not start: ${errors.join("\n")}`);
    await tab.waitForTimeout(100);
  }
  return tab;
}
