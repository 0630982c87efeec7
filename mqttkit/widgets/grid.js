// Which filter matches which topic? A table of check boxes; after the run, of what was measured.
import { labelAnswer } from "./answer.js";
import { define, element, setText } from "./base.js";

const has = (pairs, row, column) => (pairs ?? []).some(([a, b]) => a === row && b === column);

class GridView {
  constructor(body, act) {
    this.act = act;
    this.goOn = true;
    this.label = element("span", { class: "mqk-tag" });
    this.question = element("p", { class: "mqk-question" });
    this.table = element("table", { class: "mqk-grid", onchange: () => this.showButton() });
    this.button = element("button", { type: "button", class: "mqk-main", onclick: () => this.answer() }, "Answer");
    this.verdict = element("p", { class: "mqk-verdict", role: "status" });
    this.reasons = element("ul", { class: "mqk-reasons" });
    body.append(this.label, this.question, element("div", { class: "mqk-scroll", tabindex: 0, role: "region", "aria-label": "Grid" }, this.table), this.button,
      this.verdict, this.reasons);
  }

  get pairs() {
    return [...this.table.querySelectorAll("input:checked")].map((box) => [box.dataset.row, box.dataset.column]);
  }

  answer() {
    this.act("answer", { pairs: this.pairs });
  }

  showButton() {
    const { given } = this.content;
    const pairs = this.pairs;
    const same = given !== null && given.length === pairs.length && pairs.every(([row, column]) => has(given, row, column));
    labelAnswer(this.button, given !== null, same);
  }

  snapshot(content) {
    this.content = content;
    this.button.hidden = Boolean(content.final);
    setText(this.label, content.final ? "Measured" : "Before you run it");
    setText(this.question, content.final ? "Which messages arrived?" : "Tick every pair where the topic filter matches the topic name.");
    const fresh = JSON.stringify([content.filters, content.topics, content.given, content.measured]);
    if (fresh !== this.drawn) this.draw(content);
    this.drawn = fresh;
    this.showButton();
    setText(this.verdict, content.verdict);
    this.reasons.replaceChildren(...(content.reasons ?? []).map((reason) => element("li", {}, reason)));
  }

  draw({ filters, topics }) {
    const head = element("tr", {}, element("th", { scope: "col" }, "filter"),
      ...topics.map((topic) => element("th", { scope: "col" }, element("code", {}, topic))));
    const rows = filters.map((row) => element("tr", {}, element("th", { scope: "row" }, element("code", {}, row)),
      ...topics.map((column) => this.cell(row, column))));
    this.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }

  cell(row, column) {
    return this.content.final ? this.measuredCell(row, column) : this.openCell(row, column);
  }

  openCell(row, column) {
    const box = element("input", { type: "checkbox", "aria-label": `${row} matches ${column}` });
    box.checked = has(this.content.given, row, column);
    box.dataset.row = row;
    box.dataset.column = column;
    return element("td", {}, box);
  }

  measuredCell(row, column) {
    const { given, measured } = this.content;
    const matches = measured[row].includes(column);
    const wrong = given !== null && has(given, row, column) !== matches;
    return element("td", { "data-right": wrong ? "false" : "true" }, (matches ? "yes" : "no") + (wrong ? " ✗ you said " + (matches ? "no" : "yes") : ""));
  }
}

export default define(({ body, act }) => new GridView(body, act));
