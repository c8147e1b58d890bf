// Who else is on a topic: the server's state and its differences, merged.
//
// A key (a user) has one meta for each of its processes (tabs, devices), told apart by `phx_ref`. Merging goes by that
// reference alone, so hearing of a presence twice changes nothing: the server may tell of a new member before or after the
// state that contains it.

import { Listeners } from "./listeners.js";

/** @typedef {import("./channel.js").Channel} Channel */

/** @typedef {{ phx_ref: string, phx_ref_prev?: string, [name: string]: any }} Meta */
/** @typedef {{ metas: Meta[], [name: string]: any }} Entry */
/** Keys are the server's to choose, `__proto__` among them, so they are kept in maps. @typedef {Map<string, Entry>} Presences */
/** @typedef {Record<string, Entry>} WireEntries */

/**
 * What came and what went: new metas, and removed ones. An update is both.
 * @typedef {{ joins: Presences, leaves: Presences }} Change
 */

/** Differences that may wait for the state; a server that sends more than this before it has gone wrong. */
const EARLY_MAX = 1000;

/** The presences of a channel's topic. */
export class Presence {
  /** @type {Presences} */
  #presences = new Map();
  /** @type {Listeners<Change>} */
  #changes = new Listeners();
  /** Differences of this join that came before its state. @type {Change[]} */
  #early = [];
  #hasState = false;

  /** @param {Channel} channel to be made before the channel is joined, or else the first state is missed */
  constructor(channel) {
    channel.on("presence_state", (state) => this.#takeState(entries(state)));
    channel.on("presence_diff", (diff) =>
      this.#takeDiff({ joins: entries(diff?.joins), leaves: entries(diff?.leaves) }),
    );
    channel.onStatus(({ state }) => {
      // Every join has a state of its own; until it is here, the old list is better than none.
      if (state === "joining") this.#await();
    });
  }

  /** Everyone present, by key. @returns {Presences} */
  get all() {
    return new Map(this.#presences);
  }

  /**
   * Tells of every change, with what came and what went.
   * @param {(change: Change) => void} listener
   * @returns {() => void} takes the listener away
   */
  onChange(listener) {
    return this.#changes.add(listener);
  }

  #await() {
    this.#hasState = false;
    this.#early = [];
  }

  /** @param {Presences} state */
  #takeState(state) {
    const changes = [difference(this.#presences, state), ...this.#early];
    this.#await();
    this.#hasState = true;
    for (const change of changes) this.#apply(change);
  }

  /** @param {Change} diff */
  #takeDiff(diff) {
    if (this.#hasState) this.#apply(diff);
    else if (this.#early.length < EARLY_MAX) this.#early.push(diff);
  }

  /** @param {Change} change */
  #apply(change) {
    const { presences, change: real } = merge(this.#presences, change);
    this.#presences = presences;
    if (real.joins.size > 0 || real.leaves.size > 0) this.#changes.tell(real);
  }
}

/**
 * The presences after a difference, joins before leaves, and what of it was news. Pure.
 * @param {Presences} before
 * @param {Change} diff
 * @returns {{ presences: Presences, change: Change }}
 */
export function merge(before, diff) {
  const presences = new Map(before);
  /** @type {Change} */
  const change = { joins: new Map(), leaves: new Map() };
  for (const [key, entry] of diff.joins) {
    const known = presences.get(key)?.metas ?? [];
    const fresh = without(entry.metas, known);
    presences.set(key, { ...entry, metas: [...known, ...fresh] });
    if (fresh.length > 0) change.joins.set(key, { ...entry, metas: fresh });
  }
  for (const [key, entry] of diff.leaves) {
    const known = presences.get(key);
    if (!known) continue;
    const rest = without(known.metas, entry.metas);
    if (rest.length > 0) presences.set(key, { ...known, metas: rest });
    else presences.delete(key);
    if (rest.length < known.metas.length) change.leaves.set(key, { ...known, metas: without(known.metas, rest) });
  }
  return { presences, change };
}

/**
 * The difference that leads from one set of presences to another. Pure.
 * @param {Presences} before
 * @param {Presences} after
 * @returns {Change}
 */
export function difference(before, after) {
  return { joins: surplus(after, before), leaves: surplus(before, after) };
}

/**
 * What wire objects hold, without what is no presence.
 * @param {unknown} wire
 * @returns {Presences}
 */
export function entries(wire) {
  if (typeof wire !== "object" || wire === null) return new Map();
  const all = Object.entries(/** @type {WireEntries} */ (wire));
  return new Map(all.filter(([, entry]) => Array.isArray(entry?.metas)));
}

/**
 * @param {Presences} these
 * @param {Presences} those
 * @returns {Presences}
 */
function surplus(these, those) {
  const more = new Map();
  for (const [key, entry] of these) {
    const metas = without(entry.metas, those.get(key)?.metas ?? []);
    if (metas.length > 0) more.set(key, { ...entry, metas });
  }
  return more;
}

/**
 * @param {Meta[]} metas
 * @param {Meta[]} others
 * @returns {Meta[]}
 */
function without(metas, others) {
  const refs = new Set(others.map((meta) => meta.phx_ref));
  return metas.filter((meta) => !refs.has(meta.phx_ref));
}
