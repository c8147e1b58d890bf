// The rooms in which there are people, and how many.

import { Presence } from "../client/index.js";
import { byId, element } from "./dom.js";

/** @typedef {import("../client/index.js").Socket} Socket */

/** Rooms that the list shows, beside one's own; the fullest come first. */
const SHOWN_MAX = 20;

const list = byId("rooms");
/** @type {Presence | null} */
let presence = null;

/**
 * Shows the list from now on.
 * @param {Socket} socket
 * @param {() => string} current the room that one is in
 */
export function showRooms(socket, current) {
  draw(current());
  if (presence) return;
  const channel = socket.channel("rooms");
  presence = new Presence(channel);
  presence.onChange(() => draw(current()));
  addEventListener("hashchange", () => draw(current()));
  channel.join().catch(() => {});
}

/** @param {string} current */
function draw(current) {
  const rooms = new Map([["lobby", 0], [current, 0], ...members()]);
  const byCount = (/** @type {[string, number]} */ [a, m], /** @type {[string, number]} */ [b, n]) =>
    n - m || a.localeCompare(b);
  const shown = [...rooms].sort(byCount).filter(([name], place) => place < SHOWN_MAX || name === current);
  const focused = document.activeElement?.closest("#rooms a")?.getAttribute("href");
  list.replaceChildren(...shown.map(([name, count]) => entry(name, count, name === current)));
  // Whoever goes through the list by keyboard keeps their place in it.
  if (focused)
    links()
      .find((link) => link.getAttribute("href") === focused)
      ?.focus();
}

/** @returns {HTMLElement[]} */
function links() {
  return [...list.querySelectorAll("a")];
}

/**
 * The rooms in which there is somebody. A room that was just left is still open, and of no interest.
 * @returns {[string, number][]}
 */
function members() {
  const all = [...(presence?.all ?? [])].map(([name, { metas }]) => [name, Number(metas.at(-1)?.members ?? 0)]);
  return /** @type {[string, number][]} */ (all).filter(([, count]) => count > 0);
}

/**
 * @param {string} name
 * @param {number} count
 * @param {boolean} isCurrent
 */
function entry(name, count, isCurrent) {
  const link = element(
    "a",
    { href: `#${name}`, "aria-current": isCurrent ? "page" : undefined },
    element("span", { text: name }),
  );
  if (count > 0) {
    const words = count === 1 ? "1 person" : `${count} people`;
    link.append(element("span", { class: "count", text: String(count), "aria-label": words, title: words }));
  }
  return element("li", {}, link);
}
