package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// monitor finds out whether texts in a tab have become more than text: code that ran, a
// dialog, a violated policy, a request to another host, or elements and attributes that
// no template has.
type monitor struct {
	*tab
	host string   // the gateway's; requests may go to no other
	ids  []string // ids that elements may have; nil: any

	// mu guards the following fields.
	mu         sync.Mutex
	ran        []string // arguments of calls of xss
	dialogs    []string
	violations []string
	foreign    []string // requests to other hosts
	requests   int
}

// monitorScript runs in every document before its own scripts. Attacks that run call xss.
const monitorScript = `(() => {
	const tell = globalThis.xssTold;
	globalThis.xss = (id) => tell("ran " + id);
	addEventListener("securitypolicyviolation", (e) =>
		tell("violation " + e.effectiveDirective + " " + e.blockedURI + " " + e.sample + " " + location.href), true);
})()`

// startMonitor watches a tab from its next navigation on.
func startMonitor(b *tab, g *gatehouse) *monitor {
	b.t.Helper()
	w := &monitor{tab: b, host: g.Address}
	if err := chromedp.Listen(b.ctx, w.listen); err != nil {
		b.t.Fatal(err)
	}
	b.run("watch",
		command(network.Enable, network.EnableParams{}),
		command(audits.Enable, cdp.Empty{}),
		command(runtime.AddBinding, runtime.AddBindingParams{Name: "xssTold"}),
		command(page.AddScriptToEvaluateOnNewDocument,
			page.AddScriptToEvaluateOnNewDocumentParams{Source: monitorScript}),
	)
	return w
}

func (w *monitor) listen(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventBindingCalled:
		kind, what, _ := strings.Cut(e.Payload, " ")
		if kind == "ran" {
			w.ran = append(w.ran, what)
		} else {
			w.violations = append(w.violations, what)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			w.violations = append(w.violations,
				"an issue: "+fmt.Sprint(*e.Issue.Details.ContentSecurityPolicyIssueDetails))
		}
	case *page.EventJavascriptDialogOpening:
		w.dialogs = append(w.dialogs, e.Message)
		go func() { // a page is blocked while it has a dialog
			_ = chromedp.Do(w.ctx, command(page.HandleJavaScriptDialog,
				page.HandleJavaScriptDialogParams{Accept: true}))
		}()
	case *network.EventRequestWillBeSent:
		w.requests++
		if u, err := url.Parse(e.Request.URL); err != nil || u.Host != w.host && !slices.Contains([]string{"data", "blob", "about"}, u.Scheme) {
			w.foreign = append(w.foreign, e.Request.URL)
		}
	}
}

// counts returns how often code ran, and how many dialogs, violations and requests to
// other hosts there were.
func (w *monitor) counts() (ran, dialogs, violations, foreign int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ran), len(w.dialogs), len(w.violations), len(w.foreign)
}

