// Work that is started, paused and begun anew, one piece of it at a time.
import { Problem, problem } from "problem";

/** The page cannot go on with something: told at its top. */
const told = (error) => problem("failure", new Problem("failure", { problem: Problem.of(error) }));

/**
 * A loop that calls `step` until it gives `false` or is paused. `changed` is called when it starts and stops, `failed`
 * with what a step throws.
 */
export function loop(step, changed, failed = told) {
  /** The start that was asked for last; none while nothing runs. */
  let current;
  /** What is under way: what is asked for next waits for it, since two at once would mix. */
  let last = Promise.resolve();

  const queue = (work) => (last = last.then(work).catch(failed));
  const pause = () => {
    current = undefined;
    changed();
  };

  return {
    get running() {
      return current !== undefined;
    },
    start() {
      if (current) return;
      const own = (current = {});
      changed();
      queue(async () => {
        try {
          // A step that was under way when another start came ends this one.
          while (current === own && (await step()));
        } finally {
          if (current === own) pause();
        }
      });
    },
    pause,
    /** Pauses, and does other work behind the step that is under way. */
    instead(work) {
      pause();
      return queue(work);
    },
  };
}
