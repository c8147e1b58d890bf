// The clock, as a value: tests bring one of their own.

/**
 * @typedef {object} Timers
 * @property {(callback: () => void, delay: number) => any} set
 * @property {(timer: any) => void} clear
 */

/** @type {Timers} */
export const systemTimers = {
  set: (callback, delay) => setTimeout(callback, delay),
  clear: (timer) => clearTimeout(timer),
};
