// Topic filters in the page: the same rules as mqttkit/topics.py (a test compares the two).

/** Why `filter` is not a topic filter, in one sentence; "" when it is one. */
export function filterProblem(filter) {
  if (filter === "") return "A topic filter has at least one character.";
  const levels = filter.split("/");
  for (const [i, level] of levels.entries()) {
    if (level.includes("#") && level !== "#") return "# must stand alone in its level.";
    if (level === "#" && i < levels.length - 1) return "# may only be the last level.";
    if (level.includes("+") && level !== "+") return "+ must stand alone in its level.";
  }
  return "";
}

/** Whether a subscription to `filter` gets what is published to `topic`. */
export function filterMatches(filter, topic) {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true; // "a/#" matches "a" too: all levels before it have matched
    if (i >= levels.length || (level !== "+" && level !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
