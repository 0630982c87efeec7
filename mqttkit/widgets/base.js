// What all widgets share: building elements out of text, and the link between a page and the kernel.
// Nothing here or in any widget uses innerHTML: text that came over MQTT can never become HTML.

const SILENCE = 7000; // ms without a word from the kernel: three heartbeats and some patience
const PROBE = 2500; // ms for an answer after the connection changed
const PATIENT = 3; // questions without an answer, one a second, before the way of the answers is doubted

/** Make an element. Strings among `children` become text; `on...` attributes are listeners. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Set a text only where it differs, so that screen readers are not told the same twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** An id that nothing else in the page has. The count is the page's: each widget has a copy of this module of its own. */
export function uniqueId(kind) {
  globalThis.mqttkitIds = (globalThis.mqttkitIds ?? 0) + 1;
  return `mqk-${kind}-${globalThis.mqttkitIds}`;
}

/** A form control with its label above it. Beside, not around: else the options of a list would be part of its name. */
export function labelled(text, control, attributes = {}) {
  control.id ||= uniqueId("control");
  return element("div", { class: "mqk-field", ...attributes }, element("label", { for: control.id }, text), control);
}

/** Keep the rows of `parent` in step with `items`: `make(item)` builds a row, `update(row, item)` fills it. */
export function keepRows(parent, items, key, make, update) {
  const old = new Map([...parent.children].map((row) => [row.dataset.key, row]));
  const rows = items.map((item) => {
    const name = String(key(item));
    const row = old.get(name) ?? make(item);
    row.dataset.key = name;
    update(row, item);
    return row;
  });
  const wanted = new Set(rows);
  for (const row of [...parent.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, i) => { // what is in its place stays untouched: moving it would cost its focus and a new layout
    if (parent.children[i] !== row) parent.insertBefore(row, parent.children[i] ?? null);
  });
}

/** A function that calls `draw` before the next frame, once, however often it is called until then. */
export function oncePerFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}

/** The link of one widget to the kernel: numbers the news, notices gaps and silence. One per page, shared by its views. */
class Link {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.number = null;
    this.heard = performance.now();
    this.asked = 0;
    this.unanswered = 0; // times that it asked before the first answer
    this.alive = true;
    this.common = { error: "", ended: "" };
    this.listeners = {
      "msg:custom": (message, buffers) => this.receive(message, buffers),
      // JupyterLab and Notebook tell at once when a kernel restarts; elsewhere its silence tells.
      "comm_live_update": () => this.probe(),
    };
    for (const [event, listener] of Object.entries(this.listeners)) model.on(event, listener);
    this.timer = setInterval(() => this.listen(), 1000);
  }

  receive(message, buffers) {
    this.heard = performance.now();
    this.setAlive(true);
    if (message.type === "beat") {
      if (message.number !== this.number) this.hello();
    } else if (message.type === "snapshot") {
      this.take(message, buffers);
    } else if (message.type === "update") {
      if (this.number !== null && message.number === this.number + 1) this.take(message, buffers);
      else if (this.number === null || message.number > this.number) this.hello();
    } else {
      for (const view of this.views) view.tell(message, buffers);
    }
  }

  take(message, buffers) {
    this.number = message.number;
    this.asked = 0;
    this.common = { error: message.error, ended: message.ended };
    for (const view of this.views) view.take(message, buffers);
  }

  /** Ask the kernel for everything; not again while the answer is on its way. */
  hello() {
    const now = performance.now();
    if (now - this.asked < 1000) return;
    this.asked = now;
    this.send({ type: "hello" });
  }

  send(message, buffers) {
    try {
      this.model.send(message, undefined, buffers);
    } catch (error) {
      console.warn("mqttkit: the kernel cannot be reached:", error.message);
      this.setAlive(false);
    }
  }

  listen() {
    if (performance.now() - this.heard > SILENCE) this.setAlive(false);
    if (this.number !== null || !this.views.size) return;
    if (this.unanswered++ === PATIENT) hearAgain(this.model);
    this.hello();
  }

  /** Something happened to the connection: give the kernel a short time to show that it is there. */
  probe() {
    const before = this.heard;
    this.hello();
    setTimeout(() => this.heard === before && this.setAlive(false), PROBE);
  }

  setAlive(alive) {
    if (alive === this.alive) return;
    this.alive = alive;
    for (const view of this.views) view.showState();
  }

  close() {
    clearInterval(this.timer);
    for (const [event, listener] of Object.entries(this.listeners)) this.model.off(event, listener);
  }
}

/**
 * Take messages where they arrive. anywidget drops all of them, for ever, where a module took more than two seconds to load, as on
 * a slow or busy computer: it waits for a promise that it rejected then. Its own base class handles them without that promise.
 */
