// Stores texts by name, for one user of one gateway, so that they outlast every tab:
// above all messages that are not sent yet. IndexedDB stores them; a journal in
// localStorage, written before put returns, covers the time until IndexedDB has
// committed. If a browser allows only one of the two, that one is used. Storing an empty
// text deletes it. Files that are not uploaded yet are stored in IndexedDB only.
//
// The tabs of a user send each other what they put, and take turns by a lock.
// onPut(name, text) is called with what another tab has put, and with "" and "" when a
// slow database has become readable.
const keeper = (onPut) => {
  "use strict";

  const databaseTimeout = 2000; // milliseconds; the database may still answer later
  const lockTimeout = 4000; // milliseconds; a tab that has the lock for longer is frozen
  const maxFileAge = 30 * 24 * 3600 * 1000; // milliseconds
  let owner; // [instance, user]
  let prefix; // of the owner's keys in the journal
  let channel;
  let unlock = () => {};
  let opening; // promise of the database
  let firstRead = true;
  let late = false; // read has returned without the database

  const within = (promise) =>
    Promise.race([promise, new Promise((_, reject) => setTimeout(reject, databaseTimeout, new Error("IndexedDB does not answer")))]);

  const database = () =>
    (opening ??= new Promise((resolve, reject) => {
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
          opening = undefined;
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

  // Returns the range of all keys of an owner or an instance. An array sorts after every
  // string.
  const range = (owner) => IDBKeyRange.bound(owner, [...owner, []]);

  const journal = (act) => {
    try {
      return act(localStorage);
    } catch {
      return undefined;
    }
  };

  // Returns 1 if the tabs can send each other texts, else 0.
  const open = (instance, user) => {
    owner = [instance, user];
    prefix = JSON.stringify(owner);
    if (!globalThis.BroadcastChannel) return 0;
    channel = new BroadcastChannel(prefix);
    channel.onmessage = ({ data: [name, text] }) => onPut(name, text);
    return 1;
  };

  const announce = (name, text) => channel?.postMessage([name, text]);

  // Resolves to whether the text is stored.
  const store = async (name, text) => {
    const at = prefix + name;
    const key = [...owner, name];
    const noted = journal((j) => (j.setItem(at, text), true));
    if (!noted) journal((j) => j.removeItem(at)); // the older text is out of date
    const committed = () => journal((j) => j.getItem(at) === text && j.removeItem(at));
    try {
      await transact("readwrite", (kept) => (text ? kept.put([name, text], key) : kept.delete(key)));
      committed();
      return true;
    } catch {
      if (!text) database().catch(committed); // without a database nothing can reappear
      return !!noted;
    }
  };

  const put = (name, text) => {
    announce(name, text);
    return store(name, text);
  };

  // Resolves to entries: name, text, name, text …, including what other tabs have just
  // put; and to durable: whether anything can be stored. If the database is slow, its
  // entries are missing; they can be read once onPut is called with "".
  const read = async () => {
    const all = new Map();
    let works = true;
    try {
      for (const [name, text] of await transact("readonly", (kept) => kept.getAll(range(owner)))) all.set(name, text);
    } catch {
      works = false;
      if (!late) database().then(() => onPut("", ""), () => {});
      late = true;
    }
    const noted = journal((j) => Object.entries(j).filter(([at]) => at.startsWith(prefix)));
    for (const [at, text] of noted ?? []) {
      const name = at.slice(prefix.length);
      if (text) all.set(name, text);
      else all.delete(name);
      if (firstRead && works) store(name, text); // a tab ended before the database had committed
    }
    firstRead = false;
    return { entries: [...all].flat(), durable: works || !!noted };
  };

  // Calls onLock once this tab has the lock, which it keeps until unlock is called.
  // Without HTTPS browsers have no locks, and onLock is called anyway.
  const lock = (onLock) => {
    let held = false;
    const hold = () => {
      held = true;
      const unlocked = new Promise((done) => (unlock = done));
      onLock();
      return unlocked;
    };
    const ask = async (options) => navigator.locks.request(prefix, options, hold);
    ask({ signal: AbortSignal.timeout(lockTimeout) })
      .catch(() => held || ask({ steal: true }))
      .catch(() => held || onLock());
  };

  // Files by key. A key begins with the time in base 36; storing a file deletes old ones.
  const files = {
    store: async (key, file) => {
      const old = (Date.now() - maxFileAge).toString(36).padStart(9, "0");
      await transact("readwrite", (all) => all.delete(IDBKeyRange.bound([...owner, ""], [...owner, old])), "files");
      await transact("readwrite", (all) => all.put(file, [...owner, key]), "files");
    },
    load: (key) => transact("readonly", (all) => all.get([...owner, key]), "files"),
    drop: (key) => owner && transact("readwrite", (all) => all.delete([...owner, key]), "files").catch(() => {}),
  };

  // Deletes everything that is stored for an instance and user, or for an instance.
  const purge = async (...owner) => {
    const begins = JSON.stringify(owner).slice(0, -1);
    journal((j) => Object.keys(j).forEach((at) => at.startsWith(begins) && j.removeItem(at)));
    for (const name of ["kept", "files"]) await transact("readwrite", (all) => all.delete(range(owner)), name).catch(() => {});
  };

  return { files, open, announce, put, read, lock, unlock: () => unlock(), purge };
};
