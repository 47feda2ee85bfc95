// Keeps texts by name, for one user of one gateway, past the end of every tab:
// above all what was written and is not sent yet. IndexedDB holds them; a journal
// in localStorage, written before put returns, covers the time until IndexedDB has
// committed. A browser that allows only one of the two has that one. An empty text
// is none. Files that wait to be uploaded are kept likewise, in IndexedDB alone.
//
// The tabs of a user tell each other what they put, and take turns by a lock.
const keeper = (told) => {
  "use strict";

  const patience = 2000; // milliseconds, with the database, which may answer later
  const turn = 4000; // with whoever has the lock: by then it is frozen
  const fileAge = 30 * 24 * 3600 * 1000; // milliseconds; older ones are nobody's
  let owner; // [instance, user]
  let prefix; // of the owner's names in the journal
  let channel;
  let unlock = () => {};
  let base; // the database, or why there is none
  let first = true;
  let late = false; // read was answered without the database

  const within = (promise) =>
    Promise.race([promise, new Promise((_, reject) => setTimeout(reject, patience, new Error("IndexedDB does not answer")))]);

  const database = () =>
    (base ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("gatehouse", 2);
      request.onupgradeneeded = () => {
        for (const name of ["kept", "files"])
          if (!request.result.objectStoreNames.contains(name)) request.result.createObjectStore(name);
      };
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const db = request.result;
        db.onversionchange = db.onclose = () => {
          db.close();
          base = undefined;
        };
        resolve(db);
      };
    }));

  const transact = async (mode, act, name = "kept") => {
    const db = await within(database());
    return within(
      new Promise((resolve, reject) => {
        const tx = db.transaction(name, mode, { durability: "strict" });
        const request = act(tx.objectStore(name));
        tx.oncomplete = () => resolve(request.result);
        tx.onabort = () => reject(tx.error);
      }),
    );
  };

  // All of an owner's, or of an instance's; an array comes after every string.
  const range = (whose) => IDBKeyRange.bound(whose, [...whose, []]);

  const journal = (act) => {
    try {
      return act(localStorage);
    } catch {
      return undefined;
    }
  };

  // Gives whether the tabs hear each other.
  const open = (instance, user) => {
    owner = [instance, user];
    prefix = JSON.stringify(owner);
    if (!globalThis.BroadcastChannel) return 0;
    channel = new BroadcastChannel(prefix);
    channel.onmessage = ({ data: [name, text] }) => told(name, text);
    return 1;
  };

  const tell = (name, text) => channel?.postMessage([name, text]);

  // Resolves to whether the text is kept.
  const store = async (name, text) => {
    const at = prefix + name;
    const key = [...owner, name];
    const noted = journal((j) => (j.setItem(at, text), true));
    if (!noted) journal((j) => j.removeItem(at)); // what is older does not count
    const committed = () => journal((j) => j.getItem(at) === text && j.removeItem(at));
    try {
      await transact("readwrite", (kept) => (text ? kept.put([name, text], key) : kept.delete(key)));
      committed();
      return true;
    } catch {
      if (!text) database().catch(committed); // where nothing is kept nothing comes back
      return !!noted;
    }
  };

  const put = (name, text) => {
    tell(name, text);
    return store(name, text);
  };

  // Resolves to name, text, name, text …, also those that other tabs have just put,
  // and to whether anything is kept at all. What is missing because the database is
  // slow can be read when told hears of "".
  const read = async () => {
    const all = new Map();
    let works = true;
    try {
      for (const [name, text] of await transact("readonly", (kept) => kept.getAll(range(owner)))) all.set(name, text);
    } catch {
      works = false;
      if (!late) database().then(() => told("", ""), () => {});
      late = true;
    }
    const noted = journal((j) => Object.entries(j).filter(([at]) => at.startsWith(prefix)));
    for (const [at, text] of noted ?? []) {
      const name = at.slice(prefix.length);
      if (text) all.set(name, text);
      else all.delete(name);
      if (first && works) store(name, text); // a tab ended before it was committed
    }
    first = false;
    return { entries: [...all].flat(), durable: works || !!noted };
  };

  // Calls locked when it is this tab's turn, until unlock. Browsers have locks only
  // where the page came securely.
  const lock = (locked) => {
    let held = false;
    const hold = () => {
      held = true;
      const over = new Promise((done) => (unlock = done));
      locked();
      return over;
    };
    const ask = async (options) => navigator.locks.request(prefix, options, hold);
    ask({ signal: AbortSignal.timeout(turn) })
      .catch(() => held || ask({ steal: true }))
      .catch(() => held || locked());
  };

  // Files by key, which begins with the time in base 36.
  const held = {
    store: async (key, file) => {
      const old = (Date.now() - fileAge).toString(36).padStart(9, "0");
      await transact("readwrite", (all) => all.delete(IDBKeyRange.bound([...owner, ""], [...owner, old])), "files");
      await transact("readwrite", (all) => all.put(file, [...owner, key]), "files");
    },
    load: (key) => transact("readonly", (all) => all.get([...owner, key]), "files"),
    drop: (key) => owner && transact("readwrite", (all) => all.delete([...owner, key]), "files").catch(() => {}),
  };

  // Removes what is kept of a user, or of all of an instance's.
  const purge = async (...whose) => {
    const begins = JSON.stringify(whose).slice(0, -1);
    journal((j) => Object.keys(j).forEach((at) => at.startsWith(begins) && j.removeItem(at)));
    for (const name of ["kept", "files"]) await transact("readwrite", (all) => all.delete(range(whose)), name).catch(() => {});
  };

  return { held, open, tell, put, read, lock, unlock: () => unlock(), purge };
};
