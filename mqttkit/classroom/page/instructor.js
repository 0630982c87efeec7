// The instructor's page: for the projector, and to moderate.

import { MqttClient, bytes, text } from "./mqtt.js";
import { RoomView, decode, encodeLine, encodePresence, messageTopic, presenceTopic, newClientId } from "./room.js";
import { $, make, memoryIn, socketUrl, addLine, showPeople, showPacket } from "./shared.js";

const room = document.body.dataset.room, NAME = "Instructor", MAX_TOPICS = 300;
const me = newClientId("instructor");
const topics = new Map();
let view = new RoomView(room, me), client, muted = new Set(), packets = null, chosen = "publish", treeTimer = 0, lineNumber = 0;

const raw = (hexadecimal) => Uint8Array.from(hexadecimal.match(/../g) || [], (two) => parseInt(two, 16));

// The key is typed, never part of an address. This tab remembers it, so that the page may be reloaded.
const tab = memoryIn("sessionStorage", "mqttkit:");
if (tab.get("key")) enter(tab.get("key")); else $("door").hidden = false;

$("enter").addEventListener("submit", (event) => { event.preventDefault(); enter($("key").value.trim()); });

async function enter(key) {
  client = new MqttClient(socketUrl(), { clientId: me, username: "instructor", password: key,
    will: { topic: presenceTopic(room, me), payload: new Uint8Array(0), qos: 1, retain: true } });
  client.onMessage = received;
  client.onState = showState;
  try {
    await client.connect();
    for (const filter of [`chat/${room}/#`, "people/#", "class/#"]) await client.subscribe(filter, 1);
  } catch (error) {
    client.disconnect();
    $("door").hidden = false;
    const wrong = error.message.startsWith("not allowed");
    $("problem").textContent = wrong ? "This is not the key. It stands in the terminal, below the address of this page." : `Not opened: ${error.message}.`;
    return;
  }
  tab.set("key", key);
  $("door").hidden = true;
  $("desk").hidden = false;
  await Promise.all([announce(), invite(key), command({ do: "follow", who: "" }), command({ do: "recall" })]);
}

/** Show how to join. Behind a proxy the address is another one than the server knows. */
async function invite(key) {
  const from = new URL("invitation", location.href), page = new URL("./", location.href);
  page.search = from.search = location.search;
  if (location.pathname !== "/instructor") from.searchParams.set("at", page.href);
  const answer = await fetch(from, { headers: { "X-Instructor-Key": key } }).catch(() => null);
  if (!answer?.ok) { $("address").textContent = "See the terminal for the address and the password."; return; }
  const { link, password, qr } = await answer.json();
  $("qr").src = qr;
  const [scheme, rest] = link.split("//");
  $("address").replaceChildren(`${scheme}//`, make("wbr"), rest);  // a line may break there, not inside the port
  $("class-password").textContent = password || "(none)";
}

const announce = () => client.publish(presenceTopic(room, me), encodePresence(NAME, true), { qos: 1, retain: true });
const command = (content) => client.publish("class/command", JSON.stringify(content), { qos: 1 }).catch((error) => addLine($("log"), { text: error.message, className: "system" }));

function received(topic, payload, flags) {
  if (topic === "class/rates") { showRates(JSON.parse(text(payload))); return; }
  if (topic === "class/lines") { recalled(JSON.parse(text(payload))); return; }
  if (topic === "class/packets") { packets = JSON.parse(text(payload)); showLadder(); return; }
  note(topic, payload, flags);
  const item = view.feed(topic, payload);
  if (!item) return;
  if (item.kind === "message") line(item);
  else if (item.kind === "presence") showPeopleNow();
  else if (item.kind === "room") { if (item.wiped) $("log").replaceChildren(); showRoomState(item); }
  else if (item.who === me) addLine($("log"), { text: item.text, className: "system" });
}

/** Show those of the last lines that are new here; one without an id is known by what it says. */
function recalled(lines) {
  const known = new Set(view.lines.filter((item) => !item.id).map((item) => `${item.who}/${item.text}`));
  for (const [where, what] of lines) {
    const item = decode(room, where, bytes(what));
    if (item && (item.id || !known.has(`${item.who}/${item.text}`)) && view.feed(where, bytes(what))) line(item);
  }
}

function line(item) {
  addLine($("log"), { name: item.name, text: item.text, className: item.who === me ? "own" : "", title: `client id ${item.who}: click to follow`, onClick: () => follow(item.who, item.name) });
}

function follow(who, name) {
  command({ do: "follow", who });
  $("followed").textContent = who ? name : "the latest line";
  $("follow-all").hidden = !who;
}
$("follow-all").addEventListener("click", () => follow("", ""));

function showPeopleNow() {
  $("count").textContent = view.online.length;
  showPeople($("people"), view.online, me, (person) => (person.who === me ? [] : [
    act(muted.has(person.who) ? "unmute" : "mute", person), act("remove", person)]));
}

function act(what, person) {
  const button = make("button", { type: "button", className: "quiet small", text: what, "aria-label": `${what} ${person.name}` });
  button.addEventListener("click", () => command({ do: what, who: person.who }));
  return button;
}

