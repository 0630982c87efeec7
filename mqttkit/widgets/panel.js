// A client with buttons, and the paho code of what was clicked.
import { define, element, keepRows, labelled, setText } from "./base.js";

const KEPT = 200;
const PROTOCOLS = [["4", "MQTT 3.1.1"], ["5", "MQTT 5"]];

const input = (type, attributes = {}) => element("input", { type, autocomplete: "off", spellcheck: "false", ...attributes });
const select = (options) => element("select", {}, ...options.map(([value, text]) => element("option", { value }, text)));
const qosSelect = () => select([["0", "0"], ["1", "1"], ["2", "2"]]);
const check = (text, box) => element("label", { class: "mqk-check" }, box, text);
const button = (text, onclick, main = false) => element("button", { type: "button", class: main ? "mqk-main" : "", onclick }, text);
const row = (...children) => element("div", { class: "mqk-row" }, ...children);

/** Press `button` when Enter is pressed in one of `fields`. */
function submitWith(pressed, ...fields) {
  for (const field of fields) field.addEventListener("keydown", (event) => event.key === "Enter" && pressed.click());
}

/** The form with the settings; `values` reads it, `fill` writes it. */
class SettingsForm {
  constructor() {
    const number = { min: 0, max: 65535 };
    this.url = input("text");
    this.fields = {
      client_id: input("text"), username: input("text"), password: input("password", { autocomplete: "new-password" }),
      tls: input("checkbox"), ca_file: input("text", { placeholder: "what this computer trusts" }), clean_session: input("checkbox"), keep_alive: input("number", number), protocol: select(PROTOCOLS),
      will_topic: input("text"), will_payload: input("text"), will_qos: qosSelect(), will_retain: input("checkbox"),
    };
    const f = this.fields;
    const short = { class: "mqk-field mqk-short" };
    const will = element("details", {}, element("summary", {}, "Will message"),
      row(labelled("Will topic", f.will_topic, { class: "mqk-field mqk-grow" }), labelled("Will payload", f.will_payload, { class: "mqk-field mqk-grow" }),
        labelled("Will QoS", f.will_qos), check("Will RETAIN", f.will_retain)));
    this.authority = labelled("CA file", f.ca_file, { class: "mqk-field mqk-grow" });
    this.element = element("details", { open: true }, element("summary", {}, "Settings"),
      row(labelled("Broker", this.url, { class: "mqk-field mqk-grow" }), labelled("Client id", f.client_id), labelled("Version", f.protocol)),
      row(labelled("User", f.username, short), labelled("Password", f.password, short), labelled("Keep alive (s)", f.keep_alive),
        check("Clean session", f.clean_session), check("TLS", f.tls), this.authority), will);
    this.url.addEventListener("input", () => this.url.value.trim().match(/^(mqtts|wss):/) && this.showTls(true));
    f.tls.addEventListener("change", () => this.showTls(f.tls.checked));
  }

  fill(url, settings) {
    this.url.value = url;
    for (const [name, field] of Object.entries(this.fields)) {
      if (field.type === "checkbox") field.checked = settings[name];
      else field.value = settings[name];
    }
    this.showTls(settings.tls);
  }

  /** A CA file is asked for only where there is TLS. */
  showTls(tls) {
    this.fields.tls.checked = tls;
    this.authority.hidden = !tls;
  }

  values() {
    const settings = Object.fromEntries(Object.entries(this.fields)
      .map(([name, field]) => [name, field.type === "checkbox" ? field.checked : field.value]));
    return { url: this.url.value, ...settings };
  }

  disable(disabled) {
    for (const field of [this.url, ...Object.values(this.fields)]) field.disabled = disabled;
  }
}

/** The messages, newest first. */
class MessageTable {
  constructor(act) {
    this.list = [];
    this.format = select([["text", "text"], ["json", "JSON"], ["hex", "hex"]]);
    this.format.addEventListener("change", () => this.draw());
    this.title = element("h4");
    this.rows = element("tbody");
    const head = ["time", "topic", "QoS", "flags", "payload"].map((text) => element("th", { scope: "col" }, text));
    this.table = element("table", { class: "mqk-messages", "aria-label": "Messages" }, element("thead", {}, element("tr", {}, ...head)), this.rows);
    this.none = element("p", { class: "mqk-hint" }, "No message yet. Subscribe to a topic first; what is then published to it appears here.");
    this.element = element("section", { "aria-label": "Received messages" },
      row(this.title, labelled("Payload as", this.format), button("Clear", () => act("clear"))), this.none,
      element("div", { class: "mqk-scroll", role: "region", "aria-label": "Message list", tabindex: 0 }, this.table));
  }

  add(messages) {
    this.list = this.list.concat(messages).slice(-KEPT);
  }

