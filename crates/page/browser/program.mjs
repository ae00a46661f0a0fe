// The program, with which the page is compared.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { name } from "./open.mjs";

const root = new URL("../../../", import.meta.url).pathname;
const trainer = process.env.TRAINER ?? join(root, "target/debug/trainer");

/** A file of the project. */
export const file = (path) => join(root, path);
/** Its text. */
export const text = (path) => readFileSync(file(path), "utf8");
/** The model that the page reads digits with. */
export const model = file("crates/page/web/quick.safetensors");
/** Where the program runs, and where downloads go. */
export const folder = mkdtempSync(join(tmpdir(), "page-"));

/** What a command of the program prints, on stdout and on stderr. */
export const program = (...args) =>
  execFileSync("sh", ["-c", '"$0" "$@" 2>&1', trainer, ...args], { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26 });

/** The digest in what it prints. */
export const digest = (printed) => printed.match(/SHA-256 of the parameters: ([0-9a-f]{64})/)[1];

/** Presses a button that downloads, and gives the file's path. */
export async function downloaded(tab, button) {
  if (name === "chromium") {
    const [download] = await Promise.all([tab.waitForEvent("download"), tab.click(button)]);
    const path = join(folder, download.suggestedFilename());
    await download.saveAs(path);
    return path;
  }
  // Firefox tells nothing of downloads: what the page offers is read from its link.
  const offered = await tab.evaluateHandle(() => ({
    file: new Promise((done) => {
      const take = async (event) => {
        if (!event.target.download) return;
        document.removeEventListener("click", take, true);
        event.preventDefault();
        const bytes = new Uint8Array(await (await fetch(event.target.href)).arrayBuffer());
        done({ name: event.target.download, bytes: [...bytes] });
      };
      document.addEventListener("click", take, true);
    }),
  }));
  await tab.click(button);
  const offer = await offered.evaluate(({ file }) => file);
  const path = join(folder, offer.name);
  writeFileSync(path, Uint8Array.from(offer.bytes));
  return path;
}
