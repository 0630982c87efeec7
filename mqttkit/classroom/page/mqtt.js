// A small MQTT 3.1.1 client over WebSocket, made to be read.
//
//   const client = new MqttClient("ws://127.0.0.1:8765/mqtt", { clientId: "ada1" });
//   client.onMessage = (topic, payload) => console.log(topic, text(payload));
//   await client.connect();
//   await client.subscribe("home/#", 1);           // resolves with the granted QoS
//   await client.publish("home/lamp", "on", { qos: 1 });  // resolves when the broker has it
//
// It connects with a will, publishes at QoS 0 and 1, subscribes, pings, and comes back when the link breaks.
// Numbers in brackets are sections of the MQTT 3.1.1 standard.

const CONNECT = 1, CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBSCRIBE = 8, SUBACK = 9, UNSUBSCRIBE = 10, UNSUBACK = 11,
  PINGREQ = 12, PINGRESP = 13, DISCONNECT = 14;
const REFUSED = {
  1: "the broker does not speak this version of MQTT", 2: "the broker does not accept this client id",
  3: "the broker takes nobody at the moment, or too many wrong passwords came from your network; try again in half a minute", 4: "wrong user name or password", 5: "not allowed: the password is wrong, or the client id is another person's",
};
const MAX_PACKET = 1 << 20;

export const bytes = (value) => (value instanceof Uint8Array ? value : new TextEncoder().encode(String(value)));
export const text = (payload) => new TextDecoder().decode(payload);

const u16 = (number) => [number >> 8, number & 255];
const string = (value) => { const utf8 = bytes(value); return [...u16(utf8.length), ...utf8]; };  // [1.5.3]

/** A whole packet: type, flags, remaining length in groups of 7 bits [2.2.3], then the body. */
function packet(type, flags, body) {
  const head = [(type << 4) | flags];
  let left = body.length;
  do { head.push((left % 128) | (left > 127 ? 128 : 0)); left = Math.floor(left / 128); } while (left > 0);
  return Uint8Array.from([...head, ...body]);
}

/** [3.1] */
export function encodeConnect({ clientId, cleanSession = true, keepAlive = 30, will, username, password }) {
  let flags = cleanSession ? 2 : 0;
  const body = [...string(clientId)];
  if (will) {
    flags |= 4 | ((will.qos || 0) << 3) | (will.retain ? 32 : 0);
    body.push(...string(will.topic), ...string(will.payload));
  }
  if (username !== undefined) { flags |= 128; body.push(...string(username)); }
  if (password !== undefined) { flags |= 64; body.push(...string(password)); }
  return packet(CONNECT, 0, [...string("MQTT"), 4, flags, ...u16(keepAlive), ...body]);
}

/** [3.3] */
export function encodePublish(topic, payload, { qos = 0, retain = false, dup = false, id = 0 } = {}) {
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  return packet(PUBLISH, flags, [...string(topic), ...(qos ? u16(id) : []), ...bytes(payload)]);
}

export const encodeSubscribe = (id, filter, qos) => packet(SUBSCRIBE, 2, [...u16(id), ...string(filter), qos]);  // [3.8]
export const encodeUnsubscribe = (id, filter) => packet(UNSUBSCRIBE, 2, [...u16(id), ...string(filter)]);  // [3.10]

/** Cuts the stream of received bytes into packets: a WebSocket message may hold half a packet or several [6.0]. */
export class Splitter {
  #rest = new Uint8Array(0);

  feed(chunk) {
    const data = new Uint8Array(this.#rest.length + chunk.length);
    data.set(this.#rest); data.set(chunk, this.#rest.length);
    const packets = [];
    let start = 0;
    for (;;) {
      const [bodyStart, end] = this.#frame(data, start);
      if (end === undefined || end > data.length) break;
      packets.push({ type: data[start] >> 4, flags: data[start] & 15, body: data.subarray(bodyStart, end), raw: data.slice(start, end) });
      start = end;
    }
    this.#rest = data.slice(start);
    return packets;
  }

  #frame(data, start) {
    let length = 0;
    for (let i = 0; i < 4; i++) {
      const byte = data[start + 1 + i];
      if (byte === undefined) return [];
      length += (byte & 127) * 128 ** i;
      if (byte < 128) {
        if (length > MAX_PACKET) throw new Error(`a packet of ${length} bytes is too long`);
        return [start + 2 + i, start + 2 + i + length];
      }
    }
    throw new Error("the remaining length has more than four bytes");
  }
}

export class MqttClient {
  onMessage = () => {};  // (topic, payload: Uint8Array, {qos, retain, dup})
  onState = () => {};    // ("connecting" | "connected" | "waiting" | "closed", why)
  onSent = () => {};     // (raw packet)
  onReceived = () => {};
  state = "closed";
  sessionPresent = false;