  draw(received = this.received) {
    this.received = received;
    setText(this.title, `Messages: ${received}${received > this.list.length ? `, the last ${this.list.length} shown` : ""}`);
    this.none.hidden = this.list.length > 0;
    this.table.hidden = this.list.length === 0;
    keepRows(this.rows, [...this.list].reverse(), (message) => message.number, makeMessage, (tr, message) => this.fill(tr, message));
  }

  fill(tr, message) {
    const shown = message[this.format.value] ?? message.text;
    setText(tr.lastChild.firstChild, shown);
    tr.lastChild.firstChild.className = this.format.value === "json" && message.json ? "mqk-pre" : "";
  }
}

function makeMessage(message) {
  const flags = [message.retain && "RETAIN", message.dup && "DUP"].filter(Boolean);
  const tags = flags.map((flag) => element("span", { class: "mqk-tag" }, flag));
  return element("tr", {}, element("td", {}, message.time), element("td", {}, element("code", {}, message.topic)),
    element("td", {}, String(message.qos)), element("td", {}, ...tags), element("td", {}, element("code")));
}

class PanelView {
  constructor(body, act) {
    this.act = act;
    this.form = new SettingsForm();
    this.messages = new MessageTable(act);
    this.said = element("p", { class: "mqk-said", role: "status" });
    this.errorPlace = this.said;
    this.connect = button("Connect", () => act("connect", this.form.values()), true);
    this.disconnect = button("Disconnect", () => act("disconnect"));
    this.kill = button("Pull the plug", () => act("kill"));
    this.code = element("pre", { tabindex: 0, role: "region", "aria-label": "The same in paho" });
    this.copy = button("Copy", () => this.copyCode());
    body.append(this.form.element, row(this.connect, this.disconnect, this.kill), this.said, this.makeSubscribe(), this.makePublish(),
      this.messages.element, element("details", {}, element("summary", {}, "The same in paho"), this.code, row(this.copy)));
    submitWith(this.connect, this.form.url, ...Object.values(this.form.fields));
  }

  makeSubscribe() {
    const topic = input("text", { placeholder: "topic_1 or home/+/temperature" });
    const qos = qosSelect();
    const press = button("Subscribe", () => this.act("subscribe", { topic_filter: topic.value, qos: qos.value }));
    submitWith(press, topic, qos);
    this.subscriptions = element("ul", { class: "mqk-subs", "aria-label": "Subscriptions" });
    this.subscribing = element("section", { "aria-label": "Subscribe" },
      row(labelled("Topic filter", topic, { class: "mqk-field mqk-grow" }), labelled("QoS wanted", qos), press), this.subscriptions);
    return this.subscribing;
  }

  makePublish() {
    const topic = input("text", { placeholder: "topic_1" });
    const payload = input("text");
    const qos = qosSelect();
    const retain = input("checkbox");
    const press = button("Publish", () => this.act("publish", { topic: topic.value, payload: payload.value, qos: qos.value, retain: retain.checked }));
    submitWith(press, topic, payload, qos);
    this.publishing = element("section", { "aria-label": "Publish" },
      row(labelled("Topic", topic, { class: "mqk-field mqk-grow" }), labelled("Payload", payload, { class: "mqk-field mqk-grow" }),
        labelled("QoS", qos), check("RETAIN", retain), press));
    return this.publishing;
  }

  snapshot(content) {
    this.messages.list = content.messages;
    this.show(content);
  }

  update(content) {
    this.messages.add(content.fresh);
    this.show(content);
  }

  show(content) {
    const { connected } = content;
    const settings = JSON.stringify([content.url, content.settings]);
    if (settings !== this.shown) this.form.fill(content.url, content.settings); // else: what somebody types stays
    this.shown = settings;
    this.form.fields.password.placeholder = content.password_kept ? "kept, not shown" : "";
    this.form.disable(connected);
    if (connected !== this.connected) this.form.element.open = !connected;
    this.connected = connected;
    this.connect.disabled = connected;
    for (const part of [this.disconnect, this.kill]) part.disabled = !connected;
    for (const control of [this.subscribing, this.publishing].flatMap((part) => [...part.querySelectorAll("button")])) control.disabled = !connected;
    setText(this.said, content.said);
    this.said.className = `mqk-said ${connected ? "mqk-good" : ""}`;
    keepRows(this.subscriptions, content.subscriptions, ([filter]) => filter, (pair) => this.makeSubscription(pair),
      (item, [filter, granted]) => setText(item.firstChild, `${filter}: granted QoS ${granted}`));
    setText(this.code, content.code);
    this.messages.draw(content.received);
  }

  makeSubscription([filter]) {
    const press = button("Unsubscribe", () => this.act("unsubscribe", { topic_filter: filter }));
    press.setAttribute("aria-label", `Unsubscribe from ${filter}`);
    return element("li", {}, element("code"), " ", press);
  }

  async copyCode() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      setText(this.copy, "Copied");
    } catch {
      getSelection().selectAllChildren(this.code); // no clipboard here: it is at least selected
    }
  }
}

export default define(({ body, act }) => new PanelView(body, act));
