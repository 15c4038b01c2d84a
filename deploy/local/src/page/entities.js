// Text and entities as Telegram shows them. Offsets are UTF-16 units, as JavaScript counts.

import { el } from "./dom.js";

const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

/** Nodes for the text. `onCommand` is told a command that somebody clicked. */
export function render(text, entities = [], onCommand = () => {}) {
  const sound = entities
    .map((entity) => ({ ...entity, start: Math.max(0, entity.offset), end: Math.min(text.length, entity.offset + entity.length) }))
    .filter((entity) => entity.start < entity.end);
  return span(text, 0, text.length, sound, onCommand);
}

// The outermost entity first; one that sticks out of it is cut there and goes on behind it.
function span(text, start, end, entities, onCommand) {
  const nodes = [];
  let rest = [...entities];
  let at = start;
  let afterBlock = false;
  const plain = (from, to) => {
    if (afterBlock && text[from] === "\n" && from < to) {
      nodes.push(el("span", { class: "break" }, "\n"));
      from += 1;
    }
    if (from < to) nodes.push(document.createTextNode(text.slice(from, to)));
  };
  while (rest.length > 0) {
    rest.sort((a, b) => a.start - b.start || BLOCKS.has(b.type) - BLOCKS.has(a.type) || b.end - a.end);
    const outer = rest.shift();
    plain(at, outer.start);
    const inside = rest.filter((entity) => entity.start < outer.end);
    const beyond = inside.filter((entity) => entity.end > outer.end).map((entity) => ({ ...entity, start: outer.end }));
    rest = rest.filter((entity) => entity.start >= outer.end).concat(beyond);
    const clipped = inside.map((entity) => ({ ...entity, end: Math.min(entity.end, outer.end) }));
    const children = span(text, outer.start, outer.end, clipped, onCommand);
    nodes.push(wrap(outer, children, text.slice(outer.start, outer.end), onCommand));
    afterBlock = BLOCKS.has(outer.type);
    at = outer.end;
  }
  plain(at, end);
  return nodes;
}

function wrap(entity, children, words, onCommand) {
  const type = { "data-entity": entity.type };
  if (SIMPLE[entity.type]) return el(SIMPLE[entity.type], type, ...children);
  switch (entity.type) {
    case "pre": return pre(entity, children, words);
    case "blockquote": return el("blockquote", type, ...children);
    case "expandable_blockquote": return expandable(children, words);
    case "spoiler": return spoiler(children);
    case "text_link": return link(entity.url, children, type);
    case "url": return link(/^[a-z][a-z0-9+.-]*:/i.test(words) ? words : `https://${words}`, children, type);
    case "email": return link(`mailto:${words}`, children, type);
    case "phone_number": return link(`tel:${words}`, children, type);
    case "bot_command": return el("button", { ...type, type: "button", class: "command", title: "Send this command", onclick: () => onCommand(words) }, ...children);
    case "text_mention": return el("span", { ...type, class: "mention", title: entity.user?.first_name }, ...children);
    case "mention": case "hashtag": case "cashtag": return el("span", { ...type, class: "mention" }, ...children);
    default: return el("span", type, ...children);
  }
}

/** Only addresses that cannot run anything become links. */
function link(address, children, type) {
  let url = null;
  try { url = new URL(address); } catch { /* shown, but not a link */ }
  if (!url || !["http:", "https:", "mailto:", "tel:", "tg:"].includes(url.protocol)) return el("span", { ...type, class: "mention" }, ...children);
  return el("a", { ...type, href: url.href, title: url.href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

function pre(entity, children, words) {
  const copy = el("button", { type: "button", class: "copy", "aria-label": "Copy the code" });
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(words).catch(() => {});
    copy.classList.add("done");
    setTimeout(() => copy.classList.remove("done"), 1500);
  });
  // Labels come from the style sheet, so that they never become part of the text.
  const head = el("div", { class: "pre-head", "data-language": entity.language || "code" }, copy);
  return el("div", { class: "pre", "data-entity": "pre", "data-language": entity.language }, head, el("pre", { tabindex: 0 }, el("code", {}, ...children)));
}

function expandable(children, words) {
  const quote = el("blockquote", { "data-entity": "expandable_blockquote", class: "expandable" }, ...children);
  if (words.length < 120 && words.split("\n").length < 4) return quote;
  const toggle = el("button", { type: "button", class: "expand", "aria-expanded": "false", "aria-label": "Show the whole quote" });
  toggle.addEventListener("click", () => {
    const open = quote.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  });
  quote.append(toggle);
  return quote;
}

function spoiler(children) {
  const hidden = el("span", { class: "spoiler", "data-entity": "spoiler", role: "button", tabindex: 0, "aria-label": "Hidden text: press to reveal" }, ...children);
  const reveal = (event) => {
    if (hidden.classList.contains("revealed") || (event.type === "keydown" && !["Enter", " "].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    hidden.classList.add("revealed");
    for (const name of ["role", "aria-label", "tabindex"]) hidden.removeAttribute(name);
  };
  hidden.addEventListener("click", reveal);
  hidden.addEventListener("keydown", reveal);
  return hidden;
}
