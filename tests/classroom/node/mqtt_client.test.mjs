// The page's MQTT client against a broker given as BROKER_URL; prints one line per check, exit code 1 when one fails.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_ROOT + "/package.json");
const { WebSocket } = require("ws");
const { MqttClient, Splitter, encodeConnect, encodePublish, encodeSubscribe, text } = await import(process.env.PAGE + "/mqtt.js");
const { explain, hex } = await import(process.env.PAGE + "/anatomy.js");

const url = process.env.BROKER_URL, run = process.env.RUN || "run";
const login = process.env.BROKER_PASSWORD ? { username: run, password: process.env.BROKER_PASSWORD } : {};
const prefix = process.env.TOPIC_PREFIX || "t/";
const checks = [];
const check = (name, body) => checks.push([name, body]);
const own = (name) => `${prefix}${name}`;

function client(name, options = {}) {
  const one = new MqttClient(url, { clientId: run + name, WebSocket, backOff: 20, timeout: 4000, ...login, ...options });
  one.received = []; one.waiters = [];
  one.onMessage = (topic, payload, flags) => { one.received.push({ topic, text: text(payload), ...flags }); one.waiters.forEach((wake) => wake()); };
  one.states = [];
  one.onState = (state) => { one.states.push(state); one.waiters.forEach((wake) => wake()); };
  one.until = async (done) => {
    const end = Date.now() + 5000;
    while (!done()) {
      if (Date.now() > end) throw new Error(`waited in vain for ${done}; received ${JSON.stringify(one.received)}, states ${one.states}`);
      await Promise.race([new Promise((wake) => one.waiters.push(wake)), new Promise((wake) => setTimeout(wake, 250).unref?.())]);
    }
  };
  return one;
}

check("packets have the bytes of the standard", () => {
  assert.equal(hex(encodePublish("a/b", "hi", { qos: 1, id: 10 })), "32 09 00 03 61 2f 62 00 0a 68 69");
  assert.equal(hex(encodePublish("a", "x".repeat(200))).slice(0, 8), "30 cb 01");
  assert.equal(hex(encodeSubscribe(1, "a", 1)), "82 06 00 01 00 01 61 01");
  assert.equal(hex(encodeConnect({ clientId: "a", will: { topic: "w", payload: "x", qos: 1, retain: true }, username: "u", password: "p" })),
    "10 19 00 04 4d 51 54 54 04 ee 00 1e 00 01 61 00 01 77 00 01 78 00 01 75 00 01 70");
});

check("a stream is cut into packets wherever it breaks", () => {
  const stream = [encodePublish("a", "x".repeat(300)), encodePublish("b", ""), Uint8Array.from([0xd0, 0])];
  const all = Uint8Array.from(stream.flatMap((one) => [...one]));
  for (const size of [1, 2, 3, 7, 299, 400]) {
    const splitter = new Splitter(), found = [];
    for (let at = 0; at < all.length; at += size) found.push(...splitter.feed(all.slice(at, at + size)));
    assert.deepEqual(found.map((one) => hex(one.raw)), stream.map(hex));
  }
  assert.throws(() => new Splitter().feed(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff])), /four bytes/);
  assert.throws(() => new Splitter().feed(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0x7f])), /too long/);
});

check("every byte of a packet is explained once, passwords are not shown", () => {
  for (const raw of [encodePublish("a/b", "hi", { qos: 1, id: 10 }), encodePublish("a", "x".repeat(200)), encodeSubscribe(1, "a/#", 1), Uint8Array.from([0xc0, 0]),
    encodeConnect({ clientId: "a", will: { topic: "w", payload: "x" }, username: "user", password: "geheim" })]) {
    let at = 0;
    for (const row of explain(raw).rows) { assert.equal(row.start, at); at = row.end; }
    assert.equal(at, raw.length);
  }
  const shown = JSON.stringify(explain(encodeConnect({ clientId: "a", username: "user", password: "geheim" })));
  assert.ok(!shown.includes("geheim") && !shown.includes(hex(new TextEncoder().encode("geheim"))));
  assert.equal(explain(encodePublish("a/b", "hi", { qos: 1, id: 10 })).rows[0].meaning, "DUP 0, QoS 1 (at least once), RETAIN 0");
});

check("publishes and receives at QoS 0 and 1, text stays text", async () => {
  const alice = client("alice"), bob = client("bob");
  await alice.connect(); await bob.connect();
  assert.equal(await alice.subscribe(own("bob/#"), 1), 1);
  await bob.publish(own("bob/a"), "Grüße 👋 <b>");
  await bob.publish(own("bob/b"), "again", { qos: 1 });
  await alice.until(() => alice.received.length === 2);
  assert.deepEqual(alice.received.map((one) => [one.topic, one.text, one.qos, one.retain]),
    [[own("bob/a"), "Grüße 👋 <b>", 0, false], [own("bob/b"), "again", 1, false]]);
  await alice.unsubscribe(own("bob/#"));
  await bob.publish(own("bob/c"), "unheard", { qos: 1 });
  assert.equal(alice.received.length, 2);
  alice.disconnect(); bob.disconnect();
  assert.equal(alice.state, "closed");
});

check("a pulled plug sends the will, a goodbye does not", async () => {
  const watcher = client("watcher");
  await watcher.connect(); await watcher.subscribe(own("plug/#"), 1);
  const options = { will: { topic: own("plug/status"), payload: "gone", qos: 1, retain: true } };
  const polite = client("plug", options);
  await polite.connect(); polite.disconnect();
  const rude = client("plug", options);
  await rude.connect();
  await rude.publish(own("plug/status"), "here", { qos: 1, retain: true });
  await watcher.until(() => watcher.received.length === 1);
  rude.drop();
  await watcher.until(() => watcher.received.length === 2);
  assert.deepEqual(watcher.received.map((one) => one.text), ["here", "gone"]);
  await watcher.publish(own("watcher/x"), "", { qos: 1 });
  watcher.disconnect();
});

