// In the page: a WASI program, then the same network in ONNX Runtime Web.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";

const WINDOW = 3; // milliseconds, as in one_thread.rs
const WINDOWS = 400;

window.run = async ({ args, environment, withModel }) => {
  const { code, text } = await program(args, environment);
  if (code !== 0 || !withModel) {
    return { code, text };
  }
  const image = await oneImage();
  const line = `ONNX Runtime Web ${ort.env.versions.web}: one image ${image.toFixed(1)} µs\n`;
  return { code, text: text + line };
};

// Runs it with what a program asks of WASI that computes and prints.
async function program(args, environment) {
  const text = [];
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let memory;
  const view = () => new DataView(memory.buffer);
  class Exit extends Error {}
  let code = 0;
  // Strings that end with a zero, one after another, and where each begins.
  const strings = (all) => {
    const bytes = all.map((one) => encoder.encode(`${one}\0`));
    return {
      sizes(count, size) {
        view().setUint32(count, bytes.length, true);
        view().setUint32(size, bytes.reduce((sum, one) => sum + one.length, 0), true);
        return 0;
      },
      get(places, to) {
        for (const one of bytes) {
          view().setUint32(places, to, true);
          new Uint8Array(memory.buffer).set(one, to);
          places += 4;
          to += one.length;
        }
        return 0;
      },
    };
  };
  const given = strings(args);
  const variables = strings(Object.entries(environment).map(([name, value]) => `${name}=${value}`));
  const wasi = {
    args_sizes_get: given.sizes,
    args_get: given.get,
    environ_sizes_get: variables.sizes,
    environ_get: variables.get,
    clock_time_get(_id, _precision, to) {
      view().setBigUint64(to, BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    random_get(to, length) {
      crypto.getRandomValues(new Uint8Array(memory.buffer, to, length));
      return 0;
    },
    fd_write(_file, vectors, count, written) {
      let all = 0;
      for (let at = vectors; at < vectors + 8 * count; at += 8) {
        const length = view().getUint32(at + 4, true);
        const bytes = new Uint8Array(memory.buffer, view().getUint32(at, true), length);
        text.push(decoder.decode(bytes.slice(), { stream: true }));
        all += length;
      }
      view().setUint32(written, all, true);
      return 0;
    },
    proc_exit(with_code) {
      code = with_code;
      throw new Exit();
    },
  };
  const ENOSYS = 52;
  const preview = new Proxy(wasi, { get: (known, name) => known[name] ?? (() => ENOSYS) });
  const module = await WebAssembly.compileStreaming(fetch("program.wasm"));
  const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: preview });
  memory = instance.exports.memory;
  try {
    instance.exports._start();
  } catch (error) {
    if (!(error instanceof Exit)) {
      throw error;
    }
  }
  return { code, text: text.join("") };
}

// Microseconds of an image: the mean of the fastest window.
async function oneImage() {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create("model.onnx", {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const [{ name, shape }] = session.inputMetadata;
  const dimensions = shape.map((size) => (typeof size === "number" ? size : 1));
  const pixels = Float32Array.from({ length: 784 }, (_, i) => ((i * 37) % 256) / 255);
  const feeds = { [name]: new ort.Tensor("float32", pixels, dimensions) };
  await session.run(feeds);
  let fastest = Infinity;
  for (let window = 0; window < WINDOWS; window += 1) {
    const start = performance.now();
    let [runs, elapsed] = [0, 0];
    while (elapsed < WINDOW) {
      await session.run(feeds);
      runs += 1;
      elapsed = performance.now() - start;
    }
    fastest = Math.min(fastest, elapsed / runs);
  }
  return fastest * 1000;
}
