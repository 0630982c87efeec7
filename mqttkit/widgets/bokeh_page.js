// BokehJS in a page: loaded once from the kernel (no CDN), under a private name, so that no other Bokeh is disturbed.

const pages = (globalThis.mqttkitBokeh ??= {});

/** Promise of BokehJS `version`; `ask()` makes the kernel send it. */
export function bokeh(version, ask) {
  const page = (pages[version] ??= newEntry());
  const wanted = () => page.ready || page.loading || ask();
  if (!page.asked) {
    page.asked = true;
    wanted();
  } else {
    setTimeout(wanted, 3000); // another chart has asked; ask again if its kernel died meanwhile
  }
  return page.promise;
}

function newEntry() {
  const entry = { asked: false, loading: false, ready: false };
  entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
  return entry;
}

/** The kernel has sent it: run it as a module of its own. A module, because JupyterLab forbids `new Function`. */
export async function takeLibrary(version, buffer) {
  const entry = (pages[version] ??= newEntry());
  if (entry.loading || entry.ready) return;
  entry.loading = true;
  try {
    const script = await new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();
    const before = "const root = {};\n(function () { var require, define, module, exports;\n";
    const after = "\n}).call(root);\nexport default root.Bokeh;";
    const address = URL.createObjectURL(new Blob([before, script, after], { type: "text/javascript" }));
    const loaded = (await import(address)).default;
    URL.revokeObjectURL(address);
    loaded.set_log_level("error");
    entry.ready = true;
    entry.resolve(loaded);
  } catch (error) {
    delete pages[version]; // the next chart may try again
    entry.reject(error);
  }
}

/** Give everything in the figure that has no colour of its own the colours of the widget around it. */
export function paint(figure, ours, place) {
  const style = getComputedStyle(place);
  const [text, back, line] = ["--mqk-text", "--mqk-back", "--mqk-line"].map((name) => style.getPropertyValue(name).trim());
  const wanted = { background_fill_color: back, border_fill_color: back, outline_line_color: line, grid_line_color: line,
    axis_line_color: text, major_tick_line_color: text, minor_tick_line_color: text, major_label_text_color: text,
    axis_label_text_color: text, label_text_color: text, title_text_color: text, text_color: text };
  for (const model of figure._all_models.values()) {
    const settings = {};
    for (const property of model) {
      const chosen = wanted[property.attr];
      if (!chosen || (property.dirty && !ours.has(property))) continue;
      ours.add(property);
      settings[property.attr] = chosen;
    }
    if (Object.keys(settings).length) model.setv(settings);
  }
}
