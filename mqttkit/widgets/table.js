// A table of texts that is kept up to date in place.
import { element, keepRows, setText } from "./base.js";

export class Table {
  constructor(label) {
    this.head = element("tr");
    this.rows = element("tbody");
    this.more = element("p", { class: "mqk-hint" });
    const table = element("table", { "aria-label": label }, element("thead", {}, this.head), this.rows);
    this.element = element("div", { class: "mqk-scroll" }, table, this.more);
  }

  show({ columns, rows, count }) {
    if (this.head.childElementCount !== columns.length) {
      this.head.replaceChildren(...columns.map((column) => element("th", { scope: "col" }, column)));
    }
    keepRows(this.rows, rows.map((cells, i) => ({ cells, i })), (row) => row.i,
      (row) => element("tr", {}, ...row.cells.map(() => element("td"))),
      (tr, row) => row.cells.forEach((cell, i) => setText(tr.children[i], cell)));
    setText(this.more, rows.length === 0 ? "None." : count > rows.length ? `… and ${count - rows.length} more` : "");
  }
}
