// The page that a phone or laptop opens to join the room.

import { MqttClient } from "./mqtt.js";
import { explain } from "./anatomy.js";
import { RoomView, uniqueName, cleanName, newClientId, newSecret, encodeLine, encodePresence, messageTopic, presenceTopic, roomFilters } from "./room.js";
import { $, make, memoryIn, socketUrl, addLine, keepAtEnd, showPeople, showPacket } from "./shared.js";

const roomName = document.body.dataset.room;
const memory = memoryIn("localStorage", `mqttkit:${roomName}:`);
// This tab alone: after a reload, also one that a phone does to save memory, the page goes on where it was.
const tab = memoryIn("sessionStorage", `mqttkit:${roomName}:`);
const otherTabs = globalThis.BroadcastChannel ? new BroadcastChannel(`mqttkit:${roomName}`) : { postMessage() {} };  // Safari: from 15.4
let client, view, me = { name: "", id: "", secret: "" }, password = "", lineNumber = 0, ready = false, appearing = false, answered = () => {};
const sent = [], refusedNames = [], unsent = new Map(Object.entries(tab.get("unsent") || {}));
let chosen = null;

// The join link carries the password behind "#", which never leaves the browser; it does not stay in the address bar.
if (location.hash.startsWith("#p=")) {
  try { $("password").value = decodeURIComponent(location.hash.slice(3)); } catch { /* the link was cut short: type it */ }
  history.replaceState(null, "", location.pathname + location.search);
}
keepAtEnd($("log"));
$("name").value = memory.get("me")?.name || "";

$("enter").addEventListener("submit", (event) => { event.preventDefault(); tryToEnter(); });

async function tryToEnter() {
  const button = $("enter").querySelector("button");
  button.disabled = true;
  $("problem").textContent = "";
  try { await enter(cleanName($("name").value), $("password").value.trim()); } catch (error) { refuse(error.message); }
  button.disabled = false;
}

function refuse(why) {
  client?.disconnect();
  tab.set("inside", false);
  $("problem").textContent = `You could not join: ${why}.`;
  $("password").focus();
}

/** Come in under a name nobody else has. The will carries the name, so another name takes a new CONNECT. */
async function enter(name, pass) {
  const before = memory.get("me");
  me = before?.id && before?.secret && before.name === name ? before : { name, id: newClientId(name), secret: newSecret() };
  password = pass;
  view = new RoomView(roomName, me.id, memory.get("cleared"));
  client = new MqttClient(socketUrl(), { clientId: me.id, cleanSession: false, keepAlive: 30, username: me.secret, password, will: will() });
  client.onMessage = received;
  client.onState = showState;
  client.onSent = (raw) => remember(raw);
  otherTabs.postMessage(me.id);
  await client.connect();
  await Promise.all(roomFilters(roomName, me.id).map((filter) => client.subscribe(filter, 1)));  // one round trip, not four
  await announce(false);  // when it comes back, everybody who is here has been seen
  await appear();
  ready = true;
  memory.set("me", me);
  tab.set("password", password);
  tab.set("inside", true);
  openRoom();
  for (const [id, said] of unsent) send(said, id);
}

/** Be present under a name that is free; the class does not take one that somebody has, or had before a nap. */
async function appear() {
  const wanted = me.name;
  appearing = true;
  try {
    for (let tries = 0; tries < 6; tries++) {
      const free = uniqueName(wanted, [...view.othersNames, ...refusedNames]);
      if (free !== me.name) await rename(free, wanted);
      const told = await announce(true);
      if (view.people.get(me.id)?.online) return;
      if (told) refusedNames.push(me.name);  // a class that is slow to answer has refused nothing
    }
  } finally { appearing = false; }
  throw new Error("the class does not take your name; try another one");
}

/** Publish my presence, and wait until it comes back (false), or a word from the class why it does not (true). */
async function announce(online) {
  const answer = new Promise((resolve) => { answered = resolve; });
  const patience = setTimeout(() => answered(false), 10_000);
  await client.publish(presenceTopic(roomName, me.id), encodePresence(me.name, online), { qos: 1, retain: true });
  const told = await answer;
  clearTimeout(patience);
  return told;
}

async function rename(free, wanted) {
  me.name = free;
  client.disconnect();
  await client.connect({ will: will() });
  system(`Somebody here is called ${wanted} already, so you are ${free}.`);
}

const will = () => ({ topic: presenceTopic(roomName, me.id), payload: encodePresence(me.name, false), qos: 1, retain: true });

function openRoom() {
  $("door").hidden = true;
  $("room").hidden = false;
  $("text").focus();
  showAll();
}

function received(topic, payload, { retain }) {
  const before = view.people.get(topic.split("/")[3])?.online;
  const item = view.feed(topic, payload);
  if (topic === presenceTopic(roomName, me.id) && !retain) answered(false);
  if (!item) return;
  if (item.kind === "message") line(item);
  else if (item.kind === "notice") { system(item.text); answered(true); }
  else if (item.kind === "room") {
    if (item.wiped) $("log").replaceChildren();
    memory.set("cleared", item.cleared);  // beside the session that the broker keeps: what it holds back is not wiped
    showRoomState(item);
  }
  else presence(item, before);
}