check("who says goodbye while connecting is told so at once", async () => {
  const hasty = client("hasty", { timeout: 60_000 });
  const connecting = hasty.connect();
  hasty.disconnect();
  await assert.rejects(connecting, /closed/);
  assert.equal(hasty.state, "closed");
});

/** A subscribed client, the socket below it, and an empty list for what it sends. */
async function withBreakableLink(name) {
  let socket;
  class Tunnel extends WebSocket { constructor(...given) { super(...given); socket = this; } }
  const walker = client(name, { WebSocket: Tunnel });
  await walker.connect(); await walker.subscribe(own(`${name}/#`), 1);
  return { walker, socket, sent: [] };
}

check("comes back after the link broke, subscribes again, sends what was not acknowledged with DUP", async () => {
  const { walker, socket, sent } = await withBreakableLink("walker");
  walker.onSent = (raw) => sent.push(raw);
  socket.terminate();
  const promise = walker.publish(own("walker/x"), "kept", { qos: 1 });
  await walker.until(() => walker.received.length === 1);
  await promise;
  assert.ok(walker.states.includes("waiting"));
  assert.equal(sent.filter((raw) => raw[0] >> 4 === 3)[0][0] & 8, 8);
  walker.disconnect();
});

check("what the page says when it is back goes once, after the subscriptions", async () => {
  const { walker, socket, sent } = await withBreakableLink("herald");
  walker.onSent = (raw) => sent.push(raw[0]);
  walker.onState = (state) => { if (state === "connected") walker.publish(own("herald/x"), "here", { qos: 1 }); };
  socket.terminate();
  await walker.until(() => walker.received.length === 1);
  await walker.publish(own("herald/y"), "fence", { qos: 1 });
  assert.deepEqual(sent.filter((head) => head >> 4 === 3 || head >> 4 === 8), [0x82, 0x32, 0x32]);
  walker.disconnect();
});

check("a session that is kept delivers what was missed", async () => {
  const sleeper = client("sleeper", { cleanSession: false }), other = client("awake");
  await sleeper.connect(); await sleeper.subscribe(own("awake/#"), 1); sleeper.disconnect();
  await other.connect(); await other.publish(own("awake/news"), "missed", { qos: 1 }); other.disconnect();
  const again = client("sleeper", { cleanSession: false });
  await again.connect();
  assert.equal(again.sessionPresent, true);
  await again.until(() => again.received.length === 1);
  assert.equal(again.received[0].text, "missed");
  again.disconnect();
  const fresh = client("sleeper"); await fresh.connect(); fresh.disconnect();
});

check("nobody there: an error with a reason, and it keeps trying", async () => {
  const lost = new MqttClient("ws://127.0.0.1:9/mqtt", { clientId: "x", WebSocket, backOff: 10 });
  await assert.rejects(lost.connect(), /closed/);
  assert.equal(lost.state, "waiting");
  lost.disconnect();
  assert.equal(lost.state, "closed");
  await assert.rejects(lost.publish("a", "b"), /not connected/);
});

check("a silent broker is noticed", async () => {
  const { WebSocketServer } = require("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "mqtt" });
  await once(server, "listening");
  server.on("connection", (socket) => socket.once("message", () => socket.send(Uint8Array.from([0x20, 2, 0, 0]))));
  const listener = client("listener", { keepAlive: 0.1 });
  const quiet = new MqttClient(`ws://127.0.0.1:${server.address().port}`, { clientId: "q", WebSocket, keepAlive: 0.1, backOff: 10000 });
  const seen = new Promise((resolve) => { quiet.onState = (state, why) => { if (state === "waiting") resolve(why); }; });
  await quiet.connect();
  assert.equal(await seen, "the broker has fallen silent");
  quiet.disconnect(); listener.disconnect();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

check("comes back although every place for unacknowledged messages is taken", async () => {
  const { WebSocketServer } = require("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "mqtt" });
  await once(server, "listening");
  let subscribed = () => {};
  server.on("connection", (socket) => socket.on("message", (data) => {  // a broker that never sends PUBACK
    if (data[0] >> 4 === 1) socket.send(Uint8Array.from([0x20, 2, 0, 0]));
    if (data[0] >> 4 === 8) { socket.send(Uint8Array.from([0x90, 3, data[2], data[3], 1])); subscribed(); }
  }));
  const full = new MqttClient(`ws://127.0.0.1:${server.address().port}`, { clientId: "f", WebSocket, backOff: 10 });
  await full.connect();
  await full.subscribe("a/#", 1);
  for (let i = 0; i <= 200; i++) full.publish("a/b", "x", { qos: 1 }).catch(() => {});
  await assert.rejects(full.publish("a/b", "x", { qos: 1 }), /too many/);
  const again = new Promise((resolve, reject) => { subscribed = resolve; setTimeout(() => reject(new Error("never came back")), 4000); });
  for (const socket of server.clients) socket.terminate();
  await again;
  assert.equal(full.state, "connected");
  full.disconnect();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

let failed = 0;
for (const [name, body] of checks) {
  try { await body(); console.log(`ok      ${name}`); } catch (error) { failed++; console.log(`FAILED  ${name}\n${error.stack}`); }
}
process.exit(failed ? 1 : 0);
