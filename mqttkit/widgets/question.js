// A question: options to choose from, or a line to type; with the verdict below it.
import { labelAnswer } from "./answer.js";
import { define, element, setText, uniqueId } from "./base.js";

/** One radio button per option; arrow keys move between them, a press on "Answer" gives the answer. */
function choices(options, group) {
  return options.map((option) => {
    const radio = element("input", { type: "radio", name: group, value: option });
    return element("label", { class: "mqk-option" }, radio, element("span", {}, option));
  });
}

class QuestionView {
  constructor(body, act) {
    this.act = act;
    this.goOn = true;
    this.missing = ""; // what the page itself has to say; the kernel's next words do not wipe it away
    this.group = uniqueId("question");
    this.label = element("span", { class: "mqk-tag" });
    this.question = element("p", { class: "mqk-question", id: this.group });
    this.answers = element("div", { class: "mqk-options", role: "radiogroup", "aria-labelledby": this.group });
    this.line = element("input", { type: "text", hidden: true, maxlength: 200, autocomplete: "off", "aria-labelledby": this.group });
    this.button = element("button", { type: "button", class: "mqk-main", onclick: () => this.answer() }, "Answer");
    this.verdict = element("p", { class: "mqk-verdict", role: "status" });
    for (const part of [this.line, this.answers]) part.addEventListener("input", () => this.changed());
    for (const part of [this.line, this.answers]) {
      part.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && this.answer());
    }
    body.append(this.label, this.question, this.answers, this.line, element("div", { class: "mqk-row" }, this.button), this.verdict);
  }

  get chosen() {
    return this.typed ? this.line.value.trim() : this.answers.querySelector("input:checked")?.value;
  }

  changed() {
    this.missing = "";
    this.showButton();
    this.showVerdict();
  }

  showButton() {
    labelAnswer(this.button, this.given !== null, this.chosen === this.given);
  }

  answer() {
    const given = this.chosen;
    this.missing = given ? "" : this.typed ? "Type an answer first." : "Choose an answer first.";
    this.showVerdict();
    if (!given) return;
    this.act("answer", { given });
    this.button.focus(); // in a field, Shift+Enter would not reach the notebook
  }

  showVerdict() {
    setText(this.verdict, this.missing || this.said);
    this.verdict.className = `mqk-verdict ${this.missing || this.right === null ? "" : this.right ? "mqk-good" : "mqk-bad"}`;
  }

  snapshot({ label, question, options, given, right, verdict, measured }) {
    setText(this.label, label);
    setText(this.question, question);
    this.typed = options.length === 0;
    this.line.hidden = !this.typed;
    this.answers.hidden = this.typed;
    if (this.answers.childElementCount !== options.length) this.answers.replaceChildren(...choices(options, this.group));
    this.mark(given, right, measured);
    this.showButton();
    Object.assign(this, { said: verdict, right });
    this.showVerdict();
  }

  mark(given, right, measured) {
    if (this.typed && given !== null && !this.line.matches(":focus")) this.line.value = given;
    for (const radio of this.answers.querySelectorAll("input")) {
      const chosen = radio.value === given;
      if (given !== this.given) radio.checked = chosen;
      radio.parentElement.dataset.right = chosen && right !== null ? String(right) : radio.value === measured ? "measured" : "";
    }
    this.given = given;
  }
}

export default define(({ body, act }) => new QuestionView(body, act));
