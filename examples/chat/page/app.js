// The page: lets a guest in, keeps the connection, and goes from room to room.

import { Socket } from "../client/index.js";
import { Composer } from "./composer.js";
import { byId, dressAvatar } from "./dom.js";
import { become, connectParams, guest, lastNickname, renew } from "./guest.js";
import { Room } from "./room.js";
import { showRooms } from "./rooms.js";
import { showStatus } from "./status.js";
import { Timeline } from "./timeline.js";
import { isRoomName } from "./words.js";

const socket = new Socket("/socket", { params: connectParams });
const timeline = new Timeline();
const composer = new Composer({ send: (body) => room?.say(body), type: (isTyping) => room?.type(isTyping) ?? false });
/** @type {Room | null} */
let room = null;
let unread = 0;

socket.onStatus((status) => {
  showStatus(status);
  if (status.state === "waiting" && status.wasOpen === false) renew();
});

// A page that is looked at again, or is back in the network, does not wait for its turn.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") return;
  socket.retryNow();
  count(0);
});
addEventListener("online", () => socket.retryNow());
addEventListener("hashchange", () => guest() && goIn());

byId("door-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = await become(byId("nickname", HTMLInputElement).value).then(
    () => "",
    (error) => error.message,
  );
  byId("door-error").textContent = problem;
  if (problem === "") enter();
});
byId("rename").addEventListener("click", () => {
  room?.leave();
  room = null;
  socket.disconnect();
  knock();
});
byId("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("go-room", HTMLInputElement);
  const name = field.value.trim().toLowerCase().replace(/\s+/g, "-");
  const isGood = isRoomName(name);
  byId("go-error").textContent = isGood ? "" : "Letters from a to z, digits and hyphens, at most 32.";
  if (!isGood) return;
  field.value = "";
  location.hash = name;
});
byId("crash-room").addEventListener("click", () => room?.crash());
byId("crash-channel").addEventListener("click", () => room?.crashChannel());
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  composer.focus();
});

if (guest()) enter();
else knock();

/** Asks who is there. */
function knock() {
  closePanel();
  byId("chat").hidden = true;
  byId("door").hidden = false;
  const field = byId("nickname", HTMLInputElement);
  field.value = guest()?.nickname ?? lastNickname();
  field.focus();
  field.select();
}

/** Lets the guest in. */
function enter() {
  const me = guest();
  if (!me) return knock();
  byId("door").hidden = true;
  byId("chat").hidden = false;
  byId("me-name").textContent = me.nickname;
  dressAvatar(byId("me-avatar"), me);
  socket.connect();
  showRooms(socket, roomName);
  goIn();
}

/** The room that the address names; the lobby if it names none that can be. */
function roomName() {
  const name = location.hash.slice(1);
  return isRoomName(name) ? name : "lobby";
}

/** Goes into the room that the address names. */
function goIn() {
  const name = roomName();
  room?.leave();
  closePanel();
  count(0);
  byId("crash-error").textContent = "";
  byId("room-name").textContent = name;
  composer.reset();
  composer.placeholder = `Message to ${name}`;
  room = new Room(socket, name, guest()?.id ?? "", {
    timeline,
    composer,
    onNews: () => document.hidden && count(unread + 1),
  });
  composer.focus();
}

/** @param {number} messages */
function count(messages) {
  unread = messages;
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${roomName()} · Throng chat`;
}

// On narrow screens rooms and people are in a sheet above the room.

byId("panel-open").addEventListener("click", () => {
  byId("chat").dataset.panel = "open";
  byId("panel-open").setAttribute("aria-expanded", "true");
  document.querySelector("main.room")?.setAttribute("inert", "");
  byId("panel-close").focus();
});
byId("panel-close").addEventListener("click", () => {
  closePanel();
  byId("panel-open").focus();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && byId("chat").dataset.panel === "open") byId("panel-close").click();
});

function closePanel() {
  delete byId("chat").dataset.panel;
  byId("panel-open").setAttribute("aria-expanded", "false");
  document.querySelector("main.room")?.removeAttribute("inert");
}
