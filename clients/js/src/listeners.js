// Functions that want to be told of something.

/**
 * @template T
 */
export class Listeners {
  /** @type {Set<(value: T) => void>} */
  #functions = new Set();

  /**
   * @param {(value: T) => void} listener
   * @returns {() => void} takes the listener away
   */
  add(listener) {
    // A wrapper of its own, so that the same function added twice is told twice and taken away once.
    const entry = (/** @type {T} */ value) => listener(value);
    this.#functions.add(entry);
    return () => void this.#functions.delete(entry);
  }

  /**
   * Tells all of them; one that throws does not keep the others from hearing it.
   * @param {T} value
   */
  tell(value) {
    for (const listener of [...this.#functions]) {
      try {
        listener(value);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** @param {unknown} error */
function reportError(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}