  #options; #url; #socket; #splitter; #pinger; #retry; #proof; #silent = 0; #nextId = 0; #attempt = 0; #wanted = false;
  #waiting = new Map();        // packet id -> {resolve, reject, type, resend}
  #subscriptions = new Map();  // filter -> QoS, asked for again after each reconnect

  /**
   * @param url ws:// or wss:// address
   * @param options clientId, cleanSession, keepAlive (seconds), will {topic, payload, qos, retain}, username, password,
   *   WebSocket (a class, where the platform has none), timeout (ms), backOff (ms: first, then doubled up to 16 times)
   */
  constructor(url, options) {
    this.#url = url;
    this.#options = { keepAlive: 30, timeout: 8000, backOff: 500, ...options };
  }

  get clientId() { return this.#options.clientId; }

  /** Resolves at CONNACK; rejects when the broker refuses or does not answer. */
  connect(changed = {}) {
    Object.assign(this.#options, changed);
    this.#wanted = true;
    return this.#open();
  }

  /** Says goodbye: the broker forgets the will [3.14]. */
  disconnect() {
    this.#wanted = false;
    clearTimeout(this.#retry);
    if (this.state === "connected") this.#send(packet(DISCONNECT, 0, []));
    this.#socket?.close();
    this.#closed("closed", "disconnected");
  }

  /** Pulls the plug: the socket is closed without DISCONNECT, so the broker sends the will. `connect` plugs in again. */
  drop() {
    this.#wanted = false;
    this.#socket?.close();
    this.#closed("closed", "the plug was pulled");
  }

  /** The page woke up, or the network changed: try at once, or find out at once whether the link still holds. */
  wake() {
    if (this.state === "waiting") { clearTimeout(this.#retry); this.#open().catch(() => {}); }
    if (this.state !== "connected") return;
    this.#send(packet(PINGREQ, 0, []));
    clearTimeout(this.#proof);
    this.#proof = setTimeout(() => this.#fallenSilent(), this.#options.timeout / 2);
  }

  async subscribe(filter, qos = 0) {
    const granted = await this.#ask(SUBACK, (id) => encodeSubscribe(id, filter, qos));
    if (granted === 128) throw new Error(`the broker refuses a subscription to ${filter}`);
    this.#subscriptions.set(filter, qos);
    return granted;
  }

  unsubscribe(filter) {
    this.#subscriptions.delete(filter);
    return this.#ask(UNSUBACK, (id) => encodeUnsubscribe(id, filter));
  }

  /** QoS 0: sent and forgotten. QoS 1: resolves at PUBACK; sent again, with DUP, after a reconnect [4.4]. */
  async publish(topic, payload, { qos = 0, retain = false } = {}) {
    if (qos === 0) { this.#mustBeConnected(); this.#send(encodePublish(topic, payload, { retain })); return; }
    await this.#ask(PUBACK, (id, dup) => encodePublish(topic, payload, { qos, retain, id, dup }), true);
  }

  #mustBeConnected() { if (this.state !== "connected") throw new Error("not connected"); }

  #open() {
    const { WebSocket = globalThis.WebSocket, timeout } = this.#options;
    clearTimeout(this.#retry);
    this.#setState("connecting");
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url, "mqtt");  // the sub-protocol must be "mqtt" [6.0]
      socket.binaryType = "arraybuffer";
      this.#socket = socket;
      this.#splitter = new Splitter();
      const giveUp = setTimeout(() => { fail("the broker did not answer in time"); }, timeout);
      const fail = (why) => { clearTimeout(giveUp); reject(new Error(why)); if (this.#socket === socket) { socket.close(); this.#lost(why); } };
      socket.onopen = () => this.#send(encodeConnect(this.#options));
      socket.onclose = () => fail("the connection was closed");  // also where disconnect() or drop() closed it
      socket.onerror = () => {};  // onclose follows
      socket.onmessage = (event) => {
        if (this.#socket !== socket) return;
        try {
          for (const one of this.#splitter.feed(new Uint8Array(event.data))) this.#receive(one, () => { clearTimeout(giveUp); resolve(); }, fail);
        } catch (error) { fail(error.message); }
      };
    });
  }

  #receive(one, connected, fail) {
    this.#silent = 0;
    clearTimeout(this.#proof);
    this.onReceived(one.raw);
    const id = (one.body[0] << 8) | one.body[1];
    if (one.type === CONNACK) this.#connack(one.body, connected, fail);
    else if (one.type === PUBLISH) this.#received(one);
    else if (one.type === PUBACK || one.type === UNSUBACK) this.#settle(id, one.type, 0);
    else if (one.type === SUBACK) this.#settle(id, one.type, one.body[2]);
    else if (one.type !== PINGRESP) fail(`a packet of type ${one.type} was not expected`);
  }

  #connack([flags, code], connected, fail) {
    if (code !== 0) { if (code !== 3) this.#wanted = false; fail(REFUSED[code] || `the broker refused with code ${code}`); return; }
    this.sessionPresent = (flags & 1) === 1;
    this.#attempt = 0;
    this.state = "connected";
    this.#startPings();
    const unfinished = [...this.#waiting];  // first subscribe again, so that nothing of one's own is missed
    for (const [filter, qos] of this.#subscriptions) this.#ask(SUBACK, (id) => encodeSubscribe(id, filter, qos)).catch(() => {});
    for (const [id, { resend }] of unfinished) if (resend) this.#send(resend(id, true)); else this.#reject(id, "the link broke");
    this.onState("connected", "");  // last: what the page publishes now is new, and not among the unfinished
    connected();
  }

  #received({ flags, body }) {
    const qos = (flags >> 1) & 3, length = (body[0] << 8) | body[1];
    const topic = text(body.subarray(2, 2 + length)), rest = body.subarray(2 + length);
    try {
      this.onMessage(topic, qos ? rest.slice(2) : rest.slice(), { qos, retain: (flags & 1) === 1, dup: (flags & 8) === 8 });
    } finally {  // an error in onMessage must not make the broker send the same message for ever
      if (qos === 1) this.#send(packet(PUBACK, 0, [rest[0], rest[1]]));
    }
  }

  /** Send what `build` makes of a fresh packet id; resolves when the answer of `type` with that id arrives. */
  #ask(type, build, again = false) {
    if (!again) this.#mustBeConnected();
    else if (this.#waiting.size > 200) throw new Error("too many messages wait for the broker");
    do { this.#nextId = (this.#nextId % 65535) + 1; } while (this.#waiting.has(this.#nextId));
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { type, resolve, reject, resend: again ? build : null });
      if (this.state === "connected") this.#send(build(id, false));
    });
  }

  #settle(id, type, value) {
    const one = this.#waiting.get(id);
    if (one?.type !== type) return;  // an answer to nothing that was asked
    this.#waiting.delete(id);
    one.resolve(value);
  }

  #reject(id, why) { this.#waiting.get(id)?.reject(new Error(why)); this.#waiting.delete(id); }

  #startPings() {
    clearInterval(this.#pinger);
    if (this.#options.keepAlive === 0) return;
    this.#silent = 0;
    this.#pinger = setInterval(() => {  // half the keep alive, so that one late timer does no harm [3.1.2.10]
      if (this.#silent++ >= 2) this.#fallenSilent(); else this.#send(packet(PINGREQ, 0, []));
    }, this.#options.keepAlive * 500);
  }

  #fallenSilent() { this.#socket?.close(); this.#lost("the broker has fallen silent"); }

  #send(raw) {
    if (this.#socket?.readyState !== 1) return;
    this.#socket.send(raw);
    this.onSent(raw);
  }

  #lost(why) {
    if (!this.#wanted) { this.#closed("closed", why); return; }
    this.#closed("waiting", why);
    const wait = this.#options.backOff * 2 ** Math.min(this.#attempt++, 4) * (0.5 + Math.random() / 2);
    this.#retry = setTimeout(() => { this.#open().catch(() => {}); }, wait);
  }

  #closed(state, why) {
    this.#socket = undefined;
    clearInterval(this.#pinger); clearTimeout(this.#retry); clearTimeout(this.#proof);
    for (const [id, { resend }] of this.#waiting) if (!resend || state === "closed") this.#reject(id, why);
    this.#setState(state, why);
  }

  #setState(state, why = "") { if (state !== this.state || why) { this.state = state; this.onState(state, why); } }
}
