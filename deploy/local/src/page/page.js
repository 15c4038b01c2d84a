// The page: finds out what is simulated, follows the events, and hands each part its share of the state.

import { byId, el, put } from "./dom.js";
import { Chat, title } from "./chat.js";
import * as pipeline from "./pipeline.js";
import * as trouble from "./trouble.js";

const chats = new Map();

async function start() {
  const setup = await fetch("/_sim/page").then((response) => response.json());
  const kind = (simulated) => (simulated ? "simulated" : "real");
  put(byId("setup"), `${kind(setup.telegram)} Telegram · ${kind(setup.gemini)} Gemini`);
  trouble.build(setup);
  const dialog = byId("photo");
  dialog.addEventListener("click", () => dialog.close());
  byId("more").addEventListener("click", () => byId("more").setAttribute("aria-expanded", String(byId("side").classList.toggle("open"))));
  const tick = () => Promise.allSettled([pipeline.poll(), trouble.poll(setup)]);
  tick();
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
  if (setup.telegram) follow();
  else explain();
}

// EventSource reconnects by itself; what was missed comes with the next state, which is always whole.
function follow() {
  const events = new EventSource("/_sim/telegram/events");
  events.addEventListener("open", () => connected(true));
  events.addEventListener("error", () => {
    connected(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
  events.addEventListener("state", (event) => show(JSON.parse(event.data)));
}

function connected(is) {
  put(byId("link"), is ? "live" : "connection lost, trying again…");
  byId("link").classList.toggle("lost", !is);
}

function show(state) {
  const known = [...state.chats].sort((a, b) => (b.id > 0) - (a.id > 0) || Math.abs(a.id) - Math.abs(b.id));
  for (const chat of known) {
    if (!chats.has(chat.id)) add(chat);
    chats.get(chat.id).update(chat, state);
  }
  pipeline.showUpdates(state);
}

function add(chat) {
  const column = new Chat(chat);
  const tab = el("button", { type: "button", role: "tab", testid: "tab", "data-chat-id": chat.id, onclick: () => select(chat.id) }, title(chat));
  column.tab = tab;
  chats.set(chat.id, column);
  byId("chats").append(column.node);
  byId("tabs").append(tab);
  if (chats.size === 1) select(chat.id);
}

// Where there is room for one chat only.
function select(id) {
  for (const [other, column] of chats) {
    column.node.classList.toggle("selected", other === id);
    column.tab.setAttribute("aria-selected", String(other === id));
    column.log.scrollTop = column.log.scrollHeight;
  }
}

function explain() {
  put(byId("link"), "pipeline only");
  for (const part of document.querySelectorAll(".updates, [data-stage=telegram], [data-stage=ingress], [data-stage=answered]")) part.hidden = true;
  byId("chats").append(el("div", { class: "notice", testid: "notice" },
    el("h2", {}, "Chat in Telegram itself"),
    el("p", {}, "TELEGRAM_TOKEN is set, so the bot answers in the real Telegram, and its chats are there and not on this page."),
    el("p", {}, "Its updates are fetched from Telegram and go through the local functions and queue: watch them here.")));
}

start();
