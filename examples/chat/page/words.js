// Words for people, where the protocol has words for programs (pure).

/** @type {Record<string, (response: any) => string>} */
const REASONS = {
  empty: () => "There is nothing in it.",
  "too long": ({ chars_max }) => `That is too long: ${chars_max} characters at most.`,
  "characters not allowed": () => "It has characters that cannot be used here.",
  "rate limited": ({ retry_after_ms }) => `That was fast. Try again in ${seconds(retry_after_ms)}.`,
  "too soon": ({ retry_after_ms }) => `It came back a moment ago. Try again in ${seconds(retry_after_ms)}.`,
  "the room is restarting": () => "The room is restarting. Try again in a moment.",
  "the room is full": () => "The room is full.",
  "the room is too busy": ({ retry_after_ms }) =>
    `So many are talking at once. Try again in ${seconds(retry_after_ms)}.`,
  "the room gave no answer": () => "The room gave no answer. Your message may have arrived.",
  "you are in this room too often": () => "You have this room open too often. Close one of its windows.",
  "you are in too many rooms": () => "You are in too many rooms. Close one first.",
  "you have too many rooms to yourself": () => "You have too many rooms to yourself. Close one first.",
  "there are too many rooms": () => "There are too many rooms. Try one that is open.",
};

/** @type {Record<string, string>} */
const KINDS = {
  timeout: "No answer came.",
  interrupted: "The connection was lost while it was on its way; it may have arrived.",
  closed: "The room is closed.",
  overflow: "Too much is waiting to be sent.",
};

/**
 * Why something did not work, in a sentence.
 * @param {any} error a `PushError`, or what the server answered
 * @returns {string}
 */
export function explain(error) {
  const response = error?.response ?? error;
  const words = REASONS[response?.reason];
  return words?.(response) ?? KINDS[error?.kind] ?? "That did not work.";
}

/** @param {number} milliseconds */
function seconds(milliseconds) {
  const count = Math.max(1, Math.ceil(milliseconds / 1000));
  return count === 1 ? "a second" : `${count} seconds`;
}

/**
 * 1st, 2nd, 3rd, 4th …
 * @param {number} number
 */
export function ordinal(number) {
  const ending = { one: "st", two: "nd", few: "rd" };
  const rule = new Intl.PluralRules("en", { type: "ordinal" }).select(number);
  return `${number}${ending[/** @type {"one"} */ (rule)] ?? "th"}`;
}

/**
 * @param {number} milliseconds
 * @returns {string}
 */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/**
 * `Ada`, `Ada and Grace`, `Ada, Grace and 3 others`.
 * @param {string[]} names
 */
export function enumerate(names) {
  if (names.length <= 2) return names.join(" and ");
  if (names.length === 3) return `${names[0]}, ${names[1]} and ${names[2]}`;
  return `${names[0]}, ${names[1]} and ${names.length - 2} others`;
}

/**
 * Whether a room may have this name.
 * @param {string} name
 */
export function isRoomName(name) {
  return /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name);
}
