// The button that gives an answer says whether it has been given.
import { setText } from "./base.js";

/** It is not hidden or disabled once pressed: that would take the focus away from whoever uses the keyboard. */
export function labelAnswer(button, given, same) {
  setText(button, !given ? "Answer" : same ? "Answered" : "Change my answer");
  button.classList.toggle("mqk-main", !given || !same);
}
