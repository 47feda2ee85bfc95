//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// withoutCookies has the gateway refuse pages, whose cookies the browser does not keep.
func withoutCookies(w *fakeBrowser, g *fakeGateway) {
	g.refuse("connect", &protocol.Error{Code: protocol.NotPaired,
		Details: &protocol.ErrorDetails{Status: "no_cookie"}})
	w.fetch = func(_, body string) (int, string) {
		if strings.Contains(body, `"cookie":true`) {
			return 409, `{"error":{"code":"FAILED_PRECONDITION","message":"no cookie"}}`
		}
		return 204, ""
	}
}

// TestPairingWithoutCookies proves that the page says so, and asks no more.
func TestPairingWithoutCookies(t *testing.T) {
	withPage(t, viewtest.Pairing, withoutCookies, func(s *harness) {
		eq(t, "the state", s.state(), "no-cookies")
		eq(t, "connect says", s.gateway.calls("connect")[0]["cookie"], any(true))
		s.wait(10 * time.Minute)
		eq(t, "asked", len(s.gateway.calls("connect")), 1)
		eq(t, "went to", strings.Join(s.browser.navigations, " "), "")
		// The user allows cookies, and tries again.
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		withPairing(s.browser, s.gateway)
		s.act("ask-again", s.browser.Root)
		s.wait(50 * time.Millisecond)
		eq(t, "the state", s.state(), "waiting")
	})
}

// TestPairingAtAnOlderGateway: a gateway that does not know the parameter answers with a
// secret, which only a client without a cookie gets.
func TestPairingAtAnOlderGateway(t *testing.T) {
	withPage(t, viewtest.Pairing, func(_ *fakeBrowser, g *fakeGateway) {
		g.on("connect", `{"protocol":3,"status":"pending_pairing","pairing_code":"ABCDEFGH","sender_id":"gd_x","server":{"name":"g","version":"1"}}`)
		g.on("browser.pairing.status", `{"status":"pending"}`)
	}, func(s *harness) {
		eq(t, "the state", s.state(), "no-cookies")
		eq(t, "the code", s.browser.Get("pairing-code").Text(), "")
		s.wait(10 * time.Minute)
		eq(t, "asked", len(s.gateway.calls("connect")), 1)
		eq(t, "polled", len(s.gateway.calls("browser.pairing.status")), 0)
	})
}

// TestApprovalThatTheBrowserForgets: the page was reloaded because this browser is approved,
// and is a stranger's again.
func TestApprovalThatTheBrowserForgets(t *testing.T) {
	withPage(t, viewtest.Pairing, func(w *fakeBrowser, g *fakeGateway) {
		withPairing(w, g)
		w.tabValues["i reloaded"] = "once"
	}, func(s *harness) {
		eq(t, "the state", s.state(), "no-cookies")
		s.act("ask-again", s.browser.Root)
		s.wait(50 * time.Millisecond)
		eq(t, "asked again by the user", s.state(), "waiting")
	})
}

func TestLoginWithoutCookies(t *testing.T) {
	withPage(t, viewtest.Login, func(w *fakeBrowser, g *fakeGateway) {
		withoutCookies(w, g)
		w.fragment = "c0de-of-the-link"
	}, func(s *harness) {
		eq(t, "the state", s.state(), "no-cookies")
		s.wait(10 * time.Minute)
		eq(t, "asked", len(s.browser.fetched), 2)
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		s.act("reconnect-now", s.browser.Root)
		s.wait(50 * time.Millisecond)
		eq(t, "the link still works", s.state(), "success")
		eq(t, "went to", strings.Join(s.browser.navigations, " "), "leave /admin")
	})
	withPageAgain := func(path, state string) {
		t.Run(path, func(t *testing.T) {
			withPage(t, viewtest.Login, func(w *fakeBrowser, _ *fakeGateway) {
				w.path = path
				w.tabValues["i reloaded"] = "signed in"
			}, func(s *harness) {
				eq(t, "the state", s.state(), state)
				eq(t, "noted", s.browser.tabValues["i reloaded"], "")
			})
		})
	}
	// The gateway answers /admin with this page: the browser has not kept the cookie.
	withPageAgain("/admin", "no-cookies")
	withPageAgain("/login", "form")
}

// TestPageWhoseCookieDoesNotArrive: a page takes its user for signed out, and the next one
// says that the cookie does not arrive. Neither goes anywhere by itself.
func TestPageWhoseCookieDoesNotArrive(t *testing.T) {
	for name, doc := range map[string]func() *viewtest.Document{
		"chat": sessionPage, "pairings": viewtest.Admin, "console": viewtest.Console,
	} {
		for before, want := range map[string]string{"": "signed-out ", "left": "no-cookies "} {
			t.Run(name+" "+before, func(t *testing.T) {
				withPage(t, doc, func(w *fakeBrowser, g *fakeGateway) {
					withoutCookies(w, g)
					w.tabValues["i reloaded"] = before
				}, func(s *harness) {
					last := ""
					for _, to := range s.browser.navigations {
						if strings.HasPrefix(to, "leave") {
							last += to
						}
					}
					eq(t, "the page", s.state()+" "+last, want)
					s.wait(10 * time.Minute)
					eq(t, "asked", len(s.gateway.calls("connect")), 1)
				})
			})
		}
	}
}
