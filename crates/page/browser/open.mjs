// A browser with the page in it, and what goes wrong there.
import { pathToFileURL } from "node:url";
import { chromium, firefox } from "playwright-core";

/** The page's file. */
const page = process.env.PAGE ?? new URL("../../../target/page/index.html", import.meta.url).pathname;

/** The browser, as Debian has it: `chromium` or `firefox`. */
export const name = process.env.BROWSER ?? "chromium";
/** The instruction set that the page must compute on: `relaxed` or `simd128`. */
export const level = process.env.LEVEL ?? "relaxed";

const launch = {
  chromium: (...args) =>
    chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", ...args] }),
  // An unpatched Firefox, which is asked for colours and motion when it starts: it has no way to change them later.
  firefox: () =>
    firefox.launch({
      channel: "moz-firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox",
      firefoxUserPrefs: { "ui.prefersReducedMotion": 1, "ui.systemUsesDarkTheme": 0 },
    }),
};
if (!(name in launch)) throw new Error(`BROWSER is ${name}, expected ${Object.keys(launch).join(" or ")}`);
export const browser = await launch[name]();
/** Another Chromium, whose letters are set to another size than 16 pixels. */
export const withLetters = (pixels) => launch.chromium(`--blink-settings=defaultFontSize=${pixels}`);

/** Errors of all pages: each test fails if there is one. */
export const errors = [];

/** Opens the page; `hash` stands behind `#`. In Firefox colours are always light, and motion reduced. */
export async function open({
  hash = "",
  width = 1280,
  height = 900,
  scheme = "light",
  language = "en",
  motion = "reduce",
  touch = false,
  within = browser,
} = {}) {
  const context = await within.newContext({
    viewport: { width, height },
    ...(name === "chromium" && { colorScheme: scheme, reducedMotion: motion, isMobile: touch, hasTouch: touch }),
    locale: language === "zh" ? "zh-CN" : "en-GB",
    acceptDownloads: true,
  });
  const tab = await context.newPage();
  tab.setDefaultTimeout(120_000);
  tab.on("pageerror", (error) => errors.push(`${error.message}\n${error.stack}`));
  tab.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  tab.on("request", (request) => /^https?:/.test(request.url()) && errors.push(`it loads ${request.url()}`));
  await tab.addInitScript((level) => {
    window.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    if (level !== "simd128") return;
    // As an engine without relaxed SIMD answers, when it is asked about the first module.
    const { validate } = WebAssembly;
    let asked = 0;
    WebAssembly.validate = (module) => asked++ > 0 && validate.call(WebAssembly, module);
  }, level);
  await tab.goto(pathToFileURL(page).href + (hash && `#${hash}`));
  const failed = () => new Error(`the page does not start: ${errors.join("\n")}`);
  const ready = tab.waitForFunction(() => document.documentElement.dataset.ready);
  await ready.catch(() => {
    throw failed();
  });
  if (errors.length) throw failed();
  return tab;
}

/** Types a value into a field, over the one that stands there. */
export async function type(field, value) {
  await field.press("ControlOrMeta+a");
  await field.pressSequentially(value);
}
