// Who sits before this page: a nickname with a signed token, one for each tab.

import { explain } from "./words.js";

/** @typedef {{ id: string, nickname: string }} Guest */
/** @typedef {{ guest: Guest, user_token: string }} Pass */

const KEY = "throng-chat:pass";
const LAST_NICKNAME = "throng-chat:nickname";

/** @type {Pass | null} */
let pass = read(sessionStorage, KEY);

/** The guest, if this tab has one. */
export function guest() {
  return pass?.guest ?? null;
}

/** The nickname that was used last in this browser. */
export function lastNickname() {
  return read(localStorage, LAST_NICKNAME) ?? "";
}

/** What the socket connects with. */
export function connectParams() {
  return { user_token: pass?.user_token ?? "" };
}

/**
 * Takes a nickname, and keeps the identity if there is one.
 * @param {string} nickname
 * @returns {Promise<Guest>} rejected with words for the person
 */
export async function become(nickname) {
  const body = JSON.stringify({ nickname, user_token: pass?.user_token });
  const response = await fetch("/api/guests", { method: "POST", body }).catch(() => null);
  if (!response) throw new Error("The chat does not answer. Try again in a moment.");
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(explain(answer));
  pass = answer;
  write(sessionStorage, KEY, answer);
  write(localStorage, LAST_NICKNAME, answer.guest.nickname);
  return answer.guest;
}

/** Asks for a new token under the same nickname: the old one was refused, perhaps because the server has a new secret. */
export async function renew() {
  if (pass) await become(pass.guest.nickname).catch(() => {});
}

/**
 * @param {Storage} storage
 * @param {string} key
 */
function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {unknown} value
 */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing asks again the next time.
  }
}
