// A chat room: lines, people, and a field whose text stays until it was really sent.
import { define, element, keepRows, labelled, setText } from "./base.js";
import { ChatLog } from "./chat_log.js";

const KEPT = 200; // as in chat.py

class ChatView {
  constructor(body, act) {
    this.act = act;
    this.token = 0;
    this.pending = "";
    this.title = element("span");
    this.state = element("span", { role: "status" });
    this.log = new ChatLog();
    this.people = element("ul", { class: "mqk-people", "aria-label": "People" });
    this.peopleTitle = element("h4");
    body.append(element("div", { class: "mqk-head" }, this.title, this.state),
      element("div", { class: "mqk-chat" }, this.log.element, element("div", { class: "mqk-aside" }, this.peopleTitle, this.people)),
      this.makeLine(), this.makeRoom());
  }

  makeLine() {
    this.input = element("input", { type: "text", autocomplete: "off", maxlength: 2000, placeholder: "Write a message, Enter sends it" });
    this.button = element("button", { type: "button", class: "mqk-main", onclick: () => this.say() }, "Send");
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) this.say(); // Enter also ends the input of Japanese or Chinese text
    });
    return element("div", { class: "mqk-row" }, labelled("Message", this.input, { class: "mqk-field mqk-grow" }), this.button);
  }

  makeRoom() {
    const room = element("input", { type: "text", maxlength: 32 });
    const name = element("input", { type: "text", maxlength: 40 });
    const enter = () => room.value.trim() && this.act("enter", { room: room.value.trim() });
    const rename = () => name.value.trim() && this.act("rename", { name: name.value.trim() });
    room.addEventListener("keydown", (event) => event.key === "Enter" && enter());
    name.addEventListener("keydown", (event) => event.key === "Enter" && rename());
    return element("details", {}, element("summary", {}, "Another room, another name"), element("div", { class: "mqk-row" },
      labelled("Room", room), element("button", { type: "button", onclick: enter }, "Enter"),
      labelled("Your name", name), element("button", { type: "button", onclick: rename }, "Rename")));
  }

  /** Send the line; a second Enter does not send it again while it is under way. */
  say() {
    const text = this.input.value;
    if (!text.trim() || (this.token && text === this.pending)) return;
    this.token = Date.now();
    this.pending = text;
    this.act("say", { text, token: this.token });
    setText(this.button, "Sending …");
  }

  snapshot(content) {
    this.log.replace(content.lines);
    this.show(content);
  }

  update(content) {
    this.log.add(content.fresh, KEPT);
    this.show(content);
  }

  show(content) {
    setText(this.title, `Room ${content.room}, you are ${content.name}`);
    setText(this.state, content.connected ? (content.writable ? "● connected" : "● connected, read only") : "○ not connected");
    this.state.className = content.connected ? "mqk-good" : "mqk-bad";
    this.button.disabled = !content.connected || !content.writable;
    if (this.token && content.heard === this.token) this.wasHeard(content.sent === this.token);
    // without a connection nobody knows who is there
    setText(this.peopleTitle, content.connected ? `Online: ${content.online}` : "Not connected");
    keepRows(this.people, content.connected ? content.people : [], (person) => person.id, () => element("li"), showPerson);
  }

  /** What was sent leaves the field, unless somebody typed on meanwhile; what could not be sent stays. */
  wasHeard(sent) {
    if (sent && this.input.value === this.pending) this.input.value = "";
    if (sent) this.log.goToEnd(); // to see it, and what was answered
    this.token = 0;
    setText(this.button, "Send");
  }
}

function showPerson(item, person) {
  setText(item, `${person.online ? "●" : "○"} ${person.name}${person.me ? " (you)" : ""}${person.online ? "" : ", left"}`);
  item.className = person.online ? "mqk-online" : "";
}

export default define(({ body, act }) => new ChatView(body, act));
