// The live packet ladder. The kernel draws; here is what a hand or a keyboard does with it.
import { define, element, labelled, setText } from "./base.js";

/** Markup of the kernel as nodes. It is parsed apart from the page, so that nothing in it can run. */
function nodesOf(markup, type) {
  const parsed = new DOMParser().parseFromString(markup, type);
  const roots = type === "text/html" ? [...parsed.head.children, ...parsed.body.childNodes] : [parsed.documentElement];
  for (const script of parsed.querySelectorAll("script")) script.remove();
  return roots.map((node) => document.importNode(node, true));
}

const SMALLEST = 0.8; // of its size, in a narrow cell
const HEADS = 40; // height of the names of the lanes in the picture

function fill(select, names, chosen) {
  const wanted = names.map(([value]) => value).join("\n");
  if (select.dataset.names !== wanted) {
    select.replaceChildren(...names.map(([value, text]) => element("option", { value }, text)));
    select.dataset.names = wanted;
  }
  select.value = chosen;
}

class LadderView {
  constructor(body, act) {
    this.act = act;
    this.entry = 0;
    this.pause = element("button", { type: "button", onclick: () => act("pause") }, "Pause");
    this.kind = element("select", { onchange: () => this.choose() });
    this.client = element("select", { onchange: () => this.choose() });
    this.count = element("span", { class: "mqk-dim", role: "status" });
    this.view = element("div", { class: "mqk-ladder-view mk-ladder", tabindex: 0, role: "group", "aria-label": "Packets" });
    this.words = element("div", { class: "mqk-ladder-anatomy", role: "region", "aria-label": "The packet byte by byte", hidden: true });
    this.view.addEventListener("click", (event) => this.explain(event.target.closest("[data-entry]")));
    this.view.addEventListener("keydown", (event) => this.key(event));
    body.append(
      element("div", { class: "mqk-ladder-head" }, this.pause, labelled("Show", this.kind), labelled("Client", this.client), this.count),
      this.view, this.words);
  }

  choose() {
    this.act("choose", { kind: this.kind.value, client: this.client.value });
  }

  explain(row) {
    if (!row) return;
    const entry = Number(row.dataset.entry);
    this.entry = entry === this.entry ? 0 : entry;
    this.act("explain", { entry: this.entry });
  }

  key(event) {
    const row = event.target.closest("[data-entry]");
    if (!row) return;
    const rows = [...this.view.querySelectorAll("[data-entry]")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) rows[rows.indexOf(row) + step]?.focus();
    else if (event.key === "Enter" || event.key === " ") this.explain(row);
    else return;
    event.preventDefault();
  }

  snapshot(content) {
    setText(this.pause, content.paused ? "Go on" : "Pause");
    this.pause.setAttribute("aria-pressed", content.paused);
    fill(this.kind, content.kinds.map((name) => [name, name]), content.kind);
    fill(this.client, [["", "all"], ...content.clients.map((name) => [name, name])], content.client);
    setText(this.count, `${content.count} packets${content.dropped ? `, ${content.dropped} more fell off` : ""}`);
    this.draw(content);
    if (this.anatomy !== content.anatomy) {
      this.anatomy = content.anatomy;
      this.words.replaceChildren(...nodesOf(content.anatomy, "text/html"));
      this.words.hidden = !content.anatomy;
    }
  }

  draw(content) {
    if (this.svg === content.svg) return this.mark();
    this.svg = content.svg;
    const atEnd = this.view.scrollHeight - this.view.scrollTop - this.view.clientHeight < 40;
    const focused = this.view.querySelector("[data-entry]:focus")?.dataset.entry;
    this.view.replaceChildren(...(content.svg ? nodesOf(content.svg, "image/svg+xml") : ["No packets yet."]));
    this.keepHeads(this.view.querySelector("svg"));
    for (const row of this.view.querySelectorAll("[data-entry]")) {
      row.setAttribute("tabindex", "0");
      row.setAttribute("role", "button");
      row.setAttribute("aria-label", content.rows[row.dataset.entry]);
    }
    this.mark();
    if (focused) this.view.querySelector(`[data-entry="${focused}"]`)?.focus();
    else if (atEnd) this.view.scrollTop = this.view.scrollHeight;
  }

  /** The names of the lanes stay in sight while the packets scroll below them. */
  keepHeads(picture) {
    if (!picture) return;
    picture.setAttribute("role", "group");
    const width = picture.getAttribute("width");
    picture.style.minWidth = `${SMALLEST * width}px`; // smaller nobody can read it: rather scroll sideways
    const heads = picture.cloneNode(false);
    heads.setAttribute("viewBox", `0 0 ${width} ${HEADS}`);
    heads.removeAttribute("height");
    heads.removeAttribute("aria-label");
    heads.append(...[...picture.children].filter((part) => ["rect", "text"].includes(part.localName)).map((part) => part.cloneNode(true)));
    this.view.prepend(element("div", { class: "mqk-ladder-lanes", "aria-hidden": "true" }, heads));
  }

  mark() {
    for (const row of this.view.querySelectorAll("[data-entry]")) {
      row.setAttribute("aria-pressed", Number(row.dataset.entry) === this.entry);
    }
  }
}

export default define(({ body, act }) => {
  const view = new LadderView(body, act);
  return { snapshot: (content) => view.snapshot(content) };
});
