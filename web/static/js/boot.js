// Starts the client, a WebAssembly module, and lends it sockets, timers, the page
// (page.js) and what keep.js keeps; the build puts those before this file.
//
// Its own <script> element says where the parts are: data-wasm is the module,
// data-exec is Go's wasm_exec.js of the same Go release. The page's data-boot
// tells how it went: the client sets "ready", this file "failed" (it did not
// start) or "stopped" (it ended, which it never does by itself).
(() => {
  "use strict";

  const { wasm, exec } = document.currentScript.dataset;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true }); // text may begin with one
  const sockets = new Map();
  const timers = new Map();
  let go;
  let client; // the module's exports
  let ended = false;

  const end = (state, why) => {
    if (ended) return;
    ended = true;
    document.body.dataset.boot = state;
    for (const socket of sockets.values()) socket.close();
    console.error("gatehouse:", why);
  };

  const read = (at, length) => decoder.decode(new Uint8Array(client.mem.buffer, at, length));

  const copy = (at, bytes) => new Uint8Array(client.mem.buffer, at, bytes.length).set(bytes);

  // Copies text into the client's memory, into a buffer that it gives.
  const write = (text, buffer) => {
    const bytes = encoder.encode(text);
    copy(buffer(bytes.length), bytes);
  };

  // An export returns without giving Go's scheduler a turn; _resume gives it one,
  // so that goroutines and timers which the call started come to life.
  const tell = (call) => {
    if (ended) return;
    try {
      call(client);
      go._resume();
    } catch (err) {
      end("stopped", err);
    }
  };

  const closed = (id, code, reason) => {
    sockets.delete(id);
    tell(() => {
      write(reason, client.socket_buffer);
      client.socket_closed(id, code);
    });
  };

  const open = (id, url) => {
    const socket = new WebSocket(url);
    sockets.set(id, socket);
    socket.onopen = () => tell(() => client.socket_opened(id));
    socket.onmessage = ({ data }) =>
      tell(() => {
        write(data, client.socket_buffer);
        client.socket_frame(id);
      });
    socket.onclose = ({ code, reason }) => closed(id, code, reason);
  };

  const fire = (id) => {
    timers.delete(id);
    tell(() => client.timer_fired(id));
  };

  const keep = keeper((name, text) =>
    tell(() => {
      write(JSON.stringify([name, text]), client.keep_buffer);
      client.keep_told();
    }),
  );

  const kept = (id, ok, entries = []) =>
    tell(() => {
      write(JSON.stringify(entries), client.keep_buffer);
      client.keep_done(id, ok ? 1 : 0);
    });

  // What these report, they report later: Go is not called from within.
  const gatehouse = {
    ...page({ read, copy, tell, held: keep.held }),
    socket_open: (id, at, length) => {
      try {
        open(id, read(at, length));
      } catch (err) {
        queueMicrotask(() => closed(id, 1006, err.message));
      }
    },
    socket_send: (id, at, length) => {
      const socket = sockets.get(id);
      if (socket?.readyState === WebSocket.OPEN) socket.send(read(at, length));
    },
    socket_close: (id, code, at, length) => sockets.get(id)?.close(code, read(at, length)),
    clock_wall: () => Date.now(),
    clock_steady: () => performance.now(),
    timer_set: (id, ms) => timers.set(id, setTimeout(fire, ms, id)),
    timer_clear: (id) => {
      clearTimeout(timers.get(id));
      timers.delete(id);
    },
    keep_open: (i, il, u, ul) => keep.open(read(i, il), read(u, ul)),
    keep_tell: (n, nl, t, tl) => keep.tell(read(n, nl), read(t, tl)),
    keep_put: (id, n, nl, t, tl) => keep.put(read(n, nl), read(t, tl)).then((ok) => kept(id, ok)),
    keep_read: (id) => keep.read().then(({ entries, durable }) => kept(id, durable, entries)),
    keep_lock: (id) => keep.lock(() => kept(id, true)),
    keep_unlock: () => keep.unlock(),
    keep_purge: (id, i, il, u, ul) => keep.purge(...[read(i, il), read(u, ul)].filter(Boolean)).then(() => kept(id, true)),
  };

  // No form is sent by the browser itself, be the client there or not: what is typed
  // would stand in the address. Only those that search name a method: they should.
  addEventListener("submit", (event) => event.target.hasAttribute("method") || event.preventDefault());

  const load = (src) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = src;
      script.onload = resolve;
      script.onerror = () => reject(new Error("cannot load " + src));
      document.head.append(script);
    });

  const compile = async (response, imports) => {
    if (!response.ok) throw new Error("cannot load " + response.url + ": " + response.status);
    const streams = response.headers.get("Content-Type")?.startsWith("application/wasm");
    if (streams && WebAssembly.instantiateStreaming) return WebAssembly.instantiateStreaming(response, imports);
    return WebAssembly.instantiate(await response.arrayBuffer(), imports);
  };

  const start = async () => {
    const [response] = await Promise.all([fetch(wasm), load(exec)]);
    go = new Go();
    go.env = { GOTRACEBACK: "system" }; // traces tell PCs, which make symbols names
    const { instance } = await compile(response, { ...go.importObject, gatehouse });
    client = instance.exports;
    // A trap leaves Go unusable, but Go does not say so.
    addEventListener("error", ({ error }) => error instanceof WebAssembly.RuntimeError && end("stopped", error));
    await go.run(instance);
    end("stopped", "the client ended");
  };

  start().catch((err) => end(client ? "stopped" : "failed", err));
})();
