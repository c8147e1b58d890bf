// The processes behind this page, as far as it knows them: its room and its channel, under those that keep them.

import { byId, element } from "./dom.js";
import { ordinal } from "./words.js";

/** @typedef {"running" | "crashed" | "starting"} Life */

const tree = byId("tree");

let room = { name: "", life: /** @type {Life} */ ("starting"), incarnation: 0 };
let channel = { life: /** @type {Life} */ ("starting"), joins: 0 };

/**
 * Shows the processes of another room.
 * @param {string} name
 */
export function plantTree(name) {
  room = { name, life: "starting", incarnation: 0 };
  channel = { life: "starting", joins: 0 };
  draw();
}

/**
 * @param {Life} life
 * @param {number} [incarnation]
 */
export function showRoomLife(life, incarnation = room.incarnation) {
  room = { ...room, life, incarnation };
  draw();
}

/** @param {Life} life */
export function showChannelLife(life) {
  if (life === "running" && channel.life !== "running") channel.joins += 1;
  channel.life = life;
  draw();
}

function draw() {
  const generation = room.incarnation > 0 ? `${ordinal(room.incarnation)} incarnation` : "";
  const joins = channel.joins > 1 ? `joined ${channel.joins} times` : "";
  tree.replaceChildren(
    branch("chat", "supervisor, rest for one", "running", [
      branch("rooms", "dynamic supervisor", "running", [branch(room.name, generation || "room", room.life)]),
      branch("listener", "connections", "running", [
        branch("your channel", joins || "monitors its room", channel.life),
      ]),
    ]),
  );
}

/**
 * @param {string} name
 * @param {string} about
 * @param {Life} life
 * @param {HTMLElement[]} [children]
 */
function branch(name, about, life, children = []) {
  const node = element(
    "span",
    { class: "node", "data-life": life },
    element("i", { class: "lamp", role: "img", "aria-label": life }),
    element("b", { text: name }),
    element("small", { text: life === "running" ? about : life }),
  );
  return element("li", {}, node, ...(children.length > 0 ? [element("ul", {}, ...children)] : []));
}