// checkHarmless fails if an attack has had any effect.
func (w *monitor) checkHarmless(where string) {
	w.t.Helper()
	for _, fault := range w.findFaults("document") {
		w.t.Errorf("%s: %s", where, fault)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for kind, list := range map[string]*[]string{"ran": &w.ran, "dialog": &w.dialogs, "violation": &w.violations, "foreign request": &w.foreign} {
		for _, what := range *list {
			w.t.Errorf("%s: %s: %s", where, kind, what)
		}
		*list = nil
	}
}

// findFaults lists what is in a document (an expression) that neither a template nor a
// formatted message has.
func (w *monitor) findFaults(document string) []string {
	w.t.Helper()
	return evaluate[[]string](w.tab, `globalThis.xssIDs = `+toJSON(w.ids)+`; `+findFaultsScript+`; globalThis.xssSweep(`+document+`)`)
}

// findFaultsScript defines xssSweep. Users' text may become the elements of prose, with
// links to other places and nothing else. Around prose are the templates' elements.
const findFaultsScript = `globalThis.xssSweep ??= (() => {
	const set = (words) => new Set(words.trim().split(/\s+/));
	const tags = set("html head meta title link script body noscript template svg symbol path circle rect line g use defs " +
		"div article span p a b i button form input textarea label ul ol li nav main aside header footer section h1 h2 h3 h4 h5 h6 img " +
		"table thead tbody tr th td time details summary dialog strong em code pre blockquote hr br del dl dt dd select option " +
		"datalist fieldset legend progress small kbd");
	const prose = set("p h1 h2 h3 h4 h5 h6 ul ol li blockquote hr br em strong del sub sup kbd mark code pre a table thead tbody tr th td input div span button " +
		"math semantics annotation mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd mstyle mphantom mpadded");
	const proseAttributes = set("href rel target align start class type disabled checked data-action data-lang tabindex role aria-label " +
		"display encoding mathvariant linethickness stretchy fence form minsize maxsize lspace rspace movablelimits accent accentunder displaystyle scriptlevel width height depth");
	const attributes = set("id class href src alt title type name value placeholder for dir lang width height loading decoding rel " +
		"target datetime disabled checked selected required readonly maxlength max autocomplete autocapitalize spellcheck hidden " +
		"open popover popovertarget popovertargetaction tabindex scope list role method enterkeyhint content charset media crossorigin " +
		"as defer viewbox d fill fill-rule fill-opacity clip-rule stroke stroke-width stroke-linecap stroke-linejoin stroke-opacity " +
		"stroke-dasharray opacity cx cy r x y x1 y1 x2 y2 rx ry transform points xmlns preserveaspectratio rows download multiple accept draggable pathlength focusable");
	const around = /^(data|aria)-[a-z-]+$/;
	const url = (value) => { try { return new URL(value, location.href); } catch { return { protocol: "none:" }; } };

	const bodyFault = (el) => {
		if (!prose.has(el.localName)) return "element";
		for (const { name, value } of el.attributes) if (!proseAttributes.has(name)) return "attribute " + name;
		if (el.localName === "a" && !/^(https?|mailto):$/.test(url(el.getAttribute("href")).protocol)) return "link";
		if (el.localName === "a" && (el.target !== "_blank" || !el.rel.includes("noopener"))) return "opener";
		if (el.localName === "input" && !(el.type === "checkbox" && el.disabled)) return "input";
		if (el.hasAttribute("data-action") && el.dataset.action !== "copy-code") return "action";
	};
	const pageFault = (el) => {
		if (!tags.has(el.localName)) return "element";
		for (const { name, value } of el.attributes) {
			if (!attributes.has(name.toLowerCase()) && !around.test(name) && !(name === "autofocus" && el.localName === "dialog")) return "attribute " + name;
			if ((name === "href" || name === "src") && !["data:", "blob:"].includes(url(value).protocol) && url(value).origin !== location.origin) return name;
			if (name === "href" && !/^https?:$/.test(url(value).protocol)) return name;
			if (name === "src" && el.localName !== "img" && !url(value).pathname.startsWith("/static/")) return name;
		}
		if (el.localName === "script" && (!el.src || el.textContent)) return "inline";
		if (el.localName === "meta" && el.httpEquiv) return "http-equiv";
	};
	return (root) => {
		const faults = [];
		const ids = new Map();
		const look = (part) => {
			for (const el of part.querySelectorAll("*")) {
				const body = el.parentElement?.closest("[data-slot=body]");
				const fault = body ? bodyFault(el) : pageFault(el);
				if (fault) faults.push(fault + ": " + el.outerHTML.slice(0, 200));
				if (el.id) ids.set(el.id, (ids.get(el.id) ?? 0) + 1);
				if (el.localName === "template") look(el.content);
			}
		};
		look(root);
		for (const [id, n] of ids) if (n > 1 || (globalThis.xssIDs && !xssIDs.includes(id))) faults.push("id " + id + " " + n + " times");
		return faults.slice(0, 20);
	};
})()`

// TestMonitorFindsAttacks shows that the other tests can fail: in a real page, with its
// policy and without it, each detector finds what is put there.
func TestMonitorFindsAttacks(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	b := user.openBeside()
	b.expectProblem("") // any problem
	w := startMonitor(b, g)
	put := func(html string) {
		w.run("put it in", chromedp.Evaluate[chromedp.Void](`void document.querySelector("#messages").append(
			document.createRange().createContextualFragment(`+toJSON(html)+`))`))
	}
	w.open(g.url("/"))
	w.checkHarmless("before")

	for _, html := range []string{
		`<img src=/x onerror=xss(1)>`, `<b onclick=xss(1)>x</b>`, `<script>xss(1)</script>`, `<iframe srcdoc=x></iframe>`, `<object></object>`,
		`<base href=/>`, `<meta http-equiv=refresh content=9>`, `<form action=/x></form>`, `<button formaction=/x>x</button>`, `<p style=color:red>x</p>`,
		`<a href="javascript:xss(1)">x</a>`, `<a href="//evil.invalid">x</a>`, `<img src="//evil.invalid/i.png">`, `<a id=gatehouse>x</a>`, `<svg onload=xss(1)>`,
		`<template><img src=x onerror=xss(1)></template>`, `<p data-slot=body><a href="data:text/html,x">x</a></p>`,
		`<p data-slot=body><b data-action=sign-out>x</b></p>`, `<p data-slot=body><span id=x>x</span></p>`,
	} {
		put(html)
		if len(w.findFaults("document")) == 0 {
			t.Errorf("the sweep does not find %s", html)
		}
		w.run("take it out", chromedp.Evaluate[chromedp.Void](`void document.querySelector("#messages").replaceChildren()`))
	}
	ran, dialogs, violations, foreign := w.counts()
	if ran+dialogs != 0 || violations == 0 || foreign == 0 { // requests that the policy stops are reported too
		t.Errorf("under the policy: %d ran, %d dialogs, %d foreign requests, %d violations", ran,
			dialogs, foreign, violations)
	}

	w.run("lift the policy", command(page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}))
	w.open(g.url("/"))
	put(`<img src=/x onerror=xss(1)><img src=/x onerror=alert(2)><img src="http://evil.invalid/i.png">`)
	w.await("all three", func() bool { return slices.Contains(w.ran, "1") && len(w.dialogs) > 0 && len(w.foreign) > 0 })

	// Most attacks are real: in an empty page without a policy, they run by themselves.
	w.run("try all", chromedp.Evaluate[chromedp.Void](`for (const text of `+toJSON(texts(attacks(t)))+`) {
		const frame = document.createElement("iframe");
		frame.srcdoc = text;
		document.body.append(frame);
	}`))
	real := func() int {
		return len(slices.Compact(slices.Sorted(slices.Values(w.ran))))
	}
	w.await("most attacks", func() bool { return real() >= 50 })
	w.mu.Lock()
	t.Logf("%d of %d attacks run by themselves in an empty page without a policy", real(),
		len(attacks(t)))
	w.mu.Unlock()
}

// await waits until a condition on what was found holds.
func (w *monitor) await(what string, holds func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, waitLimit)
	defer cancel()
	for {
		w.mu.Lock()
		ok := holds()
		w.mu.Unlock()
		if ok {
			return
		}
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`1`)); ctx.Err() != nil {
			w.t.Fatalf("%s: not seen: %v", what, err)
		}
	}
}

// toJSON returns a value as JSON, which is an expression of JavaScript too.
func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
