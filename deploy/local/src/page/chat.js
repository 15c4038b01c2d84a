// One chat as a column: its messages, what the bot is doing, and the composer below.

import { el, put } from "./dom.js";
import { render } from "./entities.js";
import { bubble, name } from "./message.js";
import { Composer } from "./composer.js";

const ACTIONS = { typing: "is typing", upload_photo: "is sending a photo", upload_document: "is sending a document", record_voice: "is recording a voice message" };

export class Chat {
  constructor(chat) {
    this.id = chat.id;
    this.shown = new Map();
    this.title = el("h2", { class: "title" });
    this.about = el("p", { class: "about" });
    this.avatar = el("span", { class: `avatar hue-${Math.abs(chat.id) % 6}`, "aria-hidden": "true" });
    this.log = el("div", { class: "log", role: "log", "aria-live": "polite", tabindex: 0, testid: "messages", "aria-label": "Messages" });
    this.empty = el("p", { class: "empty" });
    this.draft = el("div", { class: "message theirs draft", testid: "draft", hidden: true, "aria-hidden": "true" });
    this.action = el("p", { class: "action", testid: "action", role: "status" });
    this.composer = new Composer(chat.id);
    this.node = el("section", { class: "chat", testid: "chat", "data-chat-id": chat.id, "data-chat-type": chat.type, "aria-label": title(chat) },
      el("header", { class: "head" }, this.avatar, el("div", {}, this.title, this.about)),
      this.log, this.action, this.composer.node);
    this.log.append(this.empty, this.draft);
    this.composer.acceptDrops(this.node);
    // A composer that grows, or a picture that arrives, must not hide the last message.
    [this.atEnd, this.top] = [true, 0];
    this.log.addEventListener("scroll", () => this.scrolled());
    new ResizeObserver(() => this.toEnd()).observe(this.log);
    this.composer.onwriter = () => { this.shown.clear(); this.update(this.latest, this.state); };
  }

  update(chat, state) {
    [this.latest, this.state] = [chat, state];
    const group = chat.type !== "private";
    put(this.title, title(chat));
    put(this.avatar, [...title(chat)][0] ?? "?");
    put(this.about, about(chat));
    const people = state.users.filter((user) => user.id !== state.bot.id && (!group || chat.members.includes(user.id)));
    this.composer.writers(group ? people : [], chat);
    put(this.empty, `Nothing here yet. Write “hello”, or “draw a fox”.${group ? ` In a group, name the bot: @${state.bot.username}` : ""}`);
    this.empty.hidden = chat.messages.length > 0;
    this.place(chat, state, group);
    this.showDraft(chat.draft);
    const doing = chat.action ? `${state.bot.first_name} ${ACTIONS[chat.action.kind] ?? chat.action.kind}…` : "";
    put(this.action, doing);
    this.toEnd();
  }

  // Only a reader who goes up leaves the end: words that grow below do not take it away.
  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    const near = scrollHeight - scrollTop - clientHeight < 80;
    if (near || scrollTop < this.top) this.atEnd = near;
    this.top = scrollTop;
  }

  toEnd() {
    if (this.atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  // Messages that have not changed keep their nodes: a revealed spoiler stays so, and nothing is announced twice.
  place(chat, state, group) {
    const updates = new Map(state.updates.filter((update) => update.chat_id === chat.id).map((update) => [update.message_id, update]));
    const kept = new Set();
    let previous = null;
    for (const message of chat.messages) {
      const bot = message.from?.id === state.bot.id;
      const mine = !bot && (!group || message.from?.id === this.composer.writer());
      const joined = previous?.from?.id === message.from?.id && message.date - previous.date < 300;
      const view = { bot, mine, joined, named: group && !mine && !joined, update: bot ? null : updates.get(message.message_id) };
      const key = JSON.stringify([message, view]);
      kept.add(message.message_id);
      const before = this.shown.get(message.message_id);
      if (before?.key !== key) {
        const node = bubble(message, view, this.handlers());
        before?.node.isConnected ? before.node.replaceWith(node) : this.log.insertBefore(node, this.draft);
        this.shown.set(message.message_id, { key, node });
      }
      previous = message;
    }
    for (const node of this.log.querySelectorAll("[data-message-id]")) {
      const id = Number(node.dataset.messageId);
      if (!kept.has(id) || this.shown.get(id)?.node !== node) node.remove();
      if (!kept.has(id)) this.shown.delete(id);
    }
  }

  handlers() {
    return {
      command: (command) => this.composer.send(command),
      reply: (message) => this.composer.replyTo(message.message_id, `${name(message.from)}: ${message.text ?? message.caption ?? "photo"}`),
      jump: (id) => {
        const node = this.shown.get(id)?.node;
        node?.scrollIntoView({ block: "center", behavior: "smooth" });
        node?.animate?.([{ opacity: 0.35 }, { opacity: 1 }], 900);
      },
    };
  }

  showDraft(draft) {
    this.draft.hidden = !draft;
    const key = JSON.stringify(draft);
    if (!draft || key === this.draftKey) return;
    this.draftKey = key;
    const words = draft.text ? render(draft.text, draft.entities ?? []) : ["Thinking…"];
    this.draft.replaceChildren(el("div", { class: "bubble" }, el("div", { class: "words", dir: "auto" }, ...words)));
  }
}

export const title = (chat) => chat.title ?? [chat.first_name, chat.last_name].filter(Boolean).join(" ") ?? String(chat.id);

function about(chat) {
  if (chat.blocked) return "has blocked the bot";
  if (chat.kicked) return "has removed the bot";
  return chat.type === "private" ? "private chat with the bot" : `${chat.is_forum ? "forum" : "group"}, ${chat.members.length} members`;
}
