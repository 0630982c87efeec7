// The same conversation in JavaScript, with MQTT.js on Node.
//
//   node javascript.mjs mqtt://127.0.0.1:1883
//
// Once, in this folder: npm install mqtt    (or NODE_ROOT=folder that has it)
import { createRequire } from "node:module";

const require = createRequire((process.env.NODE_ROOT || import.meta.dirname) + "/package.json");
const mqtt = require("mqtt");

const url = process.argv[2] || "mqtt://127.0.0.1:1883";
const client = await mqtt.connectAsync(url, { clientId: "javascript", connectTimeout: 5000, reconnectPeriod: 0 });

client.on("message", async (topic, payload) => {
  console.log(`javascript received ${topic} ${payload}`);
  await client.endAsync();
});
await client.subscribeAsync("hello/python", { qos: 1 });
await client.publishAsync("hello/javascript", "Hello from JavaScript", { qos: 1 });

setTimeout(() => { console.error("no answer within 10 s"); process.exit(1); }, 10_000).unref();
