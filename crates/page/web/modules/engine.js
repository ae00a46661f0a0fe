// The way to what computes: conv-core in a worker of its own, so that the page never waits for it.
import { bytes, text, unpacked } from "parts";
import { Problem } from "problem";

let chosen;

/** The better of the two modules that this browser takes. */
async function choose() {
  for (const name of ["relaxed", "simd128"]) {
    const wasm = await unpacked(bytes(`${name}-wasm`));
    if (WebAssembly.validate(wasm)) {
      const script = new Blob([text(`${name}-script`), "\n", text("worker")], { type: "text/javascript" });
      return { wasm, script: URL.createObjectURL(script) };
    }
  }
  throw new Problem("failure.simd");
}

/** A worker with the chapter's images, and calls to it. */
export function engine() {
  const pending = new Map();
  let next = 0;
  let started;
  const start = async () => {
    const { wasm, script } = await (chosen ??= choose());
    const worker = new Worker(script);
    worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = pending.get(id);
      pending.delete(id);
      if (error === undefined) resolve(result);
      else reject(Problem.thrown(error));
    };
    worker.onerror = (event) => {
      for (const { reject } of pending.values()) reject(Problem.thrown(event.message));
      pending.clear();
    };
    const files = ["train-images", "train-labels", "test-images", "test-labels"].map(bytes);
    const level = await send(worker, { kind: "start", wasm, files });
    return { worker, level };
  };
  /** It starts when something is first asked of it. */
  const ready = () => (started ??= start());

  function send(worker, message) {
    const id = next++;
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject });
      worker.postMessage({ id, ...message });
    });
  }
  const to = async (message) => send((await ready()).worker, message);

  return {
    /** The instruction set that it computes on. */
    level: async () => (await ready()).level,
    /** Makes a thing under a name; `{ made: name }` among the arguments is one that was made. */
    make: (name, kind, ...args) => to({ kind: "make", name, thing: kind, args }),
    /** Keeps what a method gives under a name. */
    derive: (name, of, method, ...args) => to({ kind: "derive", name, of, method, args }),
    /** Keeps a thing under another name; one that was there is freed. */
    rename: (name, other) => to({ kind: "rename", name, to: other }),
    /** Calls a method of a thing, or with none a function. */
    call: (of, method, ...args) => to({ kind: "call", of, method, args }),
    /** The ink of strokes, and the JSON of what a model reads in it. */
    strokes: async (of, points, side, radius) => {
      const { ink, answer } = await to({ kind: "strokes", of, points, side, radius });
      return { ink, answer: answer && JSON.parse(answer) };
    },
    /** The same as `call`, of what is JSON. */
    read: async (of, method, ...args) => {
      const answer = await to({ kind: "call", of, method, args });
      return answer === undefined ? undefined : JSON.parse(answer);
    },
  };
}
