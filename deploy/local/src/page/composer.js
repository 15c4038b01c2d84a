// Where a person writes: text, a photo, as whom, in reply to what.

import { el, put, send, sendJson } from "./dom.js";

export class Composer {
  constructor(chatId) {
    this.chatId = chatId;
    this.reply = null;
    this.photo = null;
    this.onwriter = () => {};
    this.as = el("select", { class: "as", testid: "writer", "aria-label": "Write as", hidden: true, onchange: () => this.onwriter() });
    this.text = el("textarea", { rows: 1, testid: "composer", placeholder: "Message", "aria-label": "Message", enterkeyhint: "send" });
    this.file = el("input", { type: "file", accept: "image/*", class: "file", testid: "photo-input", "aria-label": "Attach a photo" });
    this.attach = el("label", { class: "attach", title: "Attach a photo (or paste, or drop one)" }, this.file, el("span", { "aria-hidden": "true" }));
    this.button = el("button", { type: "submit", class: "send", testid: "send", "aria-label": "Send", title: "Send (Enter)" }, "➤");
    this.context = el("div", { class: "context", testid: "composer-context", hidden: true });
    this.problem = el("p", { class: "problem", role: "alert", testid: "composer-problem", hidden: true });
    this.node = el("form", { class: "composer" }, this.problem, this.context, el("div", { class: "line" }, this.as, this.attach, this.text, this.button));
    this.listen();
  }

  listen() {
    this.node.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.text.addEventListener("input", () => this.grow());
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send(); }
      if (event.key === "Escape") this.forget();
    });
    this.file.addEventListener("change", () => this.take(this.file.files[0]));
    this.text.addEventListener("paste", (event) => this.take([...event.clipboardData.files].find(isImage), event));
  }

  acceptDrops(node) {
    node.addEventListener("dragover", (event) => { event.preventDefault(); node.classList.add("over"); });
    node.addEventListener("dragleave", (event) => { if (!node.contains(event.relatedTarget)) node.classList.remove("over"); });
    node.addEventListener("drop", (event) => {
      event.preventDefault();
      node.classList.remove("over");
      this.take([...event.dataTransfer.files].find(isImage));
    });
  }

  /** Who may write here; nobody to choose in a private chat. */
  writers(people, chat) {
    const key = JSON.stringify(people.map((person) => [person.id, person.first_name]));
    this.as.hidden = people.length < 2;
    this.text.placeholder = people.length ? "Message" : `Message as ${chat.first_name ?? "yourself"}`;
    if (key === this.peopleKey) return;
    this.peopleKey = key;
    const before = this.as.value;
    this.as.replaceChildren(...people.map((person) => el("option", { value: person.id }, person.first_name)));
    if (people.some((person) => String(person.id) === before)) this.as.value = before;
  }

  writer() {
    return this.as.value ? Number(this.as.value) : undefined;
  }

  replyTo(messageId, excerpt) {
    this.reply = { messageId, excerpt };
    this.showContext();
    this.text.focus();
  }

  async take(file, event) {
    if (!file) return;
    event?.preventDefault();
    this.photo = await asPhoto(file).catch(() => null);
    this.complain(this.photo ? null : "This file is not a picture that a browser can read.");
    this.showContext();
    this.text.focus();
  }

  forget() {
    [this.reply, this.photo] = [null, null];
    this.file.value = "";
    this.showContext();
  }

  showContext() {
    if (this.preview) URL.revokeObjectURL(this.preview);
    this.preview = this.photo ? URL.createObjectURL(this.photo) : null;
    this.context.hidden = !this.reply && !this.photo;
    this.context.replaceChildren(...[
      this.preview ? el("img", { src: this.preview, alt: "Photo to send", class: "preview" }) : null,
      el("span", { class: "excerpt" }, this.reply ? `↩ ${this.reply.excerpt}` : "Photo: the text becomes its caption"),
      el("button", { type: "button", class: "quiet", "aria-label": "Cancel reply and photo", onclick: () => this.forget() }, "✕"),
    ].filter(Boolean));
  }

  async send(command) {
    const text = (command ?? this.text.value).trim();
    const [photo, reply] = command ? [null, null] : [this.photo, this.reply];
    if (!text && !photo) return;
    const fields = { chat_id: this.chatId, from_id: this.writer(), reply_to_message_id: reply?.messageId };
    if (!command) { this.text.value = ""; this.forget(); this.grow(); }
    try {
      if (photo) await sendPhoto({ ...fields, caption: text }, photo);
      else await sendJson("/_sim/telegram/messages", { ...fields, text });
      this.complain(null);
    } catch (error) {
      this.complain(`Not sent: ${error.message}`);
      if (command) return;
      // Nothing that somebody wrote is lost.
      [this.text.value, this.photo, this.reply] = [this.text.value || text, photo, reply];
      this.showContext();
      this.grow();
    }
  }

  complain(words) {
    this.problem.hidden = !words;
    put(this.problem, words ?? "");
  }

  grow() {
    this.text.style.height = "auto";
    // Two pixels of border, which scrollHeight leaves out.
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 140)}px`;
  }
}

const isImage = (file) => file.type.startsWith("image/");

/** PNG and JPEG as they are; anything else that the browser can read, as JPEG, as Telegram's clients do. */
async function asPhoto(file) {
  const picture = await createImageBitmap(file);
  if (["image/png", "image/jpeg"].includes(file.type)) return file;
  const canvas = el("canvas", { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.9); });
}

function sendPhoto(fields, photo) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== "") form.append(name, value);
  form.append("photo", photo, "photo");
  return send("/_sim/telegram/photos", { body: form });
}
