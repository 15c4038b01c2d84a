// The way of the updates: numbers of each stage, and the latest updates with how far and how fast they came.

import { byId, byTestId, duration, el, put } from "./dom.js";
import { progress } from "./message.js";
import { title } from "./chat.js";

const SHOWN = 40;
const WORDS = { waiting: "sent", queued: "queued", quiet: "no reply", answered: "answered", dropped: "dropped" };
/** The queue's depth is known a second late, the bot's reply a little later. */
const SETTLED_MS = 2500;

let shown = null;
let emptyMs = 0;

/** From SQS, once a second. */
export async function poll() {
  let depth;
  try {
    depth = await (await fetch("/_sim/pipeline")).json();
  } catch {
    depth = { error: "The local run does not answer: has it been stopped?" };
  }
  number("queued", depth.queued, "queue");
  number("in-flight", depth.in_flight, "worker");
  number("dlq", depth.dlq, "dlq");
  if (depth.queued === 0 && depth.in_flight === 0) {
    emptyMs = Date.now();
    if (shown) rows(shown);
  }
  const problem = byId("pipeline-problem");
  problem.hidden = !depth.error;
  put(problem, depth.error ?? "");
}

/** From the simulated Telegram, at each change. */
export function showUpdates(state) {
  const { updates } = state;
  number("waiting", updates.filter((update) => progress(update) === "waiting").length, "telegram");
  const accepted = updates.filter((update) => update.accepted_ms);
  number("ingress", updates.findLast((update) => update.last_status)?.last_status);
  busy("ingress", updates.some((update) => update.status === "delivering"));
  const last = accepted.at(-1);
  put(byId("ingress-note"), last ? `last one took ${duration(last.accepted_ms - last.sent_ms)}` : "answers 200 once queued");
  number("answered", state.answered);
  busy("answered", updates.some((update) => Date.now() - update.answered_ms < 3000));
  shown = state;
  rows(state);
}

function rows(state) {
  const names = new Map(state.chats.map((chat) => [chat.id, title(chat)]));
  byId("updates").replaceChildren(...state.updates.slice(-SHOWN).reverse().map((update) => row(update, names)));
}

function row(update, names) {
  // The worker took it and said nothing, as for a group's talk that is not for the bot.
  const quiet = progress(update) === "queued" && update.accepted_ms + SETTLED_MS < emptyMs;
  const state = quiet ? "quiet" : progress(update);
  const took = update.answered_ms ? duration(update.answered_ms - update.sent_ms) : update.accepted_ms ? `${duration(update.accepted_ms - update.sent_ms)} to queue` : "";
  const tries = update.attempts > 1 ? `${update.attempts} attempts, last ${update.last_status ?? "broke"}` : "";
  return el("li", { testid: "update", "data-state": state, "data-update-id": update.update_id },
    el("span", { class: `pill ${state}` }, WORDS[state]),
    el("span", { class: "what" }, names.get(update.chat_id) ?? "–", el("small", {}, update.kind === "message" ? update.update_id : `${update.update_id} ${update.kind.replaceAll("_", " ")}`)),
    el("span", { class: "took" }, took, tries ? el("small", {}, tries) : null));
}

function number(id, value, stage) {
  const output = byTestId(`pipeline-${id}`);
  put(output, value ?? "–");
  if (stage) busy(stage, value > 0);
}

function busy(stage, is) {
  document.querySelector(`[data-stage="${stage}"]`).classList.toggle("busy", Boolean(is));
}
