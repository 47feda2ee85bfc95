package e2e

import (
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// fetch parses pages inert, looks at them, and gives the texts of a kind of place
// in them.
func (s *siege) fetch(w *watch, urls []string, selector string) []string {
	s.t.Helper()
	w.run("fetch", chromedp.Evaluate[chromedp.Void](sweeper+`; window.fetched = undefined; (async () => {
		const found = { texts: [], faults: [], kinds: [] };
		const look = async (url) => {
			const response = await fetch(url, { redirect: "manual" });
			if (response.type === "opaqueredirect") return found.faults.push("redirected: " + url);
			const kind = response.headers.get("Content-Type") ?? "none";
			if (!kind.startsWith("text/html")) return found.kinds.includes(kind) || found.kinds.push(kind);
			const doc = new DOMParser().parseFromString(await response.text(), "text/html");
			found.faults.push(...xssSweep(doc).map((fault) => url + ": " + fault));
			for (const el of doc.querySelectorAll(`+script(selector)+`)) found.texts.push(el.getAttribute("value") ?? el.textContent);
		};
		const urls = `+script(urls)+`;
		await Promise.all(Array.from({ length: 4 }, async () => { while (urls.length) await look(urls.shift()); }));
		return found;
	})().then((found) => window.fetched = found, (err) => window.fetched = { texts: [], faults: [String(err)], kinds: [] }); void 0`))
	w.wait("the pages", `window.fetched !== undefined`)
	type found struct{ Texts, Faults, Kinds []string }
	f := evaluate[found](w.tab, `window.fetched`)
	if len(f.Faults) > 0 {
		s.t.Errorf("%d faults in what was fetched: %q", len(f.Faults), f.Faults[:min(5, len(f.Faults))])
	}
	for _, kind := range f.Kinds {
		if !slices.Contains([]string{"application/json", "image/svg+xml", "text/plain; charset=utf-8"}, kind) {
			s.t.Errorf("fetched: something of type %s", kind)
		}
	}
	return f.Texts
}

// queries ask every page for the attacks, in its address.
func (s *siege) queries() {
	var pages, search []string
	for _, a := range s.all {
		q, p := url.QueryEscape(a.text), url.PathEscape(a.text)
		search = append(search, s.g.url("/admin/sessions?q="+q+"&user="+q+"&after="+q), s.g.url("/admin/clients?q="+q),
			s.g.url("/admin/audit?q="+q+"&user="+q+"&action="+q+"&since="+q+"&until="+q+"&before="+q))
		for _, path := range []string{"/admin?", "/admin/keys?q=", "/admin/status?", "/?next=", "/login?next=", "/pair/qr.svg?url=", "/s/", "/", "/admin/", "/static/", "/api/", "/api/media/"} {
			if strings.Contains(path, "?") {
				pages = append(pages, s.g.url(path+q))
			} else {
				pages = append(pages, s.g.url(path+p))
			}
		}
	}
	asked := s.fetch(s.bare, search, "input[name=q], input[name=user]")
	s.arrived("search", asked, texts(s.all))
	s.fetch(s.bare, pages, "h1")
	s.count(s.shown, "address", len(pages))
	for group := range slices.Chunk(s.all, 16) {
		var q [5]string
		for i := range q {
			q[i] = url.QueryEscape(strings.Join(texts(group[min(3*i, len(group)-1):]), " "))
		}
		s.bare.visit(s.g.url("/admin/audit?q=" + q[0] + "&user=" + q[1] + "&action=" + q[2] + "&since=" + q[3] + "&before=" + q[4] + "#" + q[0]))
		s.bare.harmless("search")
	}
}

// fragments lead to what is in a page, or carry the code of a link.
func (s *siege) fragments() {
	for w, paths := range map[*watch][]string{s.console: {"/admin", "/admin/audit"}, s.chat: {"/", "/login"}} {
		for _, path := range paths {
			w.run("open", chromedp.Navigate(s.g.url(path+"#"+url.PathEscape(strings.Join(texts(s.all[:40]), " ")))))
			w.taken()
			w.run("go to fragments", chromedp.Evaluate[chromedp.Void](`for (const text of `+script(texts(s.all))+`) location.hash = text`))
			w.wait("the last", `location.hash.length > 1`)
			w.harmless("fragments")
			s.count(s.shown, "fragment", len(s.all))
		}
	}
}
