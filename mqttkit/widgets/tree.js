// The topic tree. Only the rows in sight exist in the page, so that thousands of topics stay usable.
import { define, element, labelled, setText, uniqueId } from "./base.js";
import { TopicModel } from "./tree_model.js";

const ROW = 24; // height of a row in pixels, as in tree.css
const SEEN = 14; // rows in sight

class TreeView {
  constructor(body, act) {
    this.act = act;
    this.id = uniqueId("tree");
    this.model = new TopicModel();
    this.active = null;
    this.rowOf = new Map();
    this.build(body);
    this.tree.addEventListener("keydown", (event) => this.onKey(event));
    this.tree.addEventListener("click", (event) => this.onClick(event));
    this.tree.addEventListener("scroll", () => this.draw());
    this.tree.addEventListener("focus", () => this.draw());
  }

  build(body) {
    this.place = element("span");
    this.state = element("span", { role: "status" });
    this.numbers = element("span", { class: "mqk-dim" });
    this.filter = element("input", { type: "text", placeholder: "home/+/temperature", spellcheck: "false", autocomplete: "off",
      oninput: () => this.onFilter() });
    this.only = element("input", { type: "checkbox", onchange: () => this.onFilter() });
    this.found = element("p", { class: "mqk-hint", role: "status" });
    const tools = element("div", { class: "mqk-row" },
      labelled("Highlight what a topic filter matches", this.filter, { class: "mqk-field mqk-grow" }),
      element("label", { class: "mqk-check" }, this.only, "only what matches"),
      element("button", { type: "button", onclick: () => this.openAll(true) }, "Open all"),
      element("button", { type: "button", onclick: () => this.openAll(false) }, "Close all"),
      element("button", { type: "button", onclick: () => this.act("forget") }, "Clear"));
    this.space = element("div", { class: "mqk-space", role: "presentation" });
    this.tree = element("div", { class: "mqk-tree", role: "tree", "aria-label": "Topics", tabindex: 0 }, this.space);
    this.empty = element("p", { class: "mqk-hint" }, "No message yet. Topics appear here as soon as somebody publishes.");
    this.historyTitle = element("h4");
    this.history = element("tbody");
    this.details = element("div", { class: "mqk-history", hidden: true }, this.historyTitle,
      element("div", { class: "mqk-scroll", tabindex: 0, role: "region", "aria-label": "History" },
        element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "time"), element("th", { scope: "col" }, "value"))), this.history)));
    body.append(element("div", { class: "mqk-head" }, this.place, this.state, this.numbers), tools, this.found, this.empty, this.tree, this.details);
  }

  snapshot(content) {
    const open = new Map([...this.model.nodes].map(([path, node]) => [path, node.open]));
    this.model.clear();
    this.model.put(content.topics);
    for (const [path, isOpen] of open) {
      const node = this.model.nodes.get(path);
      if (node) node.open = isOpen;
    }
    this.model.stale = true;
    this.showHead(content);
    this.draw();
  }

  update(content) {
    this.model.put(content.topics);
    this.showHead(content);
    this.draw();
  }

  showHead(content) {
    const { messages, dropped, connected, selected, history } = content;
    setText(this.place, `${content.filter === "#" ? "Everything (#)" : `What matches ${content.filter}`} at the ${content.where}`);
    setText(this.state, connected ? "● connected" : "○ not connected");
    this.state.className = connected ? "mqk-good" : "mqk-bad";
    setText(this.numbers, `${this.model.count} topics, ${messages} messages${dropped ? `, ${dropped} left out (too many topics)` : ""}`);
    this.empty.hidden = this.model.count > 0;
    this.tree.hidden = this.model.count === 0;
    this.details.hidden = !selected;
    setText(this.historyTitle, `History of ${selected}`);
    this.history.replaceChildren(...history.map(([time, value]) =>
      element("tr", {}, element("td", {}, time), element("td", {}, element("code", {}, value)))));
    this.showFound();
  }

  showFound() {
    const { filter, problem, hits, count } = this.model;
    setText(this.found, !filter ? "" : problem || `${hits} of ${count} topics match ${filter}`);
    this.filter.setAttribute("aria-invalid", String(Boolean(problem)));
  }

  onFilter() {
    this.model.setFilter(this.filter.value.trim(), this.only.checked);
    this.showFound();
    this.draw();
    this.goToHit();
  }

  /** Bring the first match into sight, unless one is there already. */
  goToHit() {
    const rows = this.model.rows();
    const top = Math.floor(this.tree.scrollTop / ROW);
    if (rows.slice(top, top + SEEN).some(isMarked)) return;
    const first = rows.find(isMarked);
    if (first) this.tree.scrollTop = first.index * ROW;
  }

  openAll(open) {
    this.model.openAll(open);
    this.draw();
  }

  /** Put the rows in sight into the page, reusing the elements that are there. */
  draw() {
    const rows = this.model.rows();
    this.tree.style.height = `${Math.min(rows.length, SEEN) * ROW + 2}px`; // and its border
    this.space.style.height = `${rows.length * ROW}px`;
    const first = Math.max(0, Math.floor(this.tree.scrollTop / ROW) - 2);
    const seen = rows.slice(first, first + SEEN + 4);
    const wanted = new Map(seen.map((node) => [node.path, this.rowOf.get(node.path) ?? this.makeRow()]));
    for (const [path, row] of this.rowOf) if (!wanted.has(path)) row.remove();
    this.rowOf = wanted;
    for (const node of seen) this.fill(wanted.get(node.path), node);
    this.mark();
  }

  makeRow() {
    const row = element("div", { class: "mqk-topic", role: "treeitem" }, element("span", { class: "mqk-twist", "aria-hidden": "true" }),
      element("span", { class: "mqk-name" }), element("code"), element("span", { class: "mqk-count" }), element("span", { class: "mqk-tag" }, "RETAIN"));
    this.space.append(row);
    return row;
  }

  fill(row, node) {
    const [twist, name, value, count, retained] = row.children;
    const [text, number, , kept] = node.topic ?? ["", 0, 0, false];
    row.id = `${this.id}-${node.index}`;
    row.dataset.path = node.path;
    row.style.top = `${node.index * ROW}px`;
    row.style.paddingLeft = `${4 + node.depth * 16}px`;
    row.classList.toggle("mqk-hit", node.hit);
    row.classList.toggle("mqk-holds", !node.hit && isMarked(node));
    setAria(row, node);
    setText(twist, node.children.size ? (node.open ? "▾" : "▸") : "");
    setText(name, node.name || "(empty level)");
    setText(value, text);
    const below = isClosed(node) ? `${node.topics} topic${node.topics === 1 ? "" : "s"}${node.found ? `, ${node.found} match` : ""}` : "";
    setText(count, [node.topic && `×${number}`, below].filter(Boolean).join(" · "));
    retained.hidden = !kept;
  }

  mark() {
    const node = this.model.nodes.get(this.active);
    const row = node && this.rowOf.get(node.path);
    for (const other of this.rowOf.values()) other.classList.toggle("mqk-active", other === row);
    if (row) this.tree.setAttribute("aria-activedescendant", row.id);
    else this.tree.removeAttribute("aria-activedescendant");
  }

  goTo(node) {
    if (!node) return;
    this.active = node.path;
    const top = node.index * ROW;
    const { scrollTop, clientHeight } = this.tree;
    if (top < scrollTop) this.tree.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.tree.scrollTop = top + ROW - clientHeight;
    this.draw();
  }

  onClick(event) {
    const row = event.target.closest(".mqk-topic");
    const node = row && this.model.nodes.get(row.dataset.path);
    if (!node) return;
    if (event.target.classList.contains("mqk-twist") || !node.topic) this.model.toggle(node);
    if (node.topic) this.act("select", { topic: node.path });
    this.goTo(this.model.rows()[node.index] === node ? node : null);
    this.draw();
  }

  onKey(event) {
    const rows = this.model.rows();
    const node = this.model.nodes.get(this.active) ?? null;
    const at = node && rows[node.index] === node ? node.index : -1;
    const moves = {
      ArrowDown: () => this.goTo(rows[Math.min(at + 1, rows.length - 1)]),
      ArrowUp: () => this.goTo(rows[Math.max(at - 1, 0)]),
      Home: () => this.goTo(rows[0]),
      End: () => this.goTo(rows.at(-1)),
      PageDown: () => this.goTo(rows[Math.min(at + SEEN, rows.length - 1)]),
      PageUp: () => this.goTo(rows[Math.max(at - SEEN, 0)]),
      ArrowRight: () => this.onRight(node),
      ArrowLeft: () => this.onLeft(node),
      Enter: () => this.choose(node),
      " ": () => this.choose(node),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  /** Show the history of a topic; open or close a branch that is no topic itself. */
  choose(node) {
    if (node?.topic) this.act("select", { topic: node.path });
    else if (node) this.model.toggle(node);
    this.draw();
  }

  onRight(node) {
    if (!node?.children.size) return;
    if (node.open) this.goTo(this.model.rows()[node.index + 1]);
    else this.model.toggle(node, true);
    this.draw();
  }

  onLeft(node) {
    if (!node) return;
    if (node.open && node.children.size) this.model.toggle(node, false);
    else if (node.parent.depth >= 0) this.goTo(node.parent);
    this.draw();
  }
}

const isClosed = (node) => node.children.size > 0 && !node.open;

/** What matches, and a closed branch in which something does. */
const isMarked = (node) => node.hit || (isClosed(node) && node.found > 0);

function setAria(row, node) {
  row.setAttribute("aria-level", node.depth + 1);
  row.setAttribute("aria-setsize", node.siblings);
  row.setAttribute("aria-posinset", node.place);
  if (node.children.size) row.setAttribute("aria-expanded", String(node.open));
  else row.removeAttribute("aria-expanded");
}

export default define(({ body, act }) => new TreeView(body, act));
