// Who is in the room, and who is typing.

import { announce, byId, dressAvatar, element } from "./dom.js";
import { enumerate } from "./words.js";

/** @typedef {import("../client/presence.js").Presence} Presence */
/** @typedef {import("../client/presence.js").Change} Change */
/** @typedef {{ id: string, nickname: string, isTyping: boolean, tabs: number }} Person */

const list = byId("people");
const count = byId("people-count");
const panelCount = byId("panel-count");
const typing = byId("typing");

/**
 * Shows a room's people for as long as its channel lives.
 * @param {Presence} presence
 * @param {() => string} me
 */
export function showPeople(presence, me) {
  show([], me());
  presence.onChange((change) => {
    show(peopleOf(presence), me());
    tell(change, presence, me());
  });
}

/** The room is left: nobody is known to be in it. */
export function forgetPeople() {
  show([], "");
}

/**
 * @param {Presence} presence
 * @returns {Person[]}
 */
function peopleOf(presence) {
  return [...presence.all].map(([id, { metas }]) => ({
    id,
    nickname: String(metas.at(-1)?.nickname ?? "?"),
    isTyping: metas.some((meta) => meta.typing === true),
    tabs: metas.length,
  }));
}

/**
 * @param {Person[]} people
 * @param {string} me
 */
function show(people, me) {
  const isMe = (/** @type {Person} */ person) => person.id === me;
  const byName = (/** @type {Person} */ a, /** @type {Person} */ b) =>
    a.nickname.localeCompare(b.nickname) || a.id.localeCompare(b.id);
  people.sort((a, b) => Number(isMe(b)) - Number(isMe(a)) || byName(a, b));
  const nicknames = people.map((person) => person.nickname);
  const isTwofold = (/** @type {string} */ name) => nicknames.indexOf(name) !== nicknames.lastIndexOf(name);
  list.replaceChildren(...people.map((person) => entry(person, isMe(person), isTwofold(person.nickname))));
  count.textContent = people.length > 0 ? String(people.length) : "";
  panelCount.textContent = String(people.length);
  showTyping(people.filter((person) => person.isTyping && !isMe(person)));
}

/**
 * @param {Person} person
 * @param {boolean} isMe
 * @param {boolean} isTwofold somebody else has the same nickname
 */
function entry(person, isMe, isTwofold) {
  const avatar = element("span", { class: "avatar", "aria-hidden": "true" });
  dressAvatar(avatar, person);
  const name = element("span", { class: "name", dir: "auto", text: person.nickname });
  const tags = [];
  if (isMe) tags.push("you");
  else if (isTwofold) tags.push(person.id.slice(0, 4));
  if (person.tabs > 1) tags.push(`${person.tabs} tabs`);
  const item = element("li", { class: "person" }, avatar, name);
  if (tags.length > 0) item.append(element("span", { class: "tag", text: tags.join(", ") }));
  if (person.isTyping)
    item.append(element("span", { class: "dots", role: "img", "aria-label": "is typing" }, ...dots()));
  return item;
}

function dots() {
  return [0, 1, 2].map(() => element("i"));
}

/** @param {Person[]} people */
function showTyping(people) {
  if (people.length === 0) return typing.replaceChildren();
  const words = `${enumerate(people.map((person) => person.nickname))} ${people.length === 1 ? "is" : "are"} typing`;
  typing.replaceChildren(
    element("span", { dir: "auto", text: words }),
    element("span", { class: "dots", "aria-hidden": "true" }, ...dots()),
  );
}

/**
 * Tells who came and who went to people who do not see the list. An update of typing is neither.
 * @param {Change} change
 * @param {Presence} presence
 * @param {string} me
 */
function tell({ joins, leaves }, presence, me) {
  const names = (/** @type {[string, any][]} */ entries) =>
    entries.map(([, { metas }]) => String(metas[0]?.nickname ?? "?"));
  const isUpdate = (/** @type {any} */ entry) => entry.metas.every((/** @type {any} */ meta) => meta.phx_ref_prev);
  const came = names([...joins].filter(([id, entry]) => id !== me && !leaves.has(id) && !isUpdate(entry)));
  const went = names([...leaves].filter(([id]) => !presence.all.has(id)));
  const words = [came.length > 0 && `${enumerate(came)} came in.`, went.length > 0 && `${enumerate(went)} left.`];
  const said = words.filter(Boolean).join(" ");
  if (said) announce(said);
}
