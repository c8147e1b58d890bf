// Elements, and how they are made. Text goes in as text: nothing that people typed is ever parsed as markup.

/**
 * The element of the page with this id.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} [type]
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof (type ?? HTMLElement))) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/**
 * A new element.
 * @param {string} tag
 * @param {{ class?: string, text?: string, [attribute: string]: string | undefined }} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, { class: className, text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const graphemes = new Intl.Segmenter();

/**
 * Dresses an element as somebody's picture: the first letter, on a colour of their own.
 * @param {HTMLElement} avatar
 * @param {{ id: string, nickname: string }} guest
 */
export function dressAvatar(avatar, { id, nickname }) {
  const [first] = graphemes.segment(nickname);
  avatar.textContent = (first?.segment ?? "").toLocaleUpperCase();
  avatar.style.setProperty("--hue", String(hue(id)));
}

/** @param {string} id */
function hue(id) {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) % 360;
  return hash;
}

/**
 * Says something to people who do not see the page.
 * @param {string} words
 */
export function announce(words) {
  byId("announcer").textContent = words;
}
