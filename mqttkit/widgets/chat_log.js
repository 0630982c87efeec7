// The lines of a chat room: new ones come into sight at the end, and move nothing for somebody who reads further up.
import { element, keepRows, oncePerFrame, setText } from "./base.js";

const MOST = 1000; // lines on the page while somebody reads further up; later ones wait
const FEW = 40; // lines drawn in a flood: more than are in sight, and nobody reads those above
const CALM = 300; // ms after the flood until those are drawn, too

export class ChatLog {
  constructor() {
    this.lines = [];
    this.shown = [];
    this.seen = 0; // number of the last line that came into sight
    this.flood = null; // the timer that ends it
    this.draw = oncePerFrame(() => this.drawLines());
    this.list = element("ol");
    this.box = element("div", { class: "mqk-log", role: "log", "aria-label": "Messages", tabindex: 0 }, this.list);
    this.box.addEventListener("scroll", () => this.waiting && this.atEnd && this.draw());
    this.more = element("button", { type: "button", class: "mqk-more", hidden: true, onclick: () => this.leaveButton() });
    this.element = element("div", { class: "mqk-lines" }, this.box, this.more);
  }

  get last() {
    return this.lines.at(-1)?.number ?? 0;
  }

  get waiting() {
    return this.last > this.seen;
  }

  get atEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
  }

  /** These are all lines there are; whatever else is shown was taken away. */
  replace(lines) {
    this.lines = this.shown = lines;
    this.draw();
  }

  /** These lines follow. */
  add(fresh, kept) {
    this.lines = this.lines.concat(fresh).slice(-kept);
    if (fresh.length > FEW) this.beginFlood();
    this.draw();
  }

  beginFlood() {
    clearTimeout(this.flood);
    this.flood = setTimeout(() => {
      this.flood = null;
      this.draw();
    }, CALM);
  }

  drawLines() {
    const follow = this.follow || this.atEnd;
    const few = this.flood && follow && !this.follow;
    this.follow = false;
    this.shown = follow ? this.lines : this.withNewer();
    const place = this.place();
    keepRows(this.list, few ? this.shown.slice(-FEW) : this.shown, (line) => line.number, makeLine, () => {});
    if (follow) {
      this.box.scrollTop = this.box.scrollHeight;
      this.seen = this.last;
    } else place.keep();
    const count = this.last - this.seen;
    setText(this.more, `↓ ${count} new line${count === 1 ? "" : "s"}`);
    this.more.hidden = !this.waiting;
  }

  /** Where the first line is: lines may come above it. */
  place() {
    const first = this.list.firstElementChild;
    const before = first?.getBoundingClientRect().top;
    return { keep: () => first?.isConnected && (this.box.scrollTop += first.getBoundingClientRect().top - before) };
  }

  /** What is shown, and what has come since, while there is room for it. */
  withNewer() {
    const last = this.shown.at(-1)?.number ?? 0;
    const more = this.shown.concat(this.lines.filter((line) => line.number > last));
    return more.length > MOST ? this.shown : more;
  }

  goToEnd() {
    this.follow = true;
    this.draw();
  }

  /** The button is about to vanish: its focus goes to the lines. */
  leaveButton() {
    this.box.focus();
    this.goToEnd();
  }
}

function makeLine(line) {
  const time = element("time", {}, line.time);
  const who = line.kind === "system" ? [] : [element("b", { dir: "auto" }, line.kind === "own" ? `${line.name} (you)` : line.name)];
  return element("li", { class: `mqk-${line.kind}` }, time, ...who, element("span", { class: "mqk-said", dir: "auto" }, line.text));
}
