// The console of a broker: a line of numbers, and a tab for each thing that it knows.
import { define, element, keepRows, setText } from "./base.js";
import { Table } from "./table.js";
import { Tabs } from "./tabs.js";

class Events {
  constructor() {
    this.messages = element("input", { type: "checkbox", onchange: () => this.draw() });
    this.list = element("ol", { class: "mqk-events" });
    this.scroll = element("div", { class: "mqk-scroll", role: "log", "aria-label": "Events", tabindex: 0 }, this.list);
    this.element = element("div", {}, element("label", { class: "mqk-check" }, this.messages, "show published messages too"), this.scroll);
  }

  show(content) {
    this.content = content;
    this.draw();
  }

  draw() {
    const events = this.messages.checked ? this.content.events : this.content.notable;
    const atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 30;
    keepRows(this.list, events, ([number]) => number,
      () => element("li", {}, element("span", { class: "mqk-dim" }), " ", element("span")),
      (row, [number, , text]) => { setText(row.children[0], String(number)); setText(row.children[1], text); });
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}

class ConsoleView {
  constructor(body) {
    this.where = element("span");
    this.state = element("span");
    this.numbers = element("span", { class: "mqk-dim" });
    this.space = element("div");
    body.append(element("div", { class: "mqk-head" }, this.where, this.state, this.numbers), this.space);
  }

  build(content) {
    this.tables = Object.fromEntries(Object.keys(content.tables).map((name) => [name, new Table(name)]));
    const panels = Object.fromEntries(Object.entries(this.tables).map(([name, table]) => [name, table.element]));
    if (!content.remote) {
      this.events = new Events();
      panels.Events = this.events.element;
    }
    this.tabs = new Tabs(panels, "What the broker knows");
    this.space.replaceChildren(this.tabs.element);
  }

  snapshot(content) {
    if (!this.tabs) this.build(content);
    setText(this.where, `The ${content.where}`);
    setText(this.state, content.running ? "● running" : "○ stopped");
    this.state.className = content.running ? "mqk-good" : "mqk-bad";
    setText(this.numbers, content.remote ? "" : `${content.published} messages published, ${content.rate} per second`);
    for (const [name, table] of Object.entries(content.tables)) {
      this.tables[name].show(table);
      this.tabs.setLabel(name, `${name} (${table.count})`);
    }
    this.events?.show(content);
  }
}

export default define(({ body }) => new ConsoleView(body));
