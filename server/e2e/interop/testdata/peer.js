// Opens WebSockets with ws as it is told by lines of JSON on the standard input,
// and says in lines of JSON what happens on them.
"use strict";
const WebSocket = require("ws");
const sockets = new Map();
const say = (socket, event) => process.stdout.write(JSON.stringify({ socket, ...event }) + "\n");

const commands = {
  open({ socket, url, origin, bearer, mute }) {
    const headers = bearer ? { Authorization: "Bearer " + bearer } : {};
    const s = new WebSocket(url, { origin: origin || undefined, headers, autoPong: !mute });
    sockets.set(socket, s);
    let why = {};
    s.on("open", () => say(socket, { kind: "opened" }));
    s.on("message", data => say(socket, { kind: "text", text: data.toString() }));
    s.on("error", error => { why.text ??= error.message; });
    s.on("unexpected-response", (request, answer) => {
      why = { status: answer.statusCode, text: "" };
      answer.setEncoding("utf8");
      answer.on("data", piece => { why.text += piece; });
      answer.on("end", () => say(socket, { kind: "closed", code: 1006, ...why }));
    });
    s.on("close", (code, reason) => say(socket, { kind: "closed", code, reason: reason.toString(), ...why }));
  },
  send({ socket, text }) { sockets.get(socket).send(text); },
  close({ socket }) { sockets.get(socket).close(1000); },
};

require("readline").createInterface({ input: process.stdin })
  .on("line", line => { const c = JSON.parse(line); commands[c.do](c); })
  .on("close", () => process.exit(0));
