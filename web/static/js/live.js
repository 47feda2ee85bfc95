// What pages of the admin console ask of the browser: to be brought up to date, and
// to notify.
//
// renew fetches the page again and makes what is marked data-live what the gateway
// now says it is. This and setBlocks of page.js are the only doors by which text
// becomes elements. What comes in here is a page of the gateway's own, from the
// address of this one and for this browser's credential; the parser runs no script,
// and the page's policy forbids handlers. Rows are known by data-row; what has not
// changed is not touched, so that focus, selection and scrolling stay.
const live = () => {
  "use strict";

  const timeout = 15000; // milliseconds
  let latest = 0;

  const attributes = (old, now) => {
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  };

  const key = (node) => node.dataset?.row;

  // Removes a node and gives the one behind it.
  const skip = (node) => {
    const next = node.nextSibling;
    node.remove();
    return next;
  };

  const children = (old, now) => {
    const keys = new Set([...now.children].map(key));
    const rows = new Map();
    for (const child of [...old.children]) {
      if (key(child) === undefined) continue;
      if (keys.has(key(child))) rows.set(key(child), child);
      else child.remove();
    }
    let at = old.firstChild;
    for (const next of [...now.childNodes]) {
      let same = rows.get(key(next));
      // A row that is next stays where it is: moving it would take its focus.
      while (same && at && key(at) === undefined) at = skip(at);
      if (!same && at?.nodeName === next.nodeName && key(at) === undefined && key(next) === undefined) same = at;
      if (same && same === at) at = at.nextSibling;
      else old.insertBefore(same ?? document.importNode(next, true), at);
      if (same) amend(same, next);
    }
    while (at) at = skip(at);
  };

  // A time that is still the same keeps the words that the client wrote.
  const words = (old, now) => {
    const before = old.querySelectorAll("time");
    now.querySelectorAll("time").forEach((time, i) => {
      if (before[i]?.dateTime === time.dateTime) time.textContent = before[i].textContent;
    });
  };

  const amend = (old, now) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    if (key(now) !== undefined) words(old, now);
    if (old.isEqualNode(now)) return;
    attributes(old, now);
    children(old, now);
  };

  const seen = () =>
    document.hidden && new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

  // The address with what the form asks for in it.
  const asked = (form) => {
    const url = new URL(location);
    url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
    history.replaceState(null, "", url);
    form.querySelector("details")?.removeAttribute("open");
  };

  // Resolves to the status; 0 when there was no answer.
  const renew = async (form) => {
    if (form) asked(form);
    const turn = ++latest;
    await seen();
    const response = await fetch(location.href, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    const text = await response.text();
    const page = new DOMParser().parseFromString(text, "text/html");
    if (response.ok && turn === latest && page.body.dataset.page === document.body.dataset.page) {
      document.body.dataset.topics = page.body.dataset.topics;
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = page.querySelector(`[data-live="${CSS.escape(old.dataset.live)}"]`);
        if (now) amend(old, now);
      }
    }
    return response.status;
  };

  // Whether pages may notify by themselves: some browsers, as those of Android, have
  // the name and throw. A notification that is not allowed yet shows nothing.
  let able;
  const constructs = () => {
    if (able !== undefined) return able;
    if (Notification.permission === "granted" && !/Android/.test(navigator.userAgent)) return true;
    try {
      new Notification("Gatehouse").close();
      able = true;
    } catch {
      able = false;
    }
    return able;
  };

  // What may be notified: absent, insecure, off (may be asked for), denied or on.
  const notices = () => {
    if (!isSecureContext) return "insecure";
    if (!globalThis.Notification || !constructs()) return "absent";
    return { default: "off", granted: "on" }[Notification.permission] ?? "denied";
  };

  // Notifies, once for all tabs, whoever does not look at this one.
  const notify = (title, path) => {
    if (notices() !== "on" || document.hasFocus()) return;
    const notice = new Notification(title, { tag: path });
    notice.onclick = () => {
      window.focus();
      notice.close();
      if (location.pathname !== path.split("#")[0]) location.assign(path);
    };
  };

  return { renew, notices, notify, ask: () => Notification.requestPermission() };
};
