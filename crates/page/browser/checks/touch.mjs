// A finger and a pen. Only Chromium's own protocol makes their events.
import assert from "node:assert/strict";
import { open } from "../open.mjs";

/** A page of a telephone, and the way to Chromium's own events. */
async function telephone() {
  const tab = await open({ width: 390, height: 800, touch: true });
  return [tab, await tab.context().newCDPSession(tab)];
}

/** Scrolls an element to the middle of the screen, if possible, and tells where it stands once the screen shows it there. */
async function box(tab, selector) {
  await tab.evaluate(
    (selector) => document.querySelector(selector).scrollIntoView({ block: "center", behavior: "instant" }),
    selector,
  );
  // The browser looks a finger's place up on what it has drawn last, and that comes after the page's own frames: only a
  // picture of the screen waits for it.
  await tab.screenshot();
  return tab.locator(selector).first().boundingBox();
}

/** A finger that goes from one point to another. */
async function swipe(events, from, to, steps = 15) {
  const touch = (type, touchPoints) => events.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", [{ x: from[0], y: from[1] }]);
  for (let step = 1; step <= steps; step++) {
    const [x, y] = from.map((one, axis) => one + ((to[axis] - one) * step) / steps);
    await touch("touchMove", [{ x, y }]);
  }
  await touch("touchEnd", []);
}

export default {
  async "a finger draws and does not scroll, and scrolls beside the field"() {
    const [tab, events] = await telephone();
    await tab.click("#draw-clear");
    const { x, y, width, height } = await box(tab, "#draw-pad");
    const before = await tab.evaluate(() => scrollY);
    await swipe(events, [x + width / 2, y + 0.2 * height], [x + width / 2, y + 0.85 * height]);
    await tab.waitForFunction(() => document.querySelector("#draw-answer").textContent.startsWith("1 "));
    assert.equal(await tab.evaluate(() => scrollY), before);
    const text = await box(tab, "#draw > p");
    const above = await tab.evaluate(() => scrollY);
    await swipe(events, [text.x + 50, text.y + 10], [text.x + 50, text.y - 200]);
    await tab.waitForFunction((above) => scrollY > above + 50, above);
    await tab.context().close();
  },

  async "a second finger does not disturb a stroke"() {
    const [tab, events] = await telephone();
    await tab.click("#draw-clear");
    const { x, y, width, height } = await box(tab, "#draw-pad");
    const touch = (type, touchPoints) => events.send("Input.dispatchTouchEvent", { type, touchPoints });
    const palm = { x: x + 0.9 * width, y: y + 0.9 * height, id: 1 };
    const finger = (part) => ({ x: x + width / 2, y: y + part * height, id: 0 });
    const stroke = async (others) => {
      await tab.click("#draw-clear");
      await box(tab, "#draw-pad");
      await touch("touchStart", [finger(0.2)]);
      if (others.length) await touch("touchStart", [finger(0.2), ...others]);
      for (let part = 0.25; part < 0.86; part += 0.05) {
        for (const other of others) other.x -= 0.06 * width;
        await touch("touchMove", [finger(part), ...others]);
      }
      await touch("touchEnd", []);
      await tab.waitForFunction(() => document.querySelector("#draw-answer").textContent.startsWith("1 "));
      await tab.waitForTimeout(300);
      return tab.locator("#draw-prepared").evaluate((canvas) => canvas.toDataURL());
    };
    const alone = await stroke([]);
    assert.equal(await stroke([palm]), alone);
    await tab.context().close();
  },

  async "a finger paints the image, moves its window, and points at a map"() {
    const [tab, events] = await telephone();
    await tab.tap("#figure-clear");
    const pixel = (at) => tab.locator("#figure-grid .pixel").nth(at).boundingBox();
    await box(tab, "#figure-grid");
    const [from, to] = [await pixel(16), await pixel(23)];
    await swipe(events, [from.x + 5, from.y + 5], [to.x + 5, to.y + 5], 20);
    await tab.waitForFunction(() => document.querySelectorAll("#figure-grid .pixel.on").length === 8);
    await tab.tap('[value="window"]');
    await tab.waitForSelector('[value="window"]:checked');
    await box(tab, "#figure-grid");
    const middle = await pixel(3 * 8 + 4);
    await events.send("Input.dispatchTouchEvent", {
      type: "touchStart",
      touchPoints: [{ x: middle.x + 5, y: middle.y + 5 }],
    });
    await events.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await tab.waitForFunction(() => /row 3, column 4/.test(document.getElementById("figure-place").textContent));
    await tab.locator("#draw-layers button").nth(2).tap();
    await tab.waitForSelector("#draw-detail:not([hidden]) canvas.pick");
    // Under the layer, where the eye is.
    await tab.waitForFunction(() => {
      const { top } = document.getElementById("draw-detail").getBoundingClientRect();
      return top >= 0 && top < innerHeight - 50;
    });
    const map = await box(tab, "#draw-detail canvas.pick");
    await tab.touchscreen.tap(map.x + 3, map.y + 3);
    await tab.waitForFunction(() =>
      /from row 1 and column 1 on/.test(document.getElementById("draw-detail").textContent),
    );
    await tab.context().close();
  },

  async "a pen draws"() {
    const tab = await open();
    const events = await tab.context().newCDPSession(tab);
    await tab.click("#draw-clear");
    await tab.evaluate(() => {
      window.kinds = new Set();
      document.getElementById("draw-pad").addEventListener("pointermove", (event) =>
        window.kinds.add(`${event.pointerType} ${event.pressure.toFixed(1)}`),
      );
    });
    const { x, y, width, height } = await box(tab, "#draw-pad");
    const pen = (type, [right, down], buttons) =>
      events.send("Input.dispatchMouseEvent", {
        type,
        x: x + right * width,
        y: y + down * height,
        button: "left",
        buttons,
        clickCount: 1,
        pointerType: "pen",
        force: 0.7,
      });
    const corners = [
      [0.28, 0.22],
      [0.72, 0.22],
      [0.43, 0.82],
    ];
    await pen("mousePressed", corners[0], 1);
    for (let line = 0; line < 2; line++)
      for (let step = 1; step <= 10; step++)
        await pen("mouseMoved", corners[line].map((one, axis) => one + ((corners[line + 1][axis] - one) * step) / 10), 1);
    await pen("mouseReleased", corners[2], 0);
    await tab.waitForFunction(() => document.querySelector("#draw-answer").textContent.startsWith("7 "));
    assert.deepEqual(await tab.evaluate(() => [...window.kinds]), ["pen 0.7"]);
    await tab.context().close();
  },
};