function line(item) {
  const own = item.who === me.id;
  if (own) settled(item.id);
  addLine($("log"), { name: own ? "You" : item.name, text: item.text, className: own ? "own" : "", title: `client id ${item.who}` });
}

function system(said) { addLine($("log"), { text: said, className: "system" }); }

function presence(item, wasOnline = false) {
  if (ready && item.who !== me.id && wasOnline !== item.online) system(item.gone ? `${item.name} has left.` : item.online ? `${item.name} is here.` : `${item.name} is away.`);
  showPeopleNow();
}

function showPeopleNow() {
  $("count").textContent = view.online.length;
  showPeople($("people"), view.online, me.id);
}

function showAll() { showPeopleNow(); showRoomState(view.state); }

function showRoomState({ read_only, ended, recorded }) {
  const said = [ended && "The class has ended.", read_only && !ended && "Only the instructor may write now.", recorded && "This room is recorded."].filter(Boolean);
  $("banner").textContent = said.join(" ");
  $("banner").hidden = said.length === 0;
  $("text").disabled = $("send").disabled = ended || read_only;
  $("text").placeholder = $("text").disabled ? said[0] : "Write to the room";
}

const SAID = { connecting: "connecting …", connected: "connected", waiting: "no connection, trying again …", closed: "not connected" };
function showState(state, why) {
  const said = why.startsWith("not allowed") ? "the class does not let you in" : why;
  $("state").textContent = SAID[state] + (state === "closed" && said && ready ? `: ${said}` : "");
  document.body.dataset.state = state;
  $("unplug").textContent = state === "closed" ? "Plug in again" : "Pull the plug";
  if (state === "connected" && ready) {
    if (client.sessionPresent && !appearing) system("Back again. What was written meanwhile follows.");
    if (!appearing) appear().then(() => memory.set("me", me), (error) => system(`Nobody sees you: ${error.message}.`));
  }
}

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = $("text").value.trim();
  if (!said) return;
  $("text").value = "";
  send(said, `${Date.now().toString(36)}-${++lineNumber}`);
});

/** Send a line. Until the broker has it, it is kept, also over a reload; receivers know a second copy by its id. */
function send(said, id) {
  unsent.set(id, said);
  keepUnsent();
  setTimeout(() => { if (unsent.has(id)) showWaiting(id, said); }, client.state === "connected" ? 1000 : 0);
  client.publish(messageTopic(roomName, me.id), encodeLine(me.name, said, id), { qos: 1 }).then(() => settled(id), (error) => {
    settled(id);
    system(`Not sent: ${error.message}.${$("text").value ? ` You wrote: ${said}` : ""}`);
    $("text").value ||= said;
  });
}

function settled(id) {
  unsent.delete(id);
  keepUnsent();
  document.getElementById(`waiting-${id}`)?.remove();
}

function keepUnsent() { tab.set("unsent", Object.fromEntries(unsent)); }

function showWaiting(id, said) {
  if (document.getElementById(`waiting-${id}`)) return;
  addLine($("log"), { name: "Not sent yet", text: said, className: "own waiting" });
  $("log").lastElementChild.id = `waiting-${id}`;
}

$("unplug").addEventListener("click", () => {
  if (client.state !== "closed") { client.drop(); return; }
  otherTabs.postMessage(me.id);
  client.connect().catch((error) => system(`Not connected: ${error.message}.`));
});

// A second tab would take the connection over [3.1.4], this one would take it back, and so on for ever.
otherTabs.onmessage = ({ data }) => {
  if (data !== me.id || !ready) return;
  client.drop();
  system("You opened this room in another tab. Here the plug is pulled.");
};

$("leave").addEventListener("click", async () => {
  ready = false;
  tab.set("inside", false);
  if (client.state === "connected") await Promise.race([announce(false), new Promise((late) => setTimeout(late, 2000))]).catch(() => {});
  client.disconnect();  // without a connection the will has told them
  $("room").hidden = true;
  $("door").hidden = false;
  $("name").focus();
});

// A phone that wakes up, or changes its network, tries at once.
document.addEventListener("visibilitychange", () => { if (!document.hidden) client?.wake(); });
document.addEventListener("resume", () => client?.wake());
for (const change of ["online", "offline", "pageshow"]) addEventListener(change, () => client?.wake());

const ROUTINE = ["PUBACK", "PINGREQ"];

/** Keep the last packets and show the newest one; acknowledgements and pings are kept, but do not push the others away. */
function remember(raw) {
  const type = explain(raw).type, routine = ROUTINE.includes(type);
  sent.unshift({ raw, type });
  const extra = sent.filter((one) => ROUTINE.includes(one.type))[3] || sent[16];
  if (extra) sent.splice(sent.indexOf(extra), 1);
  if (!routine || !chosen) chosen = sent[0];
  showSent();
}

function showSent() {
  $("sent-list").replaceChildren(...sent.map((one) => {
    const button = make("button", { type: "button", className: "chip", text: `${one.type} ${one.raw.length}`, "aria-pressed": String(one === chosen) });
    button.addEventListener("click", () => { chosen = one; showSent(); });
    return button;
  }));
  showPacket($("sent"), chosen.raw);
}

// Last, when everything above is there: a page that was reloaded goes on.
if (tab.get("inside")) { $("password").value ||= tab.get("password"); tryToEnter(); }
