// Runs before the modules and all data: the theme and the language, so that nothing jumps later.
"use strict";

{
  const store = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const theme = store("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  const asked = new URLSearchParams(location.search).get("lang") ?? store("language") ?? navigator.language;
  const language = asked.toLowerCase().startsWith("zh") ? "zh" : "en";
  const read = (code) => JSON.parse(document.getElementById(`phrases-${code}`).textContent);
  window.page = { language, phrases: { en: read("en"), zh: read("zh") } };
  window.page.fill = () => {
    const phrases = window.page.phrases[window.page.language];
    document.documentElement.lang = window.page.language === "zh" ? "zh-Hans" : "en";
    document.title = phrases["title"];
    for (const element of document.querySelectorAll("[data-phrase]")) {
      element.textContent = phrases[element.dataset.phrase];
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", phrases[element.dataset.label]);
    }
    document.documentElement.dataset.filled = "";
  };
  window.page.fill();
}
