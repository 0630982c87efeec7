// What each byte of a packet means, for the packets a phone sends. Pure: bytes in, rows out.
//
// explain(bytes) -> { type, title, rows: [{ start, end, hex, name, value, meaning }] }

const TYPES = ["reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "reserved"];
const QOS = ["at most once", "at least once", "exactly once", "not allowed"];
const DOES = {
  CONNECT: "hello, this is me", CONNACK: "the broker's answer to hello", PUBLISH: "a message", PUBACK: "I have that message",
  SUBSCRIBE: "please send me", SUBACK: "the broker will", UNSUBSCRIBE: "no longer send me", UNSUBACK: "the broker will not",
  PINGREQ: "I am still here", PINGRESP: "so am I", DISCONNECT: "goodbye, forget my will",
};

class Reader {
  constructor(raw) { this.raw = raw; this.at = 0; this.rows = []; }
  row(length, name, value, meaning = "") {
    const start = this.at, end = Math.min(start + length, this.raw.length);
    this.at = end;
    this.rows.push({ start, end, hex: hex(this.raw.subarray(start, end)), name, value: String(value), meaning });
  }
  u16() { return (this.raw[this.at] << 8) | this.raw[this.at + 1]; }
  text(length) { return new TextDecoder().decode(this.raw.subarray(this.at, this.at + length)); }
  string(name, { secret = false } = {}) {
    const length = this.u16();
    this.row(2, `length of the ${name}`, length, "two bytes, the high one first");
    this.row(length, name, secret ? "••••••" : this.text(length), secret ? "readable by anybody on the way, without TLS" : "");
    if (secret) this.rows[this.rows.length - 1].hex = "•• ".repeat(Math.min(length, 8)).trim();
  }
  number(name, meaning) { this.row(2, name, this.u16(), meaning); }
  rest(name) { const left = this.raw.length - this.at; this.row(left, name, this.text(left), `${left} bytes`); }
}

export const hex = (raw) => Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

export function explain(raw) {
  const reader = new Reader(raw), type = TYPES[raw[0] >> 4], flags = raw[0] & 15;
  const qos = (flags >> 1) & 3;
  reader.row(1, "packet type and flags", type, type === "PUBLISH"
    ? `DUP ${flags >> 3}, QoS ${qos} (${QOS[qos]}), RETAIN ${flags & 1}` : DOES[type] || "");
  let end = 1;
  while (raw[end] > 127 && end < 4) end++;
  const before = end + 1;
  reader.row(end, "remaining length", raw.length - before, "bytes that follow");
  const body = BODIES[type];
  if (body && reader.at < raw.length) body(reader, qos);
  if (reader.at < raw.length) reader.rest("rest");
  return { type, title: `${type}, ${raw.length} bytes: ${DOES[type] || ""}`, rows: reader.rows };
}

const BODIES = {
  CONNECT(reader) {
    reader.string("protocol name");
    reader.row(1, "protocol level", reader.raw[reader.at], "4 is MQTT 3.1.1");
    const flags = reader.raw[reader.at];
    reader.row(1, "connect flags", flags.toString(2).padStart(8, "0"), connectFlags(flags));
    reader.number("keep alive", "seconds; after one and a half times that without a packet, the broker sends the will");
    reader.string("client id");
    if (flags & 4) { reader.string("will topic"); reader.string("will message"); }
    if (flags & 128) reader.string("user name", { secret: true });
    if (flags & 64) reader.string("password", { secret: true });
  },
  PUBLISH(reader, qos) {
    reader.string("topic name");
    if (qos) reader.number("packet identifier", "the broker's PUBACK carries it back");
    reader.rest("payload");
  },
  SUBSCRIBE(reader) {
    reader.number("packet identifier", "the broker's SUBACK carries it back");
    while (reader.at < reader.raw.length) {
      reader.string("topic filter");
      reader.row(1, "requested QoS", reader.raw[reader.at], QOS[reader.raw[reader.at] & 3]);
    }
  },
  UNSUBSCRIBE(reader) {
    reader.number("packet identifier", "the broker's UNSUBACK carries it back");
    while (reader.at < reader.raw.length) reader.string("topic filter");
  },
  PUBACK(reader) { reader.number("packet identifier", "of the message that is acknowledged"); },
};

function connectFlags(flags) {
  const said = [flags & 2 ? "a new session" : "keep my session", flags & 4 ? `a will, QoS ${(flags >> 3) & 3}${flags & 32 ? ", retained" : ""}` : "no will"];
  if (flags & 128) said.push("with a user name");
  if (flags & 64) said.push("with a password");
  return said.join(", ");
}
