// The digit that whoever looks has drawn, as a network takes it, for all parts of the page.

const listeners = [];
let image;

/** Its 28 × 28 pixels, 0 to 255; none before anything was drawn. */
export const ownDigit = () => image;

/** It is another one. */
export function setOwnDigit(pixels) {
  image = pixels;
  for (const callback of listeners) callback();
}

/** Calls back whenever it changes. */
export const ownDigitChanged = (callback) => listeners.push(callback);
