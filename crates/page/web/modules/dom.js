// Elements of the page.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** An element with attributes and content; an attribute that is a function listens. */
export function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...content);
  return made;
}

/** Offers bytes or a text as a file. */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A slider shows its value, with a unit behind it. */
export function slider(id, unit, changed) {
  const input = byId(id);
  const output = input.parentElement.querySelector("output");
  const show = () => (output.textContent = `${input.value}${unit}`);
  input.addEventListener("input", () => {
    show();
    changed();
  });
  show();
  return {
    get value() {
      return Number(input.value);
    },
    set value(value) {
      input.value = value;
      show();
    },
  };
}

/** Whether whoever looks wants things to stay still. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Some milliseconds. */
export const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
