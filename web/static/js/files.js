// Holds the files that a user attaches, by a generated key: in memory and, until they
// are uploaded, in IndexedDB (see storage.js), where they outlast the tab.
//
// storedFiles stores, loads and deletes files (storage.js). onPick(files) is called with
// new files; pictures have their width and height.
const createFiles = (storedFiles, onPick) => {
  "use strict";

  const attached = new Map(); // { file, picture, request }, by key
  const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"];
  const measureTimeout = 3000; // milliseconds
  const uploadTimeout = 60000; // milliseconds without progress

  // Keys begin with the time, so that old files can be found and deleted.
  const makeKey = () => {
    const random = crypto.getRandomValues(new Uint32Array(2));
    return [Date.now(), ...random].map((n) => n.toString(36).padStart(9, "0")).join("");
  };

  // Resolves to width and height, or to 0 for pictures that the browser cannot show.
  const measure = (picture) =>
    new Promise((done) => {
      const img = new Image();
      const end = () => done([img.naturalWidth, img.naturalHeight]);
      img.onload = img.onerror = end;
      setTimeout(end, measureTimeout);
      img.src = picture;
    });

  // Takes a file and returns the address of its picture, "" if it is none.
  const add = (key, file) => {
    const picture = pictures.includes(file.type) ? URL.createObjectURL(file) : "";
    attached.set(key, { file, picture });
    return picture;
  };

  // Takes a file, and resolves to what the client is told of it.
  const describe = async (file) => {
    const key = makeKey();
    const picture = add(key, file);
    const [width, height] = picture ? await measure(picture) : [0, 0];
    if (!width) attached.get(key).picture = "";
    return { key, media: { path: "", filename: file.name, mimeType: file.type, size: file.size, width, height } };
  };

  const pick = async (list) => list.length && onPick(await Promise.all(list.map(describe)));

  // Attaches a text as a file with that name.
  const attachText = (name, text) => pick([new File([text], name, { type: "text/plain" })]);

  // Gives a pasted picture a name by the time: they all have the same name.
  const withName = (file) =>
    file.name && !/^image\.\w+$/.test(file.name)
      ? file
      : new File([file], "pasted " + new Date().toISOString().slice(0, 19).replaceAll(":", "-") + "." + file.type.split("/").pop(), {
          type: file.type,
        });

  // Returns the dropped files, without folders.
  const droppedFiles = ({ items, files: list }) => {
    const folders = [...items].map((item) => item.kind === "file" && item.webkitGetAsEntry?.()?.isDirectory);
    const entries = [...items].filter((item) => item.kind === "file");
    if (entries.length !== list.length) return [...list];
    return entries.filter((_, i) => !folders[i]).map((item) => item.getAsFile()).filter(Boolean);
  };

  const listen = (input, room, drag) => {
    if (!input || !room) return;
    input.addEventListener("change", () => {
      pick([...input.files]);
      input.value = "";
    });
    document.addEventListener("paste", (event) => {
      const list = [...(event.clipboardData?.files ?? [])];
      // Office programs paste a picture beside their text: take the text.
      if (!list.length || input.disabled || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      pick(list.map(withName));
    });
    let depth = 0; // of the elements that files are dragged over
    const showDrag = (on) => room.setAttribute(drag, on);
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      depth++;
      showDrag(!input.disabled);
    });
    addEventListener("dragleave", (event) => {
      if (hasFiles(event) && --depth <= 0) showDrag(false);
    });
    // On the whole window: a dropped file must never replace the page.
    addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      showDrag(false);
      if (!input.disabled) pick(droppedFiles(event.dataTransfer));
    });
  };

  // Calls done with the HTTP status, 0 if there was no response, and the response's text.
  const upload = (key, path, progress, done) => {
    const entry = attached.get(key);
    if (!entry) return done(0, "");
    const form = new FormData();
    form.append("file", entry.file, entry.file.name);
    const request = (entry.request = new XMLHttpRequest());
    let last = -1;
    let timer;
    const restartTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), uploadTimeout);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      restartTimer();
      const percent = Math.min(99, Math.floor((100 * loaded) / total));
      if (percent !== last) progress((last = percent));
    };
    request.onloadend = () => {
      clearTimeout(timer);
      entry.request = undefined;
      done(request.status, request.responseText);
    };
    request.open("POST", path);
    request.send(form);
    restartTimer();
  };

  // Forgets a file. Its picture stays valid, since the page may still show it.
  const forget = (key) => {
    attached.get(key)?.request?.abort();
    storedFiles.delete(key);
  };

  const clear = () => {
    for (const { picture, request } of attached.values()) {
      request?.abort();
      URL.revokeObjectURL(picture);
    }
    attached.clear();
  };

  // Resolves once the file is stored, so that it outlasts the tab.
  const store = async (key) => storedFiles.store(key, attached.get(key).file);

  // Loads a stored file into memory.
  const load = async (key) => {
    const file = attached.has(key) || (await storedFiles.load(key));
    if (!file) throw new Error("no file is stored under " + key);
    if (!attached.has(key)) add(key, file);
  };

  // Returns the address of a picture, or "" for other files.
  const picture = (key) => attached.get(key)?.picture;

  return { picture, listen, attachText, upload, forget, clear, store, load };
};
