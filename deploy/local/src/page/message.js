// One message as a bubble: who, what it replies to, photo, text, when, and how far it has come.

import { byId, el } from "./dom.js";
import { render } from "./entities.js";

const MARKS = {
  waiting: ["◷", "sent, on its way to the bot"],
  queued: ["✓", "queued"],
  answered: ["✓✓", "answered"],
  dropped: ["⚠", "given up by Telegram"],
};

/** How far an update has come, in the page's words. */
export function progress(update) {
  if (!update) return null;
  if (update.answered_ms) return "answered";
  if (update.status === "dropped") return "dropped";
  return update.status === "accepted" ? "queued" : "waiting";
}

/** `view`: {mine, named, joined, update, bot}; `on`: {command, reply, jump}. */
export function bubble(message, view, on) {
  const words = message.text ?? message.caption ?? "";
  const entities = (message.text === undefined ? message.caption_entities : message.entities) ?? [];
  const body = el("div", { class: "bubble" },
    view.named ? el("span", { class: `author hue-${Math.abs(message.from?.id ?? 0) % 6}` }, name(message.from)) : null,
    message.reply_to ? quoted(message, on) : null,
    message.photo ? photo(message.photo, words) : null,
    message.document ? el("span", { class: "document" }, `▤ ${message.document.file_name ?? "document"}`) : null,
    words ? el("div", { class: "words", testid: "message-text", dir: "auto" }, ...render(words, entities, on.command)) : null,
    !words && !message.photo && !message.document ? el("em", { class: "other" }, other(message)) : null,
    foot(message, view),
  );
  const classes = ["message", view.mine ? "mine" : "theirs", view.joined ? "joined" : "", message.photo && !words ? "bare" : ""];
  const reply = el("button", { type: "button", class: "reply", "aria-label": "Reply to this message", title: "Reply", onclick: () => on.reply(message) }, "↩");
  const row = el("div", {
    class: classes.filter(Boolean).join(" "), testid: "message", "data-message-id": message.message_id,
    "data-from": view.bot ? "bot" : "user", "data-author": message.from?.id,
  }, body, reply);
  body.addEventListener("click", (event) => {
    const busy = event.target.closest("a, button, .spoiler, img") || String(getSelection()) !== "";
    if (!busy) on.reply(message);
  });
  return row;
}

export const name = (user) => user?.first_name ?? "somebody";

function quoted(message, on) {
  const { message_id, text } = message.reply_to;
  return el("button", { type: "button", class: "quoted", testid: "reply-quote", "aria-label": `In reply to: ${text}`, onclick: () => on.jump(message_id) },
    el("span", {}, text || "Photo"));
}

function photo(photo, caption) {
  // Only the page's own files: an id, never an address from a message.
  const source = `/_sim/telegram/files/${encodeURIComponent(photo.file_id)}`;
  const image = el("img", { src: source, alt: caption || "Photo", width: photo.width, height: photo.height, loading: "lazy" });
  return el("button", { type: "button", class: "picture", testid: "message-photo", "aria-label": "Enlarge the photo", onclick: () => enlarge(source, caption) }, image);
}

function enlarge(source, caption) {
  const dialog = byId("photo");
  const image = dialog.querySelector("img");
  image.src = source;
  image.alt = caption || "Photo";
  dialog.showModal();
}

function other(message) {
  const known = new Set(["message_id", "from", "date", "reply_to", "photo", "entities", "thread_id"]);
  const kind = Object.keys(message).find((key) => !known.has(key) && typeof message[key] === "object" && message[key]);
  return kind ? kind.replaceAll("_", " ") : "(nothing to show)";
}

function foot(message, view) {
  const time = new Date(message.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  const state = progress(view.update);
  const [sign, words] = MARKS[state] ?? [];
  return el("span", { class: "foot" }, message.edited ? "edited " : null, el("time", { datetime: new Date(message.date * 1000).toISOString() }, time),
    state ? el("span", { class: `mark ${state}`, testid: "mark", "data-state": state, title: words, role: "img", "aria-label": words }, sign) : null);
}
