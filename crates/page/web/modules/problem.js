// What is wrong, as a phrase that is said in the page's language, and said again when the language changes.
import { byId } from "dom";
import { count, say, spoken } from "phrases";

/** Something that is wrong: a phrase by its key, and the values in it, which may be phrases themselves. */
export class Problem extends Error {
  constructor(phrase, values = {}) {
    super(phrase);
    Object.assign(this, { phrase, values });
  }

  /** What the Rust side threw: a phrase as JSON, or the words of a library. */
  static thrown(text) {
    try {
      const { phrase, values } = JSON.parse(text);
      if (phrase in window.page.phrases.en) return new Problem(phrase, values);
    } catch {
      // These are words.
    }
    return new Problem("problem.program", { words: text });
  }

  /** Any error as a problem. */
  static of(error) {
    return error instanceof Problem ? error : new Problem("problem.program", { words: error.message });
  }
}

/** A phrase in words. */
export function inWords({ phrase, values = {} }) {
  const said = Object.entries(values).map(([name, value]) => {
    if (value?.phrase) return [name, inWords(value)];
    return [name, Number.isInteger(value) ? count(value) : value];
  });
  return say(phrase, Object.fromEntries(said));
}

const shown = new Map();

/** Shows what is wrong, or with nothing wrong hides the place for it. */
export function problem(id, wrong) {
  shown.set(id, wrong);
  show(id);
}

function show(id) {
  const wrong = shown.get(id);
  const place = byId(id);
  place.hidden = !wrong;
  place.textContent = wrong ? inWords(wrong) : "";
}

spoken(() => {
  for (const id of shown.keys()) show(id);
});
