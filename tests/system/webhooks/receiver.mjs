// A receiver that checks each delivery with the official package of
// Standard Webhooks.
//
//   node receiver.mjs whsec_... [whsec_...]
//
// Prints "port N" once it listens on 127.0.0.1, and ends when its standard
// input is closed. A POST to any path is answered 204 if at least one of the
// secrets accepts it, else 401. GET /counts tells what has come in so far.
//
// Needs Node 18 or later. The package standardwebhooks is looked for in
// node/node_modules of the folder that WPENGINE_VERIFIERS names.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const secrets = process.argv.slice(2);
const folder = process.env.WPENGINE_VERIFIERS;
if (secrets.length === 0 || !folder) {
  console.error("usage: WPENGINE_VERIFIERS=folder node receiver.mjs whsec_... [whsec_...]");
  process.exit(2);
}

// An import would look only beside this file. The name given here is where
// the search starts; that file need not exist.
const require = createRequire(resolve(folder, "node", "start.js"));
const { Webhook } = require("standardwebhooks");

const hooks = secrets.map((secret) => new Webhook(secret));

let accepted = 0;
let refused = 0;
const bySecret = hooks.map(() => 0);
const ids = new Set();

function accepts(hook, body, headers) {
  try {
    hook.verify(body, headers);
  } catch {
    // Besides its own error the package lets others through, such as that
    // of a body that is not JSON.
    return false;
  }
  return true;
}

function count(verdicts, id) {
  if (verdicts.includes(true)) accepted += 1;
  else refused += 1;
  verdicts.forEach((ok, i) => {
    if (ok) bySecret[i] += 1;
  });
  if (id) ids.add(id);
}

function receive(req, res) {
  const id = req.headers["webhook-id"];
  if (req.headers["content-length"] === undefined) {
    count(hooks.map(() => false), id);
    res.writeHead(411, { connection: "close", "content-length": 0 }).end();
    return;
  }
  // Node hands over exactly as many bytes as Content-Length says, and has
  // no "end" for a sender that goes away before.
  const parts = [];
  req.on("data", (part) => parts.push(part));
  req.on("end", () => {
    const body = Buffer.concat(parts);
    const verdicts = hooks.map((hook) => accepts(hook, body, req.headers));
    count(verdicts, id);
    if (verdicts.includes(true)) res.writeHead(204).end();
    else res.writeHead(401, { "content-length": 0 }).end();
  });
}

const server = createServer((req, res) => {
  if (req.method === "POST") {
    receive(req, res);
  } else if (req.method === "GET" && req.url === "/counts") {
    const answer = JSON.stringify({
      accepted,
      refused,
      by_secret: bySecret,
      ids: ids.size,
    });
    res.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(answer),
    });
    res.end(answer);
  } else {
    res.writeHead(404, { "content-length": 0 }).end();
  }
});

// By default an idle connection is closed after 5 s, which a sender that is
// about to use it again sees as a failure.
server.keepAliveTimeout = 0;

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`port ${server.address().port}\n`);
});

process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();
