// The console of a broker: a line of numbers, and a tab for each thing that it knows.
import { define, element, keepRows, setText } from "./base.js";
import { Table } from "./table.js";
import { Tabs } from "./tabs.js";

/** What happened, newest first: in a flood the page shows the end of it without being scrolled. */
class Events {
  constructor() {
    this.messages = element("input", { type: "checkbox", onchange: () => this.draw() });
    this.rows = element("tbody");
    const head = ["second", "event", "client id", "details"].map((text) => element("th", { scope: "col" }, text));
    const table = element("table", { class: "mqk-events", "aria-label": "Events" }, element("thead", {}, element("tr", {}, ...head)), this.rows);
    this.element = element("div", {}, element("label", { class: "mqk-check" }, this.messages, "show published messages too"),
      element("div", { class: "mqk-scroll" }, table));
  }

  show(content) {
    this.content = content;
    this.draw();
  }

  draw() {
    const events = this.messages.checked ? this.content.events : this.content.notable;
    keepRows(this.rows, [...events].reverse(), ([number]) => number,
      ([, ...cells]) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))), () => {});
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
    const [up, down] = content.remote ? ["● connected", "○ not connected"] : ["● running", "○ stopped"];
    setText(this.state, !content.running ? down : content.silent ? "○ does not answer" : up);
    this.state.className = content.running && !content.silent ? "mqk-good" : "mqk-bad";
    setText(this.numbers, content.remote ? (Object.values(content.tables).at(-1).count ? "" : "It has published nothing below $SYS: not every broker does.") : `${content.published} messages published, ${content.rate} per second`);
    for (const [name, table] of Object.entries(content.tables)) {
      this.tables[name].show(table);
      this.tabs.setLabel(name, `${name} (${table.count})`);
    }
    this.events?.show(content);
  }
}

export default define(({ body }) => new ConsoleView(body));