function hearAgain(model) {
  let real; // anywidget shows a part of the model only; an event carries the whole
  const seen = (whole) => (real = whole);
  model.on("change:_heard", seen);
  model.set("_heard", performance.now());
  model.off("change:_heard", seen);
  const impatient = owner(real, "_handle_comm_msg");
  const patient = impatient && owner(Object.getPrototypeOf(impatient), "_handle_comm_msg");
  if (patient) real.comm?.on_msg?.((message) => patient._handle_comm_msg.call(real, message));
}

/** The object in the chain of prototypes, from `object` on, that has a property of its own with this name. */
function owner(object, name) {
  while (object && !Object.hasOwn(object, name)) object = Object.getPrototypeOf(object);
  return object;
}

const STOPPED = "Stopped. The kernel was restarted or has ended; what you see is the last state. Run the cell again to go on.";

/** The frame around every widget: keeps keys to itself, shows errors, and says when the kernel has gone. */
class Frame {
  constructor(el, link, title) {
    this.link = link;
    this.note = element("p", { class: "mqk-note", role: "status" });
    this.words = element("span");
    this.alert = element("p", { class: "mqk-error", role: "alert", hidden: true }, this.words, " ",
      element("button", { type: "button", "aria-label": "Dismiss the error", onclick: () => this.dismiss() }, "OK"));
    this.body = element("fieldset", { class: "mqk-body", "aria-label": title });
    this.root = element("div", { class: `mqk mqk-${title.toLowerCase().replaceAll(" ", "-")}` }, this.note, this.body, this.alert);
    this.root.addEventListener("keydown", keepKeys);
    if (!document.querySelector(".jp-LabShell")) this.root.addEventListener("focusin", lookAway);
    el.append(this.root);
  }

  show() {
    const { error, ended } = this.link.common;
    const said = this.link.alive ? ended : STOPPED;
    setText(this.note, said);
    this.note.hidden = !said;
    this.body.disabled = Boolean(said) || this.link.number === null; // nothing to press before there is something to see
    this.root.dataset.state = said ? "stopped" : "live";
    if (this.words.textContent !== error) this.words.textContent = error;
    this.alert.hidden = !error;
  }

  dismiss() {
    this.alert.hidden = true;
    this.link.send({ type: "dismiss" });
  }
}

/**
 * Notebook 7 hears keys before the widget does, and looks for the element that has the focus: this mark on it tells it to look
 * away. JupyterLab does not need it, and without it Ctrl-S still saves there.
 */
function lookAway(event) {
  event.target.dataset.lmSuppressShortcuts = "true";
}

/** Typing in a widget must not reach the notebook, where "dd" deletes the cell. Escape and saving may pass. */
function keepKeys(event) {
  const saves = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
  const goesOn = event.key === "Enter" && event.shiftKey && event.currentTarget.dataset.goOn;
  if (event.key !== "Escape" && !saves && !goesOn) event.stopPropagation();
}

/**
 * Define a widget. `build({ body, act, send, model })` fills `body` and returns
 * `{ snapshot(content, buffers), update(content, buffers), message(message, buffers), close() }`; all but the first optional.
 * It may have an `errorPlace`, the element below which errors appear; else they do at the end of the widget.
 * With `goOn` true, Shift+Enter reaches the notebook, which then goes on to the next cell.
 * `act("publish", {...})` calls the method of that name in the kernel.
 */
export function define(build) {
  return () => {
    let link;
    const connect = (model) => (link ??= new Link(model));
    return {
      initialize({ model }) {
        connect(model);
        return () => link.close();
      },
      render({ model, el }) {
        return openView(connect(model), model, el, build);
      },
    };
  };
}

function openView(link, model, el, build) {
  const frame = new Frame(el, link, model.get("_title"));
  const act = (action, values = {}) => link.send({ type: "do", action, values });
  const send = (message, buffers) => link.send(message, buffers);
  const parts = build({ body: frame.body, root: frame.root, act, send, model });
  const view = {
    begun: false,
    showState: () => frame.show(),
    tell: (message, buffers) => parts.message?.(message, buffers),
    take(message, buffers = []) {
      if (message.type === "snapshot") parts.snapshot(message.content, buffers);
      else if (view.begun && Object.keys(message.content).length) parts.update(message.content, buffers);
      view.begun ||= message.type === "snapshot"; // news for an older view may come before a new one has its snapshot
      frame.show();
    },
  };
  if (parts.goOn) frame.root.dataset.goOn = "true";
  parts.errorPlace?.after(frame.alert); // beside what was pressed, where the widget is taller than a look
  link.views.add(view);
  frame.show();
  link.asked = 0;
  link.hello();
  return () => {
    link.views.delete(view);
    parts.close?.();
  };
}
