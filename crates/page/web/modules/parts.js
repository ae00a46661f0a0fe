// What the page carries: texts and bytes in scripts that no browser runs.

/** The text of a part. */
export function text(name) {
  const content = document.getElementById(name).textContent;
  return content.replaceAll("<\\/script", "</script").replaceAll("<\\!--", "<!--");
}

/** The digits of Z85, by their character codes. */
const DIGITS = new Uint8Array(128);
[..."0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"].forEach(
  (digit, value) => (DIGITS[digit.charCodeAt(0)] = value),
);

/** The bytes of a part in Z85: four of them, which tell how many follow, then these, then zeros. */
export function bytes(name) {
  const packed = text(name);
  const view = new DataView(new ArrayBuffer((packed.length / 5) * 4));
  for (let from = 0, to = 0; from < packed.length; to += 4) {
    let word = 0;
    for (let digit = 0; digit < 5; digit++) word = word * 85 + DIGITS[packed.charCodeAt(from++)];
    view.setUint32(to, word);
  }
  return new Uint8Array(view.buffer, 4, view.getUint32(0, true));
}

/** The bytes that gzip packed. */
export async function unpacked(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
