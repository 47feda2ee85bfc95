// Provides the client's imports for the page: the document, the user's actions and the
// window. The client refers to elements by numbers. A number does not keep an element
// alive: elements that have left the document can be garbage collected.
//
// An exception would break the client, so the imports never throw. While the client
// calls an import, the import does not call the client: see notify.
//
// loader is what boot.js provides: read returns a text from the client's memory, copy writes
// bytes there, callClient calls an export, storedFiles stores files (storage.js).
const createPage = (loader) => {
  "use strict";

  const { read, copy, callClient, storedFiles } = loader;
  const { base } = document.body.dataset; // the client's paths are those below it
  const focus = createFocus();
  const keys = createKeys(focus);
  createViewport();
  const encoder = new TextEncoder();
  const numbers = new WeakMap(); // by element
  const elements = new Map(); // WeakRefs, by number
  const gone = new FinalizationRegistry((number) => elements.delete(number));
  const fetchTimeout = 15000; // milliseconds
  const hiddenFrameDelay = 100; // milliseconds; hidden pages get no animation frames
  let last = 0;
  let result = new Uint8Array(); // for page_copy_result
  let inImport = false; // the client is calling an import

  const guarded =
    (f) =>
    (...args) => {
      inImport = true;
      try {
        return f(...args);
      } catch (err) {
        reportError(err);
        return 0;
      } finally {
        inImport = false;
      }
    };

  // Calls the client, after the current import has returned.
  const notify = (call) => (inImport ? queueMicrotask(() => callClient(call)) : callClient(call));

  // Keeps bytes for page_copy_result, and returns their length.
  const returnBytes = (bytes) => (result = bytes).length;
  const returnText = (text) => returnBytes(encoder.encode(text ?? ""));

  // Returns the number of an element, 0 for none.
  const numberOf = (el) => {
    if (!el) return 0;
    if (!numbers.has(el)) {
      numbers.set(el, ++last);
      elements.set(last, new WeakRef(el));
      gone.register(el, last);
    }
    return numbers.get(el);
  };

  const element = (n) => elements.get(n)?.deref();

  // Keeps the numbers of elements for page_copy_result, and returns how many there are.
  const returnElements = (found = []) => {
    const all = Int32Array.from(found, numberOf);
    returnBytes(new Uint8Array(all.buffer));
    return all.length;
  };

  const byID = (id) => document.getElementById(id);

  const clone = (template) => {
    const first = byID(template)?.content.firstElementChild;
    return first && document.importNode(first, true);
  };

  // Returns undefined if act throws: some browsers forbid storage or changes of the history.
  const attempt = (act) => {
    try {
      return act();
    } catch {
      return undefined;
    }
  };

  const actions = {
    remove: focus.remove,
    focus: (el) => el.focus(),
    select: (el) => el.select(),
    open: focus.open,
    close: (el) => el.open && el.close(),
    hide: (el) => el.matches(":popover-open") && el.hidePopover(),
    latest: (el) => (el.scrollTop = 0), // of the transcript, which is laid out bottom up
  };

  const setBlocks = (el, from, html) => {
    if (!el) return;
    if (from === 0) el.textContent = ""; // also removes plain text
    while (el.children.length > from) el.lastElementChild.remove();
    const template = document.createElement("template");
    template.innerHTML = html;
    el.append(template.content);
  };

  const appendCode = (el, text) => {
    const block = el?.lastElementChild;
    const code = block?.querySelector("code") ?? block;
    if (code?.lastChild?.nodeType === Node.TEXT_NODE) code.lastChild.appendData(text);
    else code?.append(text);
  };

  // Returns the event by which an element asks for its action: see package markup.
  const actionEvent = ({ localName, type }) => {
    if (localName === "form") return "submit";
    if (localName === "select") return "change";
    if (localName === "textarea") return "input";
    if (localName !== "input" || type === "button" || type === "submit") return "click";
    return ["radio", "checkbox", "file"].includes(type) ? "change" : "input";
  };

  const opensElsewhere = (event, target) =>
    target.localName === "a" && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0);

  // Returns a listener that passes the action of the event's element to the client.
  const actionListener = (attr) => (event) => {
    const target = event.target.closest?.(`[${attr}]`);
    if (!target || actionEvent(target) !== event.type || (event.type === "click" && opensElsewhere(event, target))) return;
    if (event.type === "click" || event.type === "submit") event.preventDefault();
    focus.acted(target);
    notify((client) => client.page_action(numberOf(target), returnText(target.getAttribute(attr))));
  };

  // A click elsewhere closes filters.
  const closeOnClickElsewhere = ({ target }) => {
    const details = document.querySelector(".filter-more[open]");
    if (details && !details.contains(target)) details.open = false;
  };

  // scrollTop is 0 at the latest message and negative above.
  const scrolled = ({ target: { scrollTop, scrollHeight, clientHeight } }) =>
    notify((client) => client.page_scrolled(-scrollTop, scrollHeight - clientHeight + scrollTop));

  const frameDue = () => notify((client) => client.page_frame_due());
  const visible = () => document.hidden || notify((client) => client.page_visible());
  const hidden = () => notify((client) => client.page_hidden());

  const listen = (action, stop, transcript) => {
    for (const kind of ["click", "submit", "input", "change"]) document.body.addEventListener(kind, actionListener(action));
    byID(transcript)?.addEventListener("scroll", scrolled);
    keys.listen(stop, () => notify((client) => client.page_print_wanted()));
    document.addEventListener("pointerdown", closeOnClickElsewhere);
    addEventListener("popstate", () => notify((client) => client.page_navigated()));
    addEventListener("focus", visible);
    addEventListener("pageshow", visible);
    addEventListener("pagehide", hidden);
    document.addEventListener("resume", visible); // after the browser froze the page
    document.addEventListener("visibilitychange", () => {
      frameDue();
      if (document.hidden) hidden();
      else visible();
    });
    addEventListener("online", () => notify((client) => client.page_network(1)));
    addEventListener("offline", () => notify((client) => client.page_network(0)));
  };

  // Answers a call of the client.
  const answer = (id, status, text) => notify((client) => client.page_answered(id, status, returnText(text)));

  // Resolves to the HTTP status and the text of the response.
  const request = async (method, path, body) => {
    const response = await fetch(base + path, {
      method,
      body: body || undefined,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      headers: { "Content-Type": "application/json" },
      signal: AbortSignal.timeout(fetchTimeout),
    });
    return [response.status, await response.text()];
  };

  // Copies by execCommand: pages without HTTPS have no clipboard API.
  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.readOnly = true;
    area.className = "visually-hidden";
    const focused = document.activeElement;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const ok = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return ok;
  };

  const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const year = new Intl.DateTimeFormat(undefined, { year: "numeric", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

  const clock = (ms) => {
    const then = new Date(ms);
    const now = new Date();
    if (then.toDateString() === now.toDateString()) return time.format(then);
    return (then.getFullYear() === now.getFullYear() ? day : year).format(then);
  };

  // n is the number of an element. A text is passed as its address and its length: p and l,
  // v and vl, and so on. id identifies a call that answer answers later.
  const imports = {
    page_copy_result: (at) => copy(at, result),

    dom_by_id: (p, l) => numberOf(byID(read(p, l))),
    dom_clone: (p, l) => numberOf(clone(read(p, l))),
    dom_attr: (n, p, l) => returnText(element(n)?.getAttribute(read(p, l))),
    dom_set_attr: (n, p, l, v, vl) => {
      element(n)?.setAttribute(read(p, l), read(v, vl));
      focus.check();
    },
    dom_flag: (n, p, l) => element(n)?.hasAttribute(read(p, l)),
    dom_set_flag: (n, p, l, on) => {
      element(n)?.toggleAttribute(read(p, l), !!on);
      focus.check();
    },
    dom_property: (n, p, l) => returnText(element(n)?.[read(p, l)]),
    dom_set_property: (n, p, l, v, vl) => {
      const el = element(n);
      if (el) el[read(p, l)] = read(v, vl);
    },
    dom_set_checked: (n, on) => {
      const el = element(n);
      if (el) el.checked = !!on;
    },
    dom_children: (n) => returnElements(element(n)?.children),
    dom_find: (n, p, l, v, vl) => returnElements(element(n)?.querySelectorAll(`[${read(p, l)}="${CSS.escape(read(v, vl))}"]`)),
    dom_closest: (n, p, l) => numberOf(element(n)?.closest(`[${read(p, l)}]`)),
    dom_insert: (n, child, before) => {
      const el = element(n);
      if (el) focus.insert(el, element(child), element(before) ?? null);
    },
    dom_do: (n, p, l) => {
      const el = element(n);
      if (el) actions[read(p, l)](el);
    },
    dom_set_blocks: (n, from, p, l) => setBlocks(element(n), from, read(p, l)),
    dom_append_code: (n, p, l) => appendCode(element(n), read(p, l)),

    page_listen: (a, al, s, sl, t, tl) => listen(read(a, al), read(s, sl), read(t, tl)),
    page_location: (p, l) => returnText(location[read(p, l)]),
    page_path: () => returnText(location.pathname.slice(base.length) || "/"),
    page_set_address: (m, ml, p, l) => attempt(() => history[read(m, ml)](null, "", base + read(p, l))),
    page_load: (p, l) => (l ? location.replace(base + read(p, l)) : location.reload()),
    page_set_title: (p, l) => {
      document.title = read(p, l);
    },
    page_request_frame: () => {
      if (document.hidden) setTimeout(frameDue, hiddenFrameDelay);
      else requestAnimationFrame(frameDue);
    },
    page_print: () => setTimeout(() => print()), // the dialog blocks until it is closed
    page_focus_composer: () => focus.toComposer(),
    page_enter_key: () => returnText(keys.choice()),
    page_set_enter_key: (p, l) => keys.choose(read(p, l)),
    page_online: () => navigator.onLine,
    page_locale: () => returnText(navigator.language),
    page_random: (at, length) => copy(at, crypto.getRandomValues(new Uint8Array(length))),
    page_format_time: (ms) => returnText(clock(ms)),
    page_text_matches: (p, l, s, sl) => read(p, l).toLocaleLowerCase().includes(read(s, sl).toLocaleLowerCase()),
    page_tab_value: (p, l) => returnText(attempt(() => sessionStorage.getItem(read(p, l)))),
    page_set_tab_value: (p, l, v, vl) => attempt(() => sessionStorage.setItem(read(p, l), read(v, vl))),
    page_fetch: (id, m, ml, p, l, b, bl) =>
      request(read(m, ml), read(p, l), read(b, bl)).then(
        ([status, text]) => answer(id, status, text),
        () => answer(id, 0, ""),
      ),
    page_copy_text: (id, p, l) => {
      const text = read(p, l);
      const written = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
      written.then(
        () => answer(id, 1),
        () => answer(id, copyBySelection(text) ? 1 : 0),
      );
    },
  };
  const attachments = createFiles(storedFiles, (list) => notify((client) => client.file_picked(returnText(JSON.stringify({ files: list })))));
  Object.assign(imports, {
    file_listen: (i, il, r, rl, d, dl) => attachments.listen(byID(read(i, il)), byID(read(r, rl)), read(d, dl)),
    file_attach_text: (p, l, t, tl) => attachments.attachText(read(p, l), read(t, tl)),
    file_upload: (id, k, kl, p, l) =>
      attachments.upload(
        read(k, kl),
        base + read(p, l),
        (percent) => notify((client) => client.file_progress(id, percent)),
        (status, text) => answer(id, status, text),
      ),
    file_store: (id, k, kl) =>
      attachments.store(read(k, kl)).then(
        () => answer(id, 1),
        () => answer(id, 0),
      ),
    file_load: (id, k, kl) =>
      attachments.load(read(k, kl)).then(
        () => answer(id, 1),
        () => answer(id, 0),
      ),
    file_picture: (k, kl) => returnText(attachments.picture(read(k, kl))),
    file_forget: (k, kl) => attachments.forget(read(k, kl)),
    file_clear: () => attachments.clear(),
  });
  const live = createLive(focus);
  const notifications = createNotifications(base);
  Object.assign(imports, {
    page_refresh: (id, form) =>
      live.refresh(element(form)).then(
        (status) => answer(id, status),
        () => answer(id, 0),
      ),
    page_notification_state: () => returnText(notifications.state()),
    page_request_notifications: (id) =>
      notifications.request().then(
        () => answer(id, 1),
        () => answer(id, 0),
      ),
    page_notify: (t, tl, p, l) => notifications.show(read(t, tl), read(p, l)),
  });
  return Object.fromEntries(Object.entries(imports).map(([name, f]) => [name, guarded(f)]));
};
