// What was measured, and how the prediction compares.
import { define, element, setText } from "./base.js";

export default define(({ body }) => {
  const measured = element("strong");
  const verdict = element("p", { class: "mqk-verdict", role: "status" });
  const because = element("p", { class: "mqk-verdict" });
  body.append(element("p", { class: "mqk-question" }, "Measured: ", measured), verdict, because);
  return {
    snapshot(content) {
      setText(measured, content.measured);
      setText(verdict, content.verdict);
      setText(because, content.because);
      const mark = content.right === true ? "mqk-good" : content.right === false ? "mqk-bad" : "";
      verdict.className = `mqk-verdict ${mark}`;
    },
  };
});