function showRoomState({ read_only, ended, recorded }) {
  const said = [ended && "The class has ended.", read_only && "Read only: nobody but you may write.", recorded && "This room is recorded."].filter(Boolean);
  $("banner").textContent = said.join(" ");
  $("banner").hidden = said.length === 0;
  $("read-only").setAttribute("aria-pressed", String(read_only));
  $("text").disabled = $("read-only").disabled = $("end").disabled = ended;
}

function showRates(rates) {
  $("rates").textContent = `${rates.connections} connection${rates.connections === 1 ? "" : "s"} · ${rates.lines} line${rates.lines === 1 ? "" : "s"} · ${rates.in} packets/s in · ${rates.out} packets/s out · ${rates.refused} refused`;
  const now = new Set(rates.muted);
  if (now.size !== muted.size || rates.muted.some((who) => !muted.has(who))) { muted = now; showPeopleNow(); }
}

// --- the packets of one line ---------------------------------------------------------------------------------------------

function showLadder() {
  const name = (who) => view.people.get(who)?.name || who;
  const others = packets.delivered - packets.receivers.length;
  const receivers = packets.receivers.map(name).join(", ") + (others > 0 ? ` and ${others} more` : "");
  const steps = [["publish", `${name(packets.sender)} → broker`, "PUBLISH"], ["puback", `broker → ${name(packets.sender)}`, "PUBACK"],
    ["delivery", `broker → ${receivers}`, `PUBLISH × ${packets.delivered}`]];
  $("ladder").replaceChildren(...steps.filter(([key]) => packets[key]).map(([key, who, what]) => {
    const button = make("button", { type: "button", className: "step", "aria-pressed": String(key === chosen) },
      make("b", { text: what }), " ", make("span", { text: who }), " ", make("small", { text: `${packets[key].length / 2} bytes` }));
    button.addEventListener("click", () => { chosen = key; showLadder(); });
    return make("li", {}, button);
  }), make("li", { className: "hint", text: `${packets.acknowledged} of ${packets.delivered} receivers answered with PUBACK; the last copy left after ${packets.ms} ms` }));
  showPacket($("sent"), raw(packets[chosen] || packets.publish));
}

// --- the topic tree ------------------------------------------------------------------------------------------------------

function note(topic, payload, { retain }) {
  if (topic.includes("/notice/")) return;  // is for one person, not for the projector
  if (payload.length === 0) topics.delete(topic);
  else if (topics.has(topic) || topics.size < MAX_TOPICS) {
    const known = topics.get(topic);
    topics.set(topic, { last: text(payload.subarray(0, 80)), count: (known?.count || 0) + 1, retain: retain || topic.includes("/presence/") || topic.endsWith("/room") });
  }
  treeTimer ||= setTimeout(() => { treeTimer = 0; showTree(); }, 250);
}

function showTree() {
  let before = [];
  $("tree").replaceChildren(...[...topics.keys()].sort().map((topic) => {
    const levels = topic.split("/"), { last, count, retain } = topics.get(topic);
    let same = 0;
    while (same < levels.length - 1 && levels[same] === before[same]) same++;
    before = levels;
    return make("li", { title: topic }, make("span", { className: "same", text: levels.slice(0, same).map((level) => `${level}/`).join("") }),
      make("b", { text: levels.slice(same).join("/") }), " ", make("small", { text: `${retain ? "retained · " : ""}${count} ×` }), make("code", { text: last }));
  }));
}

// --- controls --------------------------------------------------------------------------------------------------------------

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = $("text").value.trim();
  if (!said) return;
  $("text").value = "";
  client.publish(messageTopic(room, me), encodeLine(NAME, said, `${Date.now().toString(36)}-${++lineNumber}`), { qos: 1 })
    .catch((error) => addLine($("log"), { text: `Not sent: ${error.message}.`, className: "system" }));
});
$("read-only").addEventListener("click", () => command({ do: "read_only", on: $("read-only").getAttribute("aria-pressed") !== "true" }));
$("clear").addEventListener("click", () => command({ do: "clear" }));
$("end").addEventListener("click", () => {
  if ($("end").textContent === "End the class") { $("end").textContent = "Really end it?"; setTimeout(() => { $("end").textContent = "End the class"; }, 4000); } else command({ do: "end" });
});
$("enlarge").addEventListener("click", () => {
  const large = document.body.classList.toggle("join-large");
  $("enlarge").setAttribute("aria-pressed", String(large));
});
$("hide-join").addEventListener("click", () => {
  const hidden = document.body.classList.toggle("join-hidden");
  $("hide-join").setAttribute("aria-pressed", String(hidden));
  $("hide-join").textContent = hidden ? "Show code and password" : "Hide code and password";
});

function showState(state, why) {
  $("state").textContent = { connecting: "connecting …", connected: "connected", waiting: "no connection, trying again …", closed: `not connected ${why}` }[state];
  document.body.dataset.state = state;
  if (state === "connected" && !$("desk").hidden) { announce().catch(() => {}); command({ do: "recall" }); }
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) client?.wake(); });
