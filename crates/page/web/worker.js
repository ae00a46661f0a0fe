// Runs in a worker, behind the script of wasm-bindgen's generator: it takes calls, and answers each of them.
"use strict";

const made = {};
let module;

/** What a call asks for: a method of a thing that was made, or a function. */
const calls = {
  async start({ wasm, files }) {
    await wasm_bindgen({ module_or_path: wasm });
    module = wasm_bindgen;
    if (files) made.digits = new module.Digits(...files);
    return module.level();
  },
  /** Makes a thing under a name; one that was there is freed. */
  make({ name, thing, args }) {
    const fresh = new module[thing](...args.map(resolve));
    keep(name, fresh);
  },
  /** Calls a method and keeps what it gives under a name. */
  derive({ name, of, method, args }) {
    keep(name, made[of][method](...args.map(resolve)));
  },
  /** Keeps a thing under another name. */
  rename({ name, to }) {
    keep(to, made[name]);
    delete made[name];
  },
  /** The ink of strokes, and what a model reads in it: one message, so that the page's frames are waited for once. */
  strokes({ of, points, side, radius }) {
    const ink = module.rasterise(points, side, radius);
    return { ink, answer: made[of].read(ink, side) };
  },
  call({ of, method, args }) {
    const target = of ? made[of] : module;
    return target[method](...args.map(resolve));
  },
};

/** An argument, or the thing whose name it is. */
function resolve(argument) {
  return argument && argument.made ? made[argument.made] : argument;
}

function keep(name, thing) {
  made[name]?.free();
  made[name] = thing;
}

self.onmessage = async ({ data: { id, kind, ...rest } }) => {
  try {
    self.postMessage({ id, result: await calls[kind](rest) });
  } catch (error) {
    self.postMessage({ id, error: typeof error === "string" ? error : String(error?.message ?? error) });
  }
};
