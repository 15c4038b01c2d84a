// Builds nodes. Text only ever becomes a text node: nothing here reads markup, so nobody's words can become any.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name === "testid" ? "data-testid" : name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);
export const byTestId = (id) => document.querySelector(`[data-testid="${id}"]`);

/** Writes a text only where it differs, so that what a screen reader announces is news. */
export function put(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

/** 420 ms, 3.1 s, 2 min. */
export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60000)} min`;
}

/** What went wrong, in the server's words where it has any. */
export async function send(path, options) {
  const response = await fetch(path, { method: "POST", ...options });
  const body = await response.text();
  if (response.ok) return body;
  let reason = body;
  try { reason = JSON.parse(body).error ?? body; } catch { /* not JSON: the text itself */ }
  throw new Error(reason || `HTTP ${response.status}`);
}

export const sendJson = (path, json) =>
  send(path, { headers: { "content-type": "application/json" }, body: JSON.stringify(json) });
