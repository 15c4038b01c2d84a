// Orders faults from the simulations, so that one sees that nothing is lost.

import { byId, el, put, sendJson } from "./dom.js";

const TROUBLES = [
  ["telegram", "Telegram: wait 10 s", "429", { method: "sendMessage", kind: { too_many_requests: { retry_after_s: 10 } } }],
  ["telegram", "Telegram: error 500", "500", { method: "sendMessage", kind: { status: { code: 500 } } }],
  ["telegram", "Telegram: sent, no answer", "broken", { method: "sendMessage", kind: "break_after" }],
  ["gemini", "Gemini: overloaded", "503", { method: "*", kind: { status: { code: 503 } } }],
  ["gemini", "Gemini: 8 s slow", "slow", { method: "*", kind: { slow: { ms: 8000 } } }],
];

/** Buttons for what is simulated. */
export function build(setup) {
  const offered = TROUBLES.filter(([service]) => setup[service]);
  byId("trouble").hidden = offered.length === 0;
  byId("trouble-buttons").replaceChildren(...offered.map(([service, label, key, fault]) =>
    el("button", { type: "button", testid: `trouble-${service}-${key}`, title: "Once, at the next call", onclick: () => order(service, fault) }, label)));
  byId("trouble-clear").addEventListener("click", async () => {
    await Promise.allSettled(services(setup).map((service) => fetch(`/_sim/${service}/faults`, { method: "DELETE" })));
    await poll(setup);
  });
  order.done = () => poll(setup);
}

async function order(service, fault) {
  await sendJson(`/_sim/${service}/faults`, { times: 1, ...fault }).catch(() => {});
  await order.done();
}

/** What is still to come. */
export async function poll(setup) {
  const lists = await Promise.all(services(setup).map(async (service) => {
    const faults = await fetch(`/_sim/${service}/faults`).then((response) => response.json()).catch(() => []);
    return faults.map((fault) => TROUBLES.find(([of, , , known]) => of === service && same(known, fault))?.[1] ?? `${service}: ${fault.method}`);
  }));
  const counts = new Map();
  for (const label of lists.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const words = [...counts].map(([label, count]) => (count > 1 ? `${label} ×${count}` : label));
  put(byId("trouble-orders"), words.length ? `On order: ${words.join(", ")}` : "");
  byId("trouble-clear").disabled = words.length === 0;
}

const services = (setup) => ["telegram", "gemini"].filter((service) => setup[service]);
// The server adds what was left out (`description: null`).
const same = (known, fault) => known.method === fault.method && bare(known.kind) === bare(fault.kind);
const bare = (kind) => JSON.stringify(kind, (_, value) => value ?? undefined);
