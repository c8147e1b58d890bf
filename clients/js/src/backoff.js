// How long to wait before the next attempt (pure).

/**
 * Exponential backoff with full jitter: anything between nothing and twice as much as the time before, up to `most`.
 * Clients that were lost together come back apart, which a fixed delay would not do.
 * @param {number} attempt how many attempts have failed, beginning with 1
 * @param {{ first: number, most: number, random?: () => number }} options in milliseconds
 * @returns {number} milliseconds
 */
export function backoff(attempt, { first, most, random = Math.random }) {
  const ceiling = Math.min(most, first * 2 ** Math.max(0, attempt - 1));
  return Math.round(random() * ceiling);
}
