// The room protocol of mqttkit/chat/protocol.py, for the browser. A test feeds both with the same messages and compares.

import { bytes } from "./mqtt.js";

const MAX_PAYLOAD = 8192, MAX_TEXT = 2000, MAX_NAME = 40;
const MAX_PEOPLE = 2000, KEPT_LINES = 500;

export const messageTopic = (room, who) => `chat/${room}/message/${who}`;
export const presenceTopic = (room, who) => `chat/${room}/presence/${who}`;
export const roomTopic = (room) => `chat/${room}/room`;
export const roomFilters = (room, who) => [`chat/${room}/message/+`, `chat/${room}/presence/+`, roomTopic(room), `chat/${room}/notice/${who}`];

/** Without control, invisible and direction-changing characters; joiners inside emoji stay. */
export function cleanText(value, limit = MAX_TEXT) {
  const kept = value.replaceAll("\t", " ").replace(/(?![\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, "");
  return [...fewMarks(kept).normalize("NFC").trim()].slice(0, limit).join("");
}

/** At most four combining marks on a letter: a tower of them covers the lines around it. */
const fewMarks = (value) => value.replace(/([\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]+/gu, "$1");
const BLANKS = /[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]/gu;  // letters and marks that show nothing

export function cleanName(name) {
  const visible = [...cleanText(name, 10 * MAX_NAME).replace(BLANKS, "").split(/\s+/u).filter(Boolean).join(" ")].slice(0, MAX_NAME).join("").trim();
  return visible.replace(/[\u200c\u200d]/g, "") ? visible : "somebody";
}

const fold = (name) => cleanName(name).normalize("NFKC").toLowerCase().replace(/[\u200c\u200d]/g, "");

/** `name`, or "name 2", "name 3" … when somebody is called so already. */
export function uniqueName(name, taken) {
  const wanted = cleanName(name), used = new Set([...taken].map(fold));
  let number = 1, candidate = wanted;
  while (used.has(fold(candidate))) {
    number++;
    candidate = `${[...wanted].slice(0, MAX_NAME - 1 - String(number).length).join("").trimEnd()} ${number}`;
  }
  return candidate;
}

const random = (length) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Letters of the name, then eight random characters: at most 23 of [0-9a-z], which every broker accepts [MQTT-3.1.3-5]. */
export const newClientId = (name) => name.normalize("NFKD").toLowerCase().replace(/[^0-9a-z]/g, "").slice(0, 15) + random(4);
export const newSecret = () => random(12);

export const encodeLine = (name, said, id) => bytes(JSON.stringify({ name: cleanName(name), text: cleanText(said), id }));
export const encodePresence = (name, online) => bytes(JSON.stringify({ name: cleanName(name), online }));

/** One message of the protocol as {kind, who, …}; null where it is none, or not of its shape. */
export function decode(room, topic, payload) {
  const [chat, where, kind, who, more] = topic.split("/");
  if (chat !== "chat" || where !== room || more !== undefined) return null;
  if (kind === "presence" && who && payload.length === 0) return { kind, who, name: "", online: false, gone: true };
  const content = object(payload);
  if (!content) return null;
  if (kind === "room" && who === undefined) return roomState(content);
  if (!who) return null;
  if (kind === "notice") return typeof content.text === "string" ? { kind, who, text: cleanText(content.text) } : null;
  if (typeof content.name !== "string") return null;
  const name = cleanName(content.name);
  if (kind === "presence") return typeof content.online === "boolean" ? { kind, who, name, online: content.online, gone: false } : null;
  if (kind !== "message" || typeof content.text !== "string") return null;
  const said = cleanText(content.text, MAX_PAYLOAD);
  if (!said || [...said].length > MAX_TEXT) return null;
  const id = ["string", "number"].includes(typeof content.id) ? String(content.id).slice(0, 40) : "";
  return { kind, who, name, text: said, id };
}

function object(payload) {
  if (payload.length > MAX_PAYLOAD) return null;
  try {
    const content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    return content !== null && typeof content === "object" && !Array.isArray(content) ? content : null;
  } catch { return null; }
}

function roomState({ read_only, ended, cleared = 0, recorded = false }) {
  if (typeof read_only !== "boolean" || typeof ended !== "boolean" || !Number.isInteger(cleared)) return null;
  return { kind: "room", who: "", read_only, ended, cleared, recorded: recorded === true };
}

/** What one member sees: feed it with every message, then read `lines`, `people` and `state`. */
export class RoomView {
  lines = []; people = new Map();
  #seen = new Set();

  /** `cleared` is how often the room was cleared when it was last seen; null when it was never seen. */
  constructor(room, clientId, cleared = null) {
    this.room = room; this.clientId = clientId;
    this.state = { read_only: false, ended: false, cleared, recorded: false };
  }

  get online() { return [...this.people.values()].filter((person) => person.online); }
  get othersNames() { return this.online.filter((person) => person.who !== this.clientId).map((person) => person.name); }

  feed(topic, payload) {
    const item = decode(this.room, topic, payload);
    if (!item) return null;
    if (item.kind === "message") return this.#line(item);
    if (item.kind === "presence") return this.#presence(item);
    if (item.kind === "room") {
      const wiped = this.state.cleared !== null && item.cleared !== this.state.cleared;
      if (wiped) this.lines = [];
      this.state = item;
      return { ...item, wiped };
    }
    return item;
  }

  #line(item) {
    const mark = `${item.who}/${item.id}`;
    if (item.id && this.#seen.has(mark)) return null;  // QoS 1 delivered a second copy
    this.#seen.add(mark);
    if (this.#seen.size > KEPT_LINES) this.#seen.delete(this.#seen.values().next().value);
    this.lines.push(item);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    return item;
  }

  #presence(item) {
    const known = this.people.get(item.who);
    if (item.gone) return this.people.delete(item.who) ? { ...item, name: known.name } : null;
    if (!known && this.people.size >= MAX_PEOPLE) return null;
    if (known && known.name === item.name && known.online === item.online) return null;
    this.people.set(item.who, item);
    return item;
  }
}
