// The map of the course, with what is done.
import { define, element, keepRows, setText } from "./base.js";

/** Where a notebook opens: beside the page's own address, whatever the server is called. */
function address(path) {
  const here = location.pathname;
  const at = here.search(/\/(notebooks|exercises)\/[^/]*$/);
  return at < 0 ? null : `${here.slice(0, at)}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function makeStep(step) {
  const href = address(step.path);
  const name = href ? element("a", { href, target: "_blank", rel: "noopener" }) : element("span");
  const bar = element("progress", { "aria-label": `Done of ${step.title}` });
  return element("tr", {}, element("td", {}, name), element("td", {}, bar), element("td"));
}

function fillStep(row, step) {
  const [name, bar, words] = [row.children[0].firstChild, row.children[1].firstChild, row.children[2]];
  setText(name, step.title);
  bar.max = Math.max(step.tasks, 1);
  bar.value = step.done;
  bar.hidden = step.tasks === 0;
  const complete = step.tasks > 0 && step.done === step.tasks;
  setText(words, step.tasks === 0 ? "no questions" : complete ? "✓ done" : `${step.done} of ${step.tasks}`);
  words.className = complete ? "mqk-good" : "";
}

function fillPart(section, part) {
  const sum = (name) => part.steps.reduce((all, step) => all + step[name], 0);
  setText(section.querySelector("h4"), `${part.name}: ${sum("done")} of ${sum("tasks")} ${part.name === "Lessons" ? "questions answered" : "checks passed"}`);
  keepRows(section.querySelector("tbody"), part.steps, (step) => step.path, makeStep, fillStep);
}

export default define(({ body, act }) => {
  const parts = element("div");
  const what = "A prediction counts once it is made, a quiz once it is right, a check of an exercise once it has all its points.";
  body.append(element("p", { class: "mqk-hint" }, what), parts, element("div", { class: "mqk-row" }, element("button", { type: "button", onclick: () => act("refresh") }, "Look again")));
  return {
    snapshot(content) {
      keepRows(parts, content.parts.filter((part) => part.steps.length), (part) => part.name,
        (part) => element("section", {}, element("h4"), element("table", { "aria-label": part.name }, element("tbody"))), fillPart);
    },
  };
});
