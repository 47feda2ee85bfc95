// Starts the client, a WebAssembly module, and provides its imports: sockets, timers,
// the page (page.js) and storage (storage.js). The build puts the other scripts before
// this one.
//
// This file's <script> element has the addresses: data-wasm of the module, data-exec of
// wasm_exec.js from the same Go release. The page's data-boot shows the result: the
// client sets "ready"; this file sets "failed" if the client does not start, and
// "stopped" if it ends, which it never does on purpose.
(() => {
  "use strict";

  const { wasm, exec } = document.currentScript.dataset;
  const { base } = document.body.dataset;

  // A page that was opened without the gateway's path gets no cookie: its cookie has that path.
  if (!(location.pathname + "/").startsWith(base + "/")) {
    location.replace(base + location.pathname + location.search + location.hash);
    return;
  }

  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true }); // keep a BOM that text begins with
  const sockets = new Map();
  const timers = new Map();
  let go;
  let client; // the module's exports
  let ended = false;

  // Shows that the client has failed or stopped, and closes its sockets.
  const end = (state, reason) => {
    if (ended) return;
    ended = true;
    document.body.dataset.boot = state;
    for (const socket of sockets.values()) socket.close();
    console.error("gatehouse:", reason);
  };

  // Returns a text from the client's memory.
  const read = (at, length) => decoder.decode(new Uint8Array(client.mem.buffer, at, length));

  // Copies bytes into the client's memory.
  const copy = (at, bytes) => new Uint8Array(client.mem.buffer, at, bytes.length).set(bytes);

  // Copies text into the client's memory, into the buffer that buffer(length) returns.
  const write = (text, buffer) => {
    const bytes = encoder.encode(text);
    copy(buffer(bytes.length), bytes);
  };

  // Calls an export of the client. The export returns without running Go's scheduler;
  // _resume runs it, so that goroutines that the export has started make progress.
  const callClient = (call) => {
    if (ended) return;
    try {
      call(client);
      go._resume();
    } catch (err) {
      end("stopped", err);
    }
  };

  // Reports that a socket is closed.
  const closed = (id, code, reason) => {
    sockets.delete(id);
    callClient(() => {
      write(reason, client.socket_buffer);
      client.socket_closed(id, code);
    });
  };

  const open = (id, url) => {
    const socket = new WebSocket(url);
    sockets.set(id, socket);
    socket.onopen = () => callClient(() => client.socket_opened(id));
    socket.onmessage = ({ data }) =>
      callClient(() => {
        write(data, client.socket_buffer);
        client.socket_frame(id);
      });
    socket.onclose = ({ code, reason }) => closed(id, code, reason);
  };

  const fire = (id) => {
    timers.delete(id);
    callClient(() => client.timer_fired(id));
  };

  const storage = createStorage((name, text) =>
    callClient(() => {
      write(JSON.stringify([name, text]), client.storage_buffer);
      client.storage_message();
    }),
  );

  // Reports the result of a call of storage.
  const completed = (id, ok, entries = []) =>
    callClient(() => {
      write(JSON.stringify(entries), client.storage_buffer);
      client.storage_answered(id, ok ? 1 : 0);
    });

  // A text is passed as its address and its length: at and length, n and nl, and so on. id
  // identifies a call whose result is reported later, since an import must not call Go while
  // Go is calling the import.
  const gatehouse = {
    ...createPage({ read, copy, callClient, storedFiles: storage.files }),
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
    clock_monotonic: () => performance.now(),
    timer_set: (id, ms) => timers.set(id, setTimeout(fire, ms, id)),
    timer_clear: (id) => {
      clearTimeout(timers.get(id));
      timers.delete(id);
    },
    storage_open: (i, il, u, ul) => storage.open(read(i, il), read(u, ul)),
    storage_broadcast: (n, nl, t, tl) => storage.broadcast(read(n, nl), read(t, tl)),
    storage_put: (id, n, nl, t, tl) => storage.put(read(n, nl), read(t, tl)).then((ok) => completed(id, ok)),
    storage_read_all: (id) => storage.readAll().then(({ entries, durable }) => completed(id, durable, entries)),
    storage_lock: (id) => storage.lock(() => completed(id, true)),
    storage_unlock: () => storage.unlock(),
    storage_purge: (id, i, il, u, ul) => storage.purge(...[read(i, il), read(u, ul)].filter(Boolean)).then(() => completed(id, true)),
  };

  // Keeps the browser from submitting forms, whether or not the client runs: it would put
  // what was typed into the address. Search forms, which alone have a method, should.
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
    go.env = { GOTRACEBACK: "system" }; // stack traces then have PCs, for "make symbols"
    const { instance } = await compile(response, { ...go.importObject, gatehouse });
    client = instance.exports;
    // After a trap Go is unusable, but go.run does not return.
    addEventListener("error", ({ error }) => error instanceof WebAssembly.RuntimeError && end("stopped", error));
    await go.run(instance);
    end("stopped", "the client ended");
  };

  start().catch((err) => end(client ? "stopped" : "failed", err));
})();
