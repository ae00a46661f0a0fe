// The page: its parts, its language, its colours, and where it begins.
import { byId, element } from "dom";
import { draw, loadModel } from "draw";
import { engine } from "engine";
import { figure } from "figure";
import { first, learn, shared } from "learn";
import { listing } from "listing";
import { repaint } from "paint";
import { language, say, speak, spoken } from "phrases";
import { Problem, problem } from "problem";
import { reuse } from "reuse";
import { run, start as startRun } from "run";

const keep = (key, value) => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing forgets it.
  }
};

settings();
navigation();
listing();
demonstrations();

async function demonstrations() {
  // One that draws and shows, and one for each that computes for long.
  const [quick, runner, learner, shifter] = [engine(), engine(), engine(), engine()];
  try {
    byId("level").textContent = await quick.level();
    figure(quick);
    run(runner);
    learn(learner, async (file) => {
      await loadModel(file);
      byId("draw").scrollIntoView();
    });
    reuse(shifter);
    // What the address asks for comes first.
    if (!(await follow())) await first();
    await draw(quick);
  } catch (error) {
    problem("failure", new Problem("failure", { problem: Problem.of(error) }));
  }
  addEventListener("hashchange", follow);
  document.documentElement.dataset.ready = "true";
}

/** Begins what stands behind `#`: `book` the chapter's run, `train=…` a recipe. */
async function follow() {
  const hash = location.hash.slice(1);
  if (hash === "book") {
    byId("run").scrollIntoView();
    startRun();
  } else if (hash.startsWith("train=")) {
    byId("learn").scrollIntoView();
    shared(new URLSearchParams(hash));
    return true;
  }
  return false;
}

function settings() {
  byId("language").addEventListener("click", () => {
    speak(language() === "zh" ? "en" : "zh");
    keep("language", language());
  });
  spoken(() => {
    byId("language").textContent = say("other.language");
    byId("language").lang = language() === "zh" ? "en" : "zh-Hans";
    for (const place of document.querySelectorAll("[data-legend]")) {
      const scale = element("span", { dir: "ltr" }, say("legend.negative"), element("i"), say("legend.positive"));
      place.replaceChildren(scale, say(`legend.${place.dataset.legend}`));
    }
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint);
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
    root.dataset.theme = isDark ? "light" : "dark";
    keep("theme", root.dataset.theme);
    repaint();
  });
}

/** Marks the part of the page that is looked at. */
function navigation() {
  const links = [...document.querySelectorAll(".top nav a")];
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const link = links.find(({ hash }) => hash === `#${target.id}`);
        if (!isIntersecting) link?.removeAttribute("aria-current");
        else if (link) {
          link.setAttribute("aria-current", "true");
          // On a narrow screen the links scroll sideways.
          const row = link.parentElement;
          row.scrollLeft += link.getBoundingClientRect().left - row.getBoundingClientRect().left - 16;
        }
      }
    },
    { rootMargin: "-45% 0px -50% 0px" },
  );
  for (const section of document.querySelectorAll("main > section[id]")) seen.observe(section);
}
