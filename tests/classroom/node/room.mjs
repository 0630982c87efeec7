// Reads messages of the room protocol as the page does: question as JSON on standard input, answer as JSON.
import { readFileSync } from "node:fs";
const { decode, uniqueName } = await import(process.env.PAGE + "/room.js");
const { cases, names, taken } = JSON.parse(readFileSync(0, "utf8"));
const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (two) => parseInt(two, 16));
const items = cases.map(([topic, hex]) => {
  const item = decode("r", topic, bytes(hex));
  if (item) delete item.kind;
  return item;
});
console.log(JSON.stringify({ items, names: names.map((name) => uniqueName(name, taken)) }));
