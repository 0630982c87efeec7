// MQTT.js in a room: says one line, prints every line it hears, ends after the number given as HEAR.
import { createRequire } from "node:module";

const mqtt = createRequire(process.env.NODE_ROOT + "/package.json")("mqtt");
const id = "mqttjs1", room = process.env.ROOM;
const will = { topic: `chat/${room}/presence/${id}`, payload: JSON.stringify({ name: "Node", online: false }), qos: 1, retain: true };
const client = await mqtt.connectAsync(process.env.BROKER_URL, { clientId: id, username: "js", password: process.env.PASSWORD, will, reconnectPeriod: 0 });
let left = Number(process.env.HEAR);
client.on("message", (topic, payload) => {
  console.log(JSON.parse(payload).text);
  if (--left === 0) client.end();
});
await client.subscribeAsync(`chat/${room}/message/+`, { qos: 1 });
await client.publishAsync(will.topic, JSON.stringify({ name: "Node", online: true }), { qos: 1, retain: true });
await client.publishAsync(`chat/${room}/message/${id}`, JSON.stringify({ name: "Node", text: "from MQTT.js" }), { qos: 1 });
setTimeout(() => process.exit(1), 20000).unref();
