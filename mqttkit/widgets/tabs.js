// Tabs as the ARIA practices describe them: one stop for the Tab key, arrows move between the tabs.
import { element, setText, uniqueId } from "./base.js";

export class Tabs {
  /** `panels`: { name: element }. */
  constructor(panels, label) {
    const id = uniqueId("tabs");
    this.names = Object.keys(panels);
    this.panels = Object.values(panels);
    this.tabs = this.names.map((name, i) => element("button", { type: "button", role: "tab", id: `${id}-${i}`,
      "aria-controls": `${id}-panel-${i}`, onclick: () => this.show(i) }, name));
    this.panels.forEach((panel, i) => {
      panel.id = `${id}-panel-${i}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `${id}-${i}`);
      panel.tabIndex = 0;
    });
    this.list = element("div", { role: "tablist", class: "mqk-tabs", "aria-label": label, onkeydown: (event) => this.onKey(event) }, ...this.tabs);
    this.element = element("div", {}, this.list, ...this.panels);
    this.show(0);
  }

  show(chosen) {
    this.chosen = chosen;
    this.tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === chosen));
      tab.tabIndex = i === chosen ? 0 : -1;
      this.panels[i].hidden = i !== chosen;
    });
  }

  setLabel(name, text) {
    setText(this.tabs[this.names.indexOf(name)], text);
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -this.chosen, End: this.tabs.length - 1 - this.chosen }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.show((this.chosen + step + this.tabs.length) % this.tabs.length);
    this.tabs[this.chosen].focus();
  }
}
