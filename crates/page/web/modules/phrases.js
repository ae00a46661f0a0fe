// The page in one of two languages.

const listeners = [];

/** The language of the page: `en` or `zh`. */
export const language = () => window.page.language;

/** A phrase, in which `{name}` stands for a value. */
export function say(key, values = {}) {
  const phrase = window.page.phrases[language()][key];
  if (phrase === undefined) throw new Error(`no phrase ${key}`);
  return phrase.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Calls back now and whenever the language changes. */
export function spoken(callback) {
  listeners.push(callback);
  callback();
}

/** Changes the language. */
export function speak(code) {
  window.page.language = code;
  window.page.fill();
  for (const callback of listeners) callback();
}

/** A part as a percentage with so many decimals. */
export const percent = (part, decimals = 2) => `${(100 * part).toFixed(decimals)} %`;

/** A whole number with its thousands apart. */
export const count = (number) => number.toLocaleString(language() === "zh" ? "zh-CN" : "en-GB");

/** The size of an image, which is read from left to right whatever direction the text has. */
export const size = (...sides) => `\u2066${sides.join(" × ")}\u2069`;
