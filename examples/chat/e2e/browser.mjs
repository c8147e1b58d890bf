// Two people in two browsers: `node browser.mjs http://127.0.0.1:4000`. With SCREENSHOT=chat.png in the environment it leaves
// a picture of what they see, light beside dark.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { chromium } from "playwright-core";

import { paint } from "./picture.mjs";
import { openRoad } from "./road.mjs";
import { connected, freshRoom, outcome, url } from "./support.mjs";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
/** Nothing here takes longer on a machine that is not stuck, in milliseconds. */
const PATIENCE = 20_000;

let browser;
/** What pages complained of. */
const complaints = [];

before(async () => {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: FLAGS, headless: false, timeout: 60_000 });
});
after(() => browser?.close());
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** A person at a page of their own: another browser, as far as the page can tell. */
async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return page;
}

/** A person in a room. */
async function enter(nickname, room, options, from = url) {
  const page = await person(options);
  await page.goto(`${from}/#${room}`);
  await page.getByLabel("What should people call you?").fill(nickname);
  await page.keyboard.press("Enter");
  // Hidden on a phone, but there.
  await page.locator("#people .person", { hasText: "you" }).waitFor({ state: "attached" });
  // Marks the document: a reload would lose it.
  await page.evaluate(() => (window.isStillTheSame = true));
  return page;
}

async function say(page, body) {
  await page.getByLabel("Message", { exact: true }).fill(body);
  await page.keyboard.press("Enter");
}

/** Waits until a message is on the page as said, not as still on its way. */
const sees = (page, body) => page.locator(".post:not(.pending)", { hasText: body }).waitFor();
const people = (page) => page.locator("#people .person .name");
const seesPerson = (page, nickname) => people(page).getByText(nickname, { exact: true }).waitFor();
const isSame = (page) => page.evaluate(() => window.isStillTheSame === true);

// First of all, so that it shows no other test's rooms.
if (process.env.SCREENSHOT) {
  test("a picture is taken", async () => paint(process.env.SCREENSHOT, { enter, say, sees, browser }));
}

test("two people chat and see each other", async () => {
  const room = freshRoom("talk");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  await Promise.all([seesPerson(ada, "Grace"), seesPerson(grace, "Ada")]);
  await say(ada, "Hello Grace");
  await sees(grace, "Hello Grace");
  await say(grace, "Hello Ada");
  await sees(ada, "Hello Ada");
  assert.equal(await ada.locator(".post").count(), 2, "one's own message stands there once");
  assert.equal(await ada.locator("#people-count").textContent(), "2");
});

test("one sees the other type, and stop", async () => {
  const room = freshRoom("typing");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  await grace.getByLabel("Message", { exact: true }).pressSequentially("Hm");
  await ada.locator("#typing", { hasText: "Grace is typing" }).waitFor();
  await grace.keyboard.press("Enter");
  await sees(ada, "Hm");
  await ada.locator("#typing:empty").waitFor({ state: "attached" });
});

test("whoever closes the page leaves the other's list", async () => {
  const room = freshRoom("leave");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  await seesPerson(ada, "Grace");
  await grace.close();
  await people(ada).getByText("Grace", { exact: true }).waitFor({ state: "detached" });
  assert.deepEqual(await people(ada).allTextContents(), ["Ada"]);
});

test("a room that was killed comes back for both without a reload", async () => {
  const room = freshRoom("crash");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  await seesPerson(ada, "Grace");
  await say(ada, "before the crash");
  await sees(grace, "before the crash");
  await grace.getByRole("button", { name: "Crash the room" }).click();
  for (const page of [ada, grace]) {
    const card = page.locator(".event.crash.over");
    await card.getByText("2nd incarnation").waitFor();
    await card.getByText("Grace pressed the crash button").waitFor();
    await page.locator("#tree .node", { hasText: "2nd incarnation" }).waitFor();
  }
  await say(ada, "after the crash");
  await sees(grace, "after the crash");
  await say(grace, "as if nothing had happened");
  await sees(ada, "as if nothing had happened");
  for (const page of [ada, grace]) {
    assert.ok(await isSame(page), "the page was not reloaded");
    assert.deepEqual((await people(page).allTextContents()).sort(), ["Ada", "Grace"]);
    await sees(page, "before the crash");
  }
});

test("a crash of one's own channel is one's own", async () => {
  const room = freshRoom("channel");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  await say(ada, "before");
  await ada.getByRole("button", { name: "Crash my channel" }).click();
  await ada.locator(".event.note", { hasText: "joined again" }).waitFor();
  await say(ada, "after");
  await sees(grace, "after");
  assert.equal(await grace.locator(".event").count(), 0);
  assert.equal(await ada.locator(".post", { hasText: "before" }).count(), 1, "what it knew is not there twice");
  assert.ok(await isSame(ada));
});

