// Updates pages of the admin console.
//
// refresh fetches the page again and updates the elements with data-live from it. Only
// this file and setBlocks of page.js turn text into elements. The text here is a page of
// the gateway itself, fetched from this page's address with this browser's credential;
// the parser runs no scripts, and the page's Content-Security-Policy forbids event
// handlers. Rows are matched by data-row. Unchanged elements are not touched, so that
// focus, selection and scroll positions stay.
//
// focus is what createFocus returns.
const createLive = (focus) => {
  "use strict";

  const timeout = 15000; // milliseconds
  let latest = 0; // number of the latest request

  const updateAttributes = (old, now) => {
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  };

  const key = (node) => node.dataset?.row;

  // Removes a node and returns its next sibling.
  const remove = (node) => {
    const next = node.nextSibling;
    if (node.nodeType === Node.ELEMENT_NODE) focus.remove(node);
    else node.remove();
    return next;
  };

  const updateChildren = (old, now) => {
    const keys = new Set([...now.children].map(key));
    const rows = new Map();
    for (const child of [...old.children]) {
      if (key(child) === undefined) continue;
      if (keys.has(key(child))) rows.set(key(child), child);
      else focus.remove(child);
    }
    let at = old.firstChild;
    for (const next of [...now.childNodes]) {
      let same = rows.get(key(next));
      // Do not move a row that is already next: it would lose the focus.
      while (same && at && key(at) === undefined) at = remove(at);
      if (!same && at?.nodeName === next.nodeName && key(at) === undefined && key(next) === undefined) same = at;
      if (same && same === at) at = at.nextSibling;
      else focus.insert(old, same ?? document.importNode(next, true), at);
      if (same) update(same, next);
    }
    while (at) at = remove(at);
  };

  // Keeps the text that the client wrote into a <time> if its datetime is the same.
  const keepTimes = (old, now) => {
    const before = old.querySelectorAll("time");
    now.querySelectorAll("time").forEach((time, i) => {
      if (before[i]?.dateTime === time.dateTime) time.textContent = before[i].textContent;
    });
  };

  const update = (old, now) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    if (key(now) !== undefined) keepTimes(old, now);
    if (old.isEqualNode(now)) return;
    updateAttributes(old, now);
    updateChildren(old, now);
  };

  // Resolves once the page is visible.
  const visible = () =>
    document.hidden && new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

  // Puts the form's fields that are not empty into the address's query.
  const setQuery = (form) => {
    const url = new URL(location);
    url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
    history.replaceState(null, "", url);
    form.querySelector("details")?.removeAttribute("open");
  };

  // Resolves to the HTTP status. Rejects if there was no response.
  const refresh = async (form) => {
    if (form) setQuery(form);
    const request = ++latest;
    await visible();
    const response = await fetch(location.href, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    const text = await response.text();
    const page = new DOMParser().parseFromString(text, "text/html");
    if (response.ok && request === latest && page.body.dataset.page === document.body.dataset.page) {
      document.body.dataset.topics = page.body.dataset.topics;
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = page.querySelector(`[data-live="${CSS.escape(old.dataset.live)}"]`);
        if (now) update(old, now);
      }
    }
    return response.status;
  };

  return { refresh };
};
