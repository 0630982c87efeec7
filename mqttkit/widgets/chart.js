// A Bokeh chart that grows: the kernel sends the figure once, then only what is new.
import { define, element, keepRows, setText } from "./base.js";
import { bokeh, paint, takeLibrary } from "./bokeh_page.js";

/**
 * 64-bit floats out of what the kernel sent: a view in JupyterLab, elsewhere the bytes themselves. A copy, since streaming
 * changes arrays and two views must not share one.
 */
function floats(part) {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(part) ? part : new DataView(part);
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

class ChartView {
  constructor(body, send, model) {
    this.send = send;
    this.version = model.get("_version");
    this.work = Promise.resolve();
    this.ours = new Set();
    this.head = element("div", { class: "mqk-dim" });
    this.note = element("p", { class: "mqk-hint", role: "status" }, "The chart is loading …");
    this.host = element("div", { class: "mqk-plot" });
    this.rows = element("tbody");
    this.bad = element("p", { class: "mqk-hint mqk-bad" });
    this.none = element("p", { class: "mqk-hint", hidden: true }, "No reading yet. The lines begin with the first number that is published.");
    const columns = ["line", "last value", "readings", "state"].map((text) => element("th", { scope: "col" }, text));
    const table = element("table", { "aria-label": "Last values" }, element("thead", {}, element("tr", {}, ...columns)), this.rows);
    const help = "Drag to move. The buttons beside the chart zoom (a box, or the wheel) and go back. Untick a line to hide it.";
    body.append(this.head, this.note, this.none, this.host, table, this.bad, element("p", { class: "mqk-hint" }, help));
    this.watcher = new MutationObserver(() => this.theme());
    const attributeFilter = ["data-jp-theme-light", "data-jp-theme-name", "class", "theme"];
    for (const node of [document.body, document.documentElement]) this.watcher.observe(node, { attributes: true, attributeFilter });
  }

  /** Snapshots and updates are worked on one after the other, also while BokehJS is still loading. */
  inOrder(step) {
    this.work = this.work.then(() => (this.closed ? null : step())).catch((error) => {
      console.error(error);
      setText(this.note, `The chart cannot be drawn: ${error.message}`);
      this.note.hidden = false;
    });
  }

  snapshot(content, buffers) {
    this.show(content);
    this.inOrder(() => this.replace(content, buffers));
  }

  update(content, buffers) {
    this.show(content);
    this.inOrder(() => this.extend(content, buffers));
  }

  message(message, buffers) {
    if (message.type === "library") takeLibrary(message.version, buffers[0]);
  }

  async replace(content, buffers) {
    if (!this.figure) await this.embed(content.figure);
    this.sources().forEach((source, i) => {
      if (source) source.data = { x: floats(buffers[2 * i]), y: floats(buffers[2 * i + 1]) };
    });
  }

  extend(content, buffers) {
    this.sources().forEach((source, i) => {
      const x = floats(buffers[2 * i]);
      if (source && x.length) source.stream({ x, y: floats(buffers[2 * i + 1]) }, content.keep);
    });
  }

  sources() {
    return this.names.map((_, i) => this.figure.get_model_by_name(`mqttkit-${i}`));
  }

  async embed(item) {
    this.bokeh = await bokeh(this.version, () => this.send({ type: "library" }));
    if (this.closed) return;
    const copy = structuredClone(item);
    copy.target_id = null;
    this.views = await this.bokeh.embed.embed_item(copy, this.host);
    this.figure = this.bokeh.documents.find((document) => document.views_manager === this.views);
    this.note.hidden = true;
    this.theme();
  }

  theme() {
    if (this.figure) paint(this.figure, this.ours, this.host);
  }

  show(content) {
    this.names = content.status.map((one) => one.name);
    setText(this.head, `From the ${content.where}${content.connected ? "" : " · not connected"}`);
    keepRows(this.rows, content.status, (one) => one.name, (one) => this.makeSeries(one), showSeries);
    this.none.hidden = content.status.some((one) => one.total > 0);
    setText(this.bad, content.unreadable ? `${content.unreadable} messages could not be read. The last: ${content.reason}` : "");
    this.host.setAttribute("aria-label", `Chart of ${this.names.join(", ")}; the last values are in the table below`);
    this.host.setAttribute("role", "group");
  }

  /** A row of the table: it is the legend, too, and hides its line. */
  makeSeries({ name, look: [colour, dash] }) {
    const box = element("input", { type: "checkbox", "aria-label": `Show ${name}`, onchange: () => this.showLine(name, box.checked) });
    box.checked = true;
    const label = element("label", { class: "mqk-series" }, box, sample(colour, dash), element("span", {}, name));
    return element("tr", {}, element("td", {}, label), ...[1, 2, 3].map(() => element("td")));
  }

  showLine(name, visible) {
    if (!this.figure) return;
    const source = this.sources()[this.names.indexOf(name)];
    for (const model of this.figure._all_models.values()) if (model.data_source === source) model.visible = visible;
  }

  close() {
    this.closed = true;
    this.watcher.disconnect();
    if (!this.figure) return;
    for (const view of this.views.roots) {
      view.remove();
      this.bokeh.index.delete(view);
    }
    const all = this.bokeh.documents;
    if (all.includes(this.figure)) all.splice(all.indexOf(this.figure), 1);
    this.figure.clear();
  }
}

/** How a line looks: a short piece of it. */
function sample(colour, dash) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const settings = { d: "M0 6H30", stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash.join(" ") };
  for (const [name, value] of Object.entries({ width: 30, height: 12, "aria-hidden": "true" })) picture.setAttribute(name, value);
  for (const [name, value] of Object.entries(settings)) line.setAttribute(name, value);
  picture.append(line);
  return picture;
}

function showSeries(row, one) {
  const [, value, total, state] = row.children;
  setText(value, one.value === null ? "" : `${Number(one.value.toPrecision(6))} ${one.unit}`);
  setText(total, String(one.total));
  setText(state, [one.alarm && `${one.alarm.startsWith("below") ? "▼" : "▲"} ${one.alarm}`, one.silent && "○ silent", !one.alarm && !one.silent && one.total > 0 && "ok"].filter(Boolean).join(", "));
  state.className = one.alarm ? "mqk-bad" : one.silent ? "mqk-silent" : "mqk-good";
}

export default define(({ body, send, model }) => new ChartView(body, send, model));