test("a connection that is lost is made again, and what was written meanwhile is sent", async () => {
  const room = freshRoom("lost");
  const road = await openRoad();
  try {
    const [ada, grace] = [await enter("Ada", room, {}, road.url), await enter("Grace", room)];
    await seesPerson(ada, "Grace");
    road.close();
    await ada.locator("#status", { hasText: "Reconnecting" }).waitFor();
    await people(grace).getByText("Ada", { exact: true }).waitFor({ state: "detached" });
    await say(ada, "written in a tunnel");
    await say(grace, "where is Ada?");
    road.open();
    await Promise.all([sees(grace, "written in a tunnel"), sees(ada, "written in a tunnel")]);
    await sees(ada, "where is Ada?");
    await seesPerson(grace, "Ada");
    assert.ok(await isSame(ada));
    await ada.close();
  } finally {
    road.remove();
  }
});

test("whoever was away for too long is told that something is missing", async () => {
  const room = freshRoom("gap");
  const road = await openRoad();
  const speakers = await Promise.all(["Grace", "Joan", "Mary"].map((nickname) => connected(nickname)));
  try {
    const ada = await enter("Ada", room, {}, road.url);
    await say(ada, "I will be right back");
    await sees(ada, "I will be right back");
    road.close();
    await ada.locator("#status", { hasText: "Reconnecting" }).waitFor();
    for (const { socket } of speakers) {
      const channel = socket.channel(`room:${room}`);
      channel.join();
      const replies = Array.from({ length: 35 }, (_, n) =>
        outcome(channel.push("new_msg", { body: `${n}` }), "a reply"),
      );
      for (const [status] of await Promise.all(replies)) assert.equal(status, "ok");
    }
    road.open();
    await ada.locator(".event.note", { hasText: "5 messages that were said while you were away" }).waitFor();
    assert.equal(await ada.locator(".post").count(), 101);
    await ada.close();
  } finally {
    speakers.forEach(({ socket }) => socket.disconnect());
    road.remove();
  }
});

test("somebody who takes another name stays the same person", async () => {
  const room = freshRoom("rename");
  const [ada, grace] = [await enter("Ada", room), await enter("Grace", room)];
  await say(ada, "I am Ada");
  await sees(grace, "I am Ada");
  await ada.getByRole("button", { name: "Rename" }).click();
  await ada.getByLabel("What should people call you?").fill("The Countess");
  await ada.keyboard.press("Enter");
  await seesPerson(grace, "The Countess");
  assert.deepEqual((await people(grace).allTextContents()).sort(), ["Grace", "The Countess"]);
  await ada.locator(".post.mine", { hasText: "I am Ada" }).waitFor();
  assert.ok(await isSame(ada));
});

test("markup is text, and a name may be anything a name can be", async () => {
  const room = freshRoom("markup");
  const [ada, mallory] = [await enter("Ada", room), await enter("<b>Mallory</b>", room)];
  const markup = '<img src=x onerror="document.title = 1"><script>1</script>';
  await say(mallory, markup);
  await sees(ada, markup);
  await seesPerson(ada, "<b>Mallory</b>");
  assert.equal(await ada.locator("#timeline img, #timeline script, #people b").count(), 0);
});

test("what is wrong is said where it was typed", async () => {
  const page = await person();
  await page.goto(`${url}/`);
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("There is nothing in it.").waitFor();
  await page.getByLabel("What should people call you?").fill("x".repeat(30));
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("24 characters at most").waitFor();
  await page.getByLabel("What should people call you?").fill("Ada");
  await page.keyboard.press("Enter");
  const field = page.getByLabel("Message", { exact: true });
  // The room says how long a message may be.
  await page.locator("#people .person").waitFor();
  await field.fill("x".repeat(2001));
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#counter").textContent(), "-1");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.equal((await field.inputValue()).length, 2001, "what was written is not lost");
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes("422")));
});

