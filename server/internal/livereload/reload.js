// Reloads an open page when a new build runs. Development only.
(() => {
  "use strict";

  const source = document.currentScript.src;
  let loaded; // the build that the page was loaded from

  // Replaces the style sheet by the one that the page has now, without a reload.
  const replaceStyleSheet = async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const old = document.querySelector('link[rel="stylesheet"]');
    const fresh = old.cloneNode();
    fresh.href = page.querySelector('link[rel="stylesheet"]').getAttribute("href");
    fresh.onload = () => old.remove();
    old.after(fresh);
  };

  new EventSource(new URL("events", source)).addEventListener("build", ({ data }) => {
    const [page, style] = data.split(".");
    if (loaded && loaded.page !== page) location.reload();
    else if (loaded && loaded.style !== style) replaceStyleSheet().catch(() => location.reload());
    loaded = { page, style };
  });
})();
