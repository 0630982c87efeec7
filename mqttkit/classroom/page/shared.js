// What both pages show: a log of lines, who is online, the bytes of a packet. Everything that came over MQTT is set as text,
// never as HTML.

import { explain } from "./anatomy.js";

export const $ = (id) => document.getElementById(id);
const KEPT_LINES = 300;

/** Storage of the browser that may be blocked: then nothing is remembered, and nothing breaks. */
export function memoryIn(storage, prefix) {
  const area = () => globalThis[storage];
  return {
    get: (key) => { try { return JSON.parse(area().getItem(prefix + key)); } catch { return null; } },
    set: (key, value) => { try { area().setItem(prefix + key, JSON.stringify(value)); } catch { /* private window */ } },
  };
}

/** A new element with a class, a text and children. */
export function make(tag, { className = "", text = "", ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** ws:// or wss:// address beside this page; a proxy's path and query are kept. */
export function socketUrl() {
  const url = new URL("mqtt", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = location.search;
  url.hash = "";
  return url.href;
}

/** Adds a line and scrolls down, unless the reader has scrolled up. */
export function addLine(log, { name = "", text, className = "", title = "", onClick = null }) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = make("div", { className: `line ${className}`, title });
  if (name) line.append(make("b", { text: name }), " ");
  line.append(make("span", { text }));
  if (onClick) line.addEventListener("click", onClick);
  log.append(line);
  while (log.childElementCount > KEPT_LINES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

/** Keeps the newest line in sight when the log gets smaller, as it does when a phone shows its keyboard. */
export function keepAtEnd(log) {
  let atEnd = true;
  log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40; });
  new ResizeObserver(() => { if (atEnd) log.scrollTop = log.scrollHeight; }).observe(log);
}

export function showPeople(list, people, own, extra = () => []) {
  list.replaceChildren(...people.map((person) => make("li", {},
    make("span", { text: person.name + (person.who === own ? " (you)" : "") }), ...extra(person))));
}

/** At most 96 bytes of hexadecimal. */
const shortened = (hex) => (hex.length > 3 * 96 ? `${hex.slice(0, 3 * 96)}… ${Math.ceil(hex.length / 3) - 96} more` : hex);

/** One packet as a table: its bytes, what they are called, what they say. */
export function showPacket(place, raw) {
  const { title, rows } = explain(raw);
  place.replaceChildren(make("p", { className: "packet-title", text: title }), make("div", { className: "bytes" },
    ...rows.map((row) => make("div", { className: "row" }, make("code", { text: shortened(row.hex) }),
      make("div", {}, make("b", { text: row.name }), " ", make("span", { className: "value", text: row.value }), make("small", { text: row.meaning }))))));
}