test("everything can be done by keyboard", async () => {
  const room = freshRoom("keyboard");
  const page = await enter("Ada", room);
  const focused = () => page.evaluate(() => document.activeElement?.id);
  assert.equal(await focused(), "message", "the field has the focus when one comes in");
  await page.keyboard.type("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await page.keyboard.press("Enter");
  await page.locator(".post:not(.pending) .bubble").waitFor();
  assert.equal(await page.locator(".bubble").textContent(), "one\ntwo");

  const reached = new Set();
  await page.evaluate(() => document.activeElement?.blur());
  for (let presses = 0; presses < 100 && !reached.has("message"); presses += 1) {
    await page.keyboard.press("Tab");
    reached.add(await focused());
    const [id, outline] = await page.evaluate(() => [
      document.activeElement.id,
      getComputedStyle(document.activeElement).outlineStyle,
    ]);
    // Between two rounds the focus is the browser's own.
    if (id) assert.notEqual(outline, "none", `the focus on ${id} is visible`);
  }
  for (const id of ["skip", "go-room", "rename", "crash-room", "crash-channel", "scroll", "message"])
    assert.ok(reached.has(id), id);

  const link = page.locator("#rooms a", { hasText: room });
  await link.focus();
  const other = await enter("Grace", freshRoom("elsewhere"));
  await page.locator("#rooms a", { hasText: "elsewhere" }).first().waitFor();
  await other.close();
  assert.equal(
    await page.evaluate(() => document.activeElement?.textContent.startsWith("keyboard")),
    true,
    "a list that changes keeps the focus",
  );

  await page.locator("#crash-room").focus();
  await page.keyboard.press("Enter");
  await page.locator(".event.crash.over").waitFor();

  await page.locator("#go-room").focus();
  await page.keyboard.type("Another Room");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "another-room" }).waitFor();
  assert.equal(await focused(), "message");
});

test("people who do not see the page find their way", async () => {
  const room = freshRoom("aria");
  const page = await enter("Ada", room);
  for (const role of ["main", "navigation", "complementary", "log", "banner"]) {
    assert.ok((await page.getByRole(role).count()) >= 1, role);
  }
  const nameless = await page
    .locator("button, input, textarea, a")
    .evaluateAll((controls) =>
      controls
        .filter(
          (control) => !control.labels?.length && !control.getAttribute("aria-label") && !control.textContent.trim(),
        )
        .map(({ id }) => id),
    );
  assert.deepEqual(nameless, []);
  const grace = await enter("Grace", room);
  await page.locator("#announcer", { hasText: "Grace came in." }).waitFor({ state: "attached" });
  await grace.close();
  await page.locator("#announcer", { hasText: "Grace left." }).waitFor({ state: "attached" });
});

test("a phone shows everything without scrolling sideways", async () => {
  const room = freshRoom("phone");
  const page = await enter("Ada", room, PHONE);
  await say(page, "W".repeat(500));
  await sees(page, "W".repeat(500));
  const isWithin = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  assert.ok(await isWithin());
  assert.ok(await page.getByRole("button", { name: "Send" }).isVisible());
  assert.ok(await page.locator("#crash-room").isHidden());
  await page.getByRole("button", { name: "1 here" }).click();
  const crash = page.getByRole("button", { name: "Crash the room" });
  await crash.scrollIntoViewIfNeeded();
  assert.ok(await isWithin());
  await crash.click();
  await page.keyboard.press("Escape");
  await page.locator(".event.crash.over").waitFor();
  assert.ok(await isWithin());
});

test("both colour schemes are readable", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await enter("Ada", freshRoom("colours"), { colorScheme, reducedMotion: "reduce" });
    await say(page, "how does it look?");
    await sees(page, "how does it look?");
    await page.getByRole("button", { name: "Crash my channel" }).click();
    await page.locator(".event.note").waitFor();
    const contrasts = await page.evaluate(measureContrasts);
    assert.ok(contrasts.length > 15, "enough was measured");
    const poor = contrasts.filter(({ contrast }) => contrast < 4.5);
    assert.deepEqual(poor, [], colorScheme);
  }
});

test("a page whose token is not good any more gets another", async () => {
  const page = await enter("Ada", freshRoom("token"));
  await page.evaluate(() => {
    const key = "throng-chat:pass";
    const pass = JSON.parse(sessionStorage.getItem(key));
    sessionStorage.setItem(key, JSON.stringify({ ...pass, user_token: "nonsense" }));
  });
  await page.reload();
  await page.locator("#status", { hasText: "Live" }).waitFor();
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes("403")));
});

test("no page complained", () => {
  // Attempts to connect on a closed road are told of by the browser itself.
  const isRoad = (words) => words.startsWith("WebSocket connection to") || words.includes("ERR_");
  assert.deepEqual(
    complaints.filter((words) => !isRoad(words)),
    [],
  );
});

/** Runs in the page: the contrast (WCAG 2.2) of every text with what is painted behind it. */
function measureContrasts() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const over = (layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const layer of layers) {
      canvas.fillStyle = layer;
      canvas.fillRect(0, 0, 1, 1);
    }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgrounds = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    return layers;
  };
  const measured = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const isShown =
      node.textContent.trim() !== "" && element.checkVisibility() && !element.closest(".hidden, .skip, noscript");
    if (!isShown) continue;
    const behind = backgrounds(element);
    const [light, dark] = [luminance(over([...behind, getComputedStyle(element).color])), luminance(over(behind))].sort(
      (a, b) => b - a,
    );
    measured.push({ text: node.textContent.trim().slice(0, 30), contrast: (light + 0.05) / (dark + 0.05) });
  }
  return measured;
}
