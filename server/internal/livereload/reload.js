// Keeps an open page at the newest build. Development only.
(() => {
  "use strict";

  let seen;

  // Takes the style sheet that the gateway's pages name now, without a reload.
  const restyle = async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const old = document.querySelector('link[rel="stylesheet"]');
    const fresh = old.cloneNode();
    fresh.href = page.querySelector('link[rel="stylesheet"]').getAttribute("href");
    fresh.onload = () => old.remove();
    old.after(fresh);
  };

  new EventSource("/dev/events").addEventListener("build", ({ data }) => {
    const [page, style] = data.split(".");
    if (seen && seen.page !== page) location.reload();
    else if (seen && seen.style !== style) restyle().catch(() => location.reload());
    seen = { page, style };
  });
})();
