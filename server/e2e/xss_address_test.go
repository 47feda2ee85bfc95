package e2e

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// fetch requests pages, parses them without running them, looks for faults, and returns
// the texts of the elements that match.
func (s *xssSuite) fetch(w *monitor, urls []string, selector string) []string {
	s.t.Helper()
	w.run("fetch", chromedp.Evaluate[chromedp.Void](findFaultsScript+`; window.fetched = undefined; (async () => {
		const found = { texts: [], faults: [], kinds: [] };
		const look = async (url) => {
			const response = await fetch(url, { redirect: "manual" });
			if (response.type === "opaqueredirect") return found.faults.push("redirected: " + url);
			const kind = response.headers.get("Content-Type") ?? "none";
			if (!kind.startsWith("text/html")) return found.kinds.includes(kind) || found.kinds.push(kind);
			const doc = new DOMParser().parseFromString(await response.text(), "text/html");
			found.faults.push(...xssSweep(doc).map((fault) => url + ": " + fault));
			for (const el of doc.querySelectorAll(`+toJSON(selector)+`)) found.texts.push(el.getAttribute("value") ?? el.textContent);
		};
		const urls = `+toJSON(urls)+`;
		await Promise.all(Array.from({ length: 4 }, async () => { while (urls.length) await look(urls.shift()); }));
		return found;
	})().then((found) => window.fetched = found, (err) => window.fetched = { texts: [], faults: [String(err)], kinds: [] }); void 0`))
	w.within(5*time.Minute, "the pages", `window.fetched !== undefined`) // hundreds of them
	type found struct{ Texts, Faults, Kinds []string }
	f := evaluate[found](w.tab, `window.fetched`)
	if len(f.Faults) > 0 {
		s.t.Errorf("%d faults in what was fetched: %q", len(f.Faults),
			f.Faults[:min(5, len(f.Faults))])
	}
	for _, kind := range f.Kinds {
		if !slices.Contains([]string{"application/json", "image/svg+xml", "text/plain; charset=utf-8"}, kind) {
			s.t.Errorf("fetched: something of type %s", kind)
		}
	}
	return f.Texts
}

// queries requests every page with the attacks in its address.
func (s *xssSuite) queries() {
	var pages, search []string
	for _, a := range s.attacks {
		q, p := url.QueryEscape(a.text), url.PathEscape(a.text)
		search = append(search, s.gateway.url("/admin/sessions?q="+q+"&user="+q+"&after="+q),
			s.gateway.url("/admin/clients?q="+q),
			s.gateway.url("/admin/audit?q="+q+"&user="+q+"&action="+q+"&since="+q+"&until="+q+"&before="+q))
		for _, path := range []string{"/admin?", "/admin/keys?q=", "/admin/status?", "/?next=", "/login?next=", "/pair/qr.svg?url=", "/s/", "/", "/admin/", "/static/", "/api/", "/api/media/"} {
			if strings.Contains(path, "?") {
				pages = append(pages, s.gateway.url(path+q))
			} else {
				pages = append(pages, s.gateway.url(path+p))
			}
		}
	}
	asked := s.fetch(s.consoleNoClient, search, "input[name=q], input[name=user]")
	s.checkShown("search", asked, texts(s.attacks))
	s.fetch(s.consoleNoClient, pages, "h1")
	s.count(s.shown, "address", len(pages))
	for group := range slices.Chunk(s.attacks, 16) {
		var q [5]string
		for i := range q {
			q[i] = url.QueryEscape(strings.Join(texts(group[min(3*i, len(group)-1):]), " "))
		}
		s.consoleNoClient.visit(s.gateway.url("/admin/audit?q=" + q[0] + "&user=" + q[1] +
			"&action=" + q[2] + "&since=" + q[3] + "&before=" + q[4] + "#" + q[0]))
		s.consoleNoClient.checkHarmless("search")
	}
}

// fragments puts the attacks behind the # of addresses.
func (s *xssSuite) fragments() {
	for w, paths := range map[*monitor][]string{s.console: {"/admin", "/admin/audit"}, s.chat: {"/", "/login"}} {
		for _, path := range paths {
			w.run("open", chromedp.Navigate(s.gateway.url(path+"#"+url.PathEscape(strings.Join(texts(s.attacks[:40]), " ")))))
			w.waitForClient()
			w.run("go to fragments", chromedp.Evaluate[chromedp.Void](`for (const text of `+toJSON(texts(s.attacks))+`) location.hash = text`))
			w.wait("the last", `location.hash.length > 1`)
			w.checkHarmless("fragments")
			s.count(s.shown, "fragment", len(s.attacks))
		}
	}
}
