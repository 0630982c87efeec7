// One broker (aedes) with a TCP and a WebSocket listener on loopback. With --redis it shares sessions, retained messages and
// the flow of messages with every other broker on the same Redis: together they are a cluster.
//
//   node broker.js --id a --port 1883 --ws-port 9001 [--redis PATH-OF-ITS-SOCKET]
//
// Prints one line of JSON with its ports when it is ready, and ends when its standard input closes.

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import net from "node:net";
import http from "node:http";
import { once } from "node:events";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: {
  id: { type: "string", default: "a" }, host: { type: "string", default: "127.0.0.1" },
  port: { type: "string", default: "0" }, "ws-port": { type: "string", default: "0" }, redis: { type: "string" },
} });

// The packages may live elsewhere (a cache folder): NODE_ROOT names the folder whose node_modules is used.
const require = createRequire((process.env.NODE_ROOT || import.meta.dirname) + "/package.json");
const { Aedes } = require("aedes");
const { WebSocketServer, createWebSocketStream } = require("ws");

// An error that nobody listens to ends the process; a link to Redis that stumbles on a busy machine shall not.
const told = (what) => (error) => console.error(`${what}: ${error?.message ?? error}`);
process.on("unhandledRejection", told("aedes"));
const shared = values.redis ? linked(values.redis) : {};
function linked(path) {
  const mq = require("mqemitter-redis")({ path });
  mq.state.on("error", told("Redis"));
  return { persistence: require("aedes-persistence-redis")({ path }), mq };
}
// A new id at each start: stored messages are numbered per id, and a node that starts again begins at 1.
const id = `${values.id}-${randomUUID()}`;
const aedes = await Aedes.createBroker({ id, heartbeatInterval: 2000, ...shared });
aedes.on("error", told("aedes"));

const tcp = net.createServer(aedes.handle);
const web = http.createServer((_, response) => { response.writeHead(426).end(); });
new WebSocketServer({ server: web, handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : false) })
  .on("connection", (socket, request) => {
    const stream = createWebSocketStream(socket);
    stream.on("error", () => {});  // a link that breaks is ordinary
    aedes.handle(stream, request);
  });

tcp.listen(Number(values.port), values.host);
web.listen(Number(values["ws-port"]), values.host);
await Promise.all([once(tcp, "listening"), once(web, "listening")]);
console.log(JSON.stringify({ id: values.id, port: tcp.address().port, ws_port: web.address().port }));

process.stdin.resume().on("end", () => { console.log("the standard input is closed"); process.exit(0); });
