// Holds the files that a user attaches, by a key that is made here: in memory, and,
// until they are uploaded, in IndexedDB past the end of the tab (see keep.js).
//
// picked(files) tells of new ones, with the size of what is a picture.
const files = (kept, picked) => {
  "use strict";

  const held = new Map(); // { file, picture, request }, by key
  const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"];
  const looking = 3000; // milliseconds that the size of a picture may take
  const stalled = 60000; // milliseconds without progress

  // Keys begin with the time, so that old ones can be told.
  const makeKey = () => {
    const random = crypto.getRandomValues(new Uint32Array(2));
    return [Date.now(), ...random].map((n) => n.toString(36).padStart(9, "0")).join("");
  };

  // Resolves to width and height; 0 for what the browser cannot show.
  const measure = (picture) =>
    new Promise((done) => {
      const img = new Image();
      const end = () => done([img.naturalWidth, img.naturalHeight]);
      img.onload = img.onerror = end;
      setTimeout(end, looking);
      img.src = picture;
    });

  const hold = (key, file) => {
    const picture = pictures.includes(file.type) ? URL.createObjectURL(file) : "";
    held.set(key, { file, picture });
    return picture;
  };

  const describe = async (file) => {
    const key = makeKey();
    const picture = hold(key, file);
    const [width, height] = picture ? await measure(picture) : [0, 0];
    if (!width) held.get(key).picture = "";
    return { key, media: { path: "", filename: file.name, mimeType: file.type, size: file.size, width, height } };
  };

  const pick = async (list) => list.length && picked(await Promise.all(list.map(describe)));

  // A pasted picture has a name that says nothing, and the same each time.
  const named = (file) =>
    file.name && !/^image\.\w+$/.test(file.name)
      ? file
      : new File([file], "pasted " + new Date().toISOString().slice(0, 19).replaceAll(":", "-") + "." + file.type.split("/").pop(), {
          type: file.type,
        });

  // What is dropped: files, without folders.
  const dropped = ({ items, files: list }) => {
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
      // Office programs bring a picture along with their text.
      if (!list.length || input.disabled || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      pick(list.map(named));
    });
    let over = 0; // elements deep
    const show = (on) => room.setAttribute(drag, on);
    const brings = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => {
      if (!brings(event)) return;
      over++;
      show(!input.disabled);
    });
    addEventListener("dragleave", (event) => {
      if (brings(event) && --over <= 0) show(false);
    });
    // Also beside the room: a file that is dropped there must not replace the page.
    addEventListener("dragover", (event) => brings(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      over = 0;
      show(false);
      if (!input.disabled) pick(dropped(event.dataTransfer));
    });
  };

  // Calls done with the status, 0 when there was no answer, and the answer's text.
  const upload = (key, path, progress, done) => {
    const entry = held.get(key);
    if (!entry) return done(0, "");
    const form = new FormData();
    form.append("file", entry.file, entry.file.name);
    const request = (entry.request = new XMLHttpRequest());
    let last = -1;
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), stalled);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      alive();
      const percent = Math.min(99, Math.floor((100 * loaded) / total));
      if (percent !== last) progress((last = percent));
    };
    request.onloadend = () => {
      clearTimeout(watch);
      entry.request = undefined;
      done(request.status, request.responseText);
    };
    request.open("POST", path);
    request.send(form);
    alive();
  };

  // Lets go of a file; its picture stays for as long as the page shows it.
  const forget = (key) => {
    held.get(key)?.request?.abort();
    kept.drop(key);
  };

  const clear = () => {
    for (const { picture, request } of held.values()) {
      request?.abort();
      URL.revokeObjectURL(picture);
    }
    held.clear();
  };

  // Resolves to whether the file outlasts the tab.
  const keep = async (key) => kept.store(key, held.get(key).file);

  // Takes up a file that was kept.
  const load = async (key) => {
    const file = held.has(key) || (await kept.load(key));
    if (!file) throw new Error("no file is kept under " + key);
    if (!held.has(key)) hold(key, file);
  };

  // The address of a picture; "" for what is none.
  const picture = (key) => held.get(key)?.picture;

  return { picture, listen, upload, forget, clear, keep, load };
};
