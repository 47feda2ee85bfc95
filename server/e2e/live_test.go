package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// randomPages refreshes a page from one random page after another, and puts the first fault
// into window.verdict. After each refresh, the page has to equal its source; a row that
// stayed the same has to be the same element, with its focus. The focus of a row that went has
// to go to a row beside it.
const randomPages = `
(async () => {
	let seed = 20260301;
	const random = (n) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8) % n;
	const some = (n, make) => Array.from({ length: random(n) }, make).join("");
	const row = (key) => '<li data-row="' + key + '"' + (random(3) ? "" : ' class="c' + random(3) + '"') + '><a href="#' + key + '">' + key + '</a>' +
		(random(2) ? " words " + random(3) : "") + some(2, () => "<b>" + random(3) + "</b>") + "</li>";
	const list = () => {
		const keys = [..."abcdefgh"].filter(() => random(3));
		for (let i = keys.length - 1; i > 0 && !random(4); i--) {
			const j = random(i + 1);
			[keys[i], keys[j]] = [keys[j], keys[i]];
		}
		return some(2, () => "<p>note " + random(3) + "</p>") + '<ul data-row="list">' + keys.map((key) => some(2, () => "\n") + row(key)).join("") + "</ul>" +
			some(2, () => "<nav>" + some(3, () => "<a>" + random(2) + "</a>") + "</nav>") + some(2, () => "text");
	};
	const part = document.createElement("div");
	part.dataset.live = "made";
	document.body.append(part);
	let next;
	window.fetch = async () => new Response('<body data-page="' + document.body.dataset.page + '" data-topics="x"><div data-live="made">' + next + "</div>");
	const { refresh } = createLive(createFocus());
	for (let round = 0; round < 500; round++) {
		next = list();
		const before = new Map([...part.querySelectorAll("[data-row]")].map((el) => [el.dataset.row, [el, el.outerHTML]]));
		const order = [...before.keys()];
		const link = part.querySelector('a[href="#' + order[random(order.length || 1)] + '"]');
		link?.focus();
		await refresh();
		const want = new DOMParser().parseFromString("<div>" + next + "</div>", "text/html").body.firstChild.innerHTML;
		if (part.innerHTML !== want) return round + ": " + part.innerHTML + " is not " + want;
		const kept = [...part.querySelectorAll("[data-row]")];
		for (const el of kept) {
			const was = before.get(el.dataset.row);
			if (was && was[0] !== el) return round + ": the row " + el.dataset.row + " was made anew";
		}
		const stayed = kept.map((el) => el.dataset.row).filter((key) => before.has(key));
		if (link?.isConnected && document.activeElement !== link) return round + ": the focus is lost";
		const neighbour = stayed.some((key) => key !== "list");
		if (link && !link.isConnected && neighbour && !part.contains(document.activeElement)) return round + ": no neighbour has the focus";
	}
	return document.body.dataset.topics === "x" ? "" : "data-topics does not follow";
})().then((said) => (window.verdict = said), (err) => (window.verdict = String(err)));
void 0`

func TestLivePartsFollowAnyPage(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.run("stop the client's own refreshes",
		chromedp.Evaluate[chromedp.Void](`void document.body.setAttribute("`+markup.AttrTopics+`", "")`))
	admin.run("bring it in line", chromedp.Evaluate[chromedp.Void](randomPages))
	admin.wait("it is done", `window.verdict !== undefined`)
	if verdict := evaluate[string](admin, `window.verdict`); verdict != "" {
		t.Error(verdict)
	}
}
