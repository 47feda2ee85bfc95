// Stores texts by name, for one user of one gateway, so that they outlast every tab:
// above all messages that are not sent yet. IndexedDB stores them; a journal in
// localStorage, written before put returns, covers the time until IndexedDB has
// committed. If a browser allows only one of the two, that one is used. Storing an empty
// text deletes it. Files that are not uploaded yet are stored in IndexedDB only.
//
// The tabs of a user send each other what they put and broadcast, and take turns by a
// lock. onMessage(name, text) is called with what another tab has sent, and with "" and ""
// when a slow database has become readable.
const createStorage = (onMessage) => {
  "use strict";

  const databaseTimeout = 2000; // milliseconds; the database may still answer later
  const lockTimeout = 4000; // milliseconds; a tab that has the lock for longer is frozen
  const maxFileAge = 30 * 24 * 3600 * 1000; // milliseconds
  let owner; // [instance, user]
  let prefix; // of the owner's keys in the journal
  let channel;
  let unlock = () => {};
  let opening; // promise of the database
  let firstRead = true; // readAll has not returned yet
  let late = false; // readAll has returned without the database

  const withTimeout = (promise) =>
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
    const db = await withTimeout(database());
    return withTimeout(
      new Promise((resolve, reject) => {
        const tx = db.transaction(name, mode, { durability: "strict" });
        const request = act(tx.objectStore(name));
        tx.oncomplete = () => resolve(request.result);
        tx.onabort = () => reject(tx.error);
      }),
    );
  };

  // Returns the range of all keys of an owner, or of [instance]: an array sorts after every
  // string.
  const keyRange = (owner) => IDBKeyRange.bound(owner, [...owner, []]);

  // Returns what act(localStorage) returns; undefined if the browser allows no localStorage.
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
    try {
      channel = new BroadcastChannel(prefix);
    } catch {
      return 0; // an old browser, or Firefox, which forbids it where it forbids cookies
    }
    channel.onmessage = ({ data: [name, text] }) => onMessage(name, text);
    return 1;
  };

  const broadcast = (name, text) => channel?.postMessage([name, text]);

  // Resolves to whether the text is stored.
  const store = async (name, text) => {
    const entry = prefix + name; // of the journal
    const key = [...owner, name]; // of the database
    const journaled = journal((j) => (j.setItem(entry, text), true));
    if (!journaled) journal((j) => j.removeItem(entry)); // the older text is out of date
    const removeEntry = () => journal((j) => j.getItem(entry) === text && j.removeItem(entry));
    try {
      await transact("readwrite", (texts) => (text ? texts.put([name, text], key) : texts.delete(key)));
      removeEntry();
      return true;
    } catch {
      if (!text) database().catch(removeEntry); // without a database nothing can reappear
      return !!journaled;
    }
  };

  const put = (name, text) => {
    broadcast(name, text);
    return store(name, text);
  };

  // Resolves to entries: name, text, name, text …, including what other tabs have just
  // put; and to durable: whether anything can be stored. If the database is slow, its
  // entries are missing; they can be read once onMessage is called with the name "".
  const readAll = async () => {
    const all = new Map();
    let works = true; // the database could be read
    try {
      for (const [name, text] of await transact("readonly", (texts) => texts.getAll(keyRange(owner)))) all.set(name, text);
    } catch {
      works = false;
      if (!late) database().then(() => onMessage("", ""), () => {});
      late = true;
    }
    const journaled = journal((j) => Object.entries(j).filter(([entry]) => entry.startsWith(prefix)));
    for (const [entry, text] of journaled ?? []) {
      const name = entry.slice(prefix.length);
      if (text) all.set(name, text);
      else all.delete(name);
      if (firstRead && works) store(name, text); // a tab ended before the database had committed
    }
    firstRead = false;
    return { entries: [...all].flat(), durable: works || !!journaled };
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
    delete: (key) => owner && transact("readwrite", (all) => all.delete([...owner, key]), "files").catch(() => {}),
  };

  // Deletes everything that is stored for an instance and user, or for all users of an
  // instance.
  const purge = async (...owner) => {
    const begins = JSON.stringify(owner).slice(0, -1);
    journal((j) => Object.keys(j).forEach((entry) => entry.startsWith(begins) && j.removeItem(entry)));
    for (const name of ["kept", "files"]) await transact("readwrite", (all) => all.delete(keyRange(owner)), name).catch(() => {});
  };

  return { files, open, broadcast, put, readAll, lock, unlock: () => unlock(), purge };
};
