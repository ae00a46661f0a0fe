// A WASI program in Chromium, and the same network in ONNX Runtime Web beside it:
//   node chromium.mjs PROGRAM.wasm ARGUMENTS...
// $MODEL is an ONNX file, whose input is one image; without it the program runs alone. $CHROMIUM is the browser.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const here = import.meta.dirname;
const [program, ...rest] = process.argv.slice(2);
const model = process.env.MODEL;
const level = process.env.CONV_CORE_SIMD;

const types = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const server = createServer(async (request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  const files = { "/program.wasm": program, "/model.onnx": model, "/": join(here, "page.html") };
  try {
    const file = files[path] ?? join(here, path);
    const bytes = await readFile(file);
    response.writeHead(200, {
      "Content-Type": types[extname(file)] ?? "application/octet-stream",
      // A page that is isolated has a clock of 5 microseconds.
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    response.end(bytes);
  } catch (error) {
    response.writeHead(404).end(String(error));
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const environment = level === undefined ? {} : { CONV_CORE_SIMD: level };
  const { code, text } = await page.evaluate(
    (given) => window.run(given),
    { args: ["program", ...rest], environment, withModel: model !== undefined },
  );
  process.stdout.write(text);
  process.exitCode = code;
} finally {
  await browser.close();
  server.close();
}
