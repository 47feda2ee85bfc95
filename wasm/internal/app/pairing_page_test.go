//go:build !js

package app

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// withPairing has the gateway answer with a pending pairing that expires in an hour.
func withPairing(_ *fakeBrowser, g *fakeGateway) {
	expires := protocol.At(time.Now().Add(time.Hour)).String()
	g.on("connect", `{"protocol":3,"status":"pending_pairing","pairing_code":"ABCDEFGH","expires_at":"`+expires+`","server":{"name":"g","version":"1"}}`)
	g.on("browser.pairing.status", `{"status":"pending","expires_at":"`+expires+`"}`)
}

func (s *harness) slot(name string) string { return s.browser.Root.Slot(name) }

func TestShowsTheCodeAndWaits(t *testing.T) {
	withPage(t, viewtest.Pairing, withPairing, func(s *harness) {
		eq(t, "first", s.browser.fetched[0], "POST /api/session {}")
		eq(t, "the state", s.state(), "waiting")
		eq(t, "the code", s.browser.Get("pairing-code").Text(), "ABCD EFGH")
		eq(t, "how long", s.slot("remaining"), "60 minutes")
		eq(t, "the name", s.gateway.calls("connect")[0].text("device_name"), "Firefox on Windows")
		if src := s.browser.Get("pairing-qr").Attr("src"); !strings.HasPrefix(src,
			"/pair/qr.svg?expires=") || s.browser.Get("pairing-qr").Flag("hidden") {
			t.Errorf("the QR code is %s", s.browser.Get("pairing-qr").HTML())
		}
		s.act("copy-pairing-code", s.browser.Root)
		eq(t, "the clipboard", s.browser.copied, "ABCDEFGH")
		s.wait(2 * time.Minute)
		eq(t, "how long", s.slot("remaining"), "58 minutes")
		if n := len(s.gateway.calls("browser.pairing.status")); n < 20 || n > 70 {
			t.Errorf("asked %d times in 2 minutes", n)
		}
	})
}

func TestNoQRCodeOnLoopback(t *testing.T) {
	withPage(t, viewtest.Pairing, func(w *fakeBrowser,
		g *fakeGateway) {
		w.host = "localhost"
		withPairing(w, g)
	}, func(s *harness) {
		eq(t, "hidden", s.browser.Get("pairing-qr").Flag("hidden"), true)
	})
}

func TestApprovalReloadsThePage(t *testing.T) {
	withPage(t, viewtest.Pairing, withPairing, func(s *harness) {
		s.gateway.on("connect", `{"protocol":3,"role":"operator","user_id":"u","server":{"name":"g","version":"1"}}`)
		s.gateway.event("device.pair.resolved", `{"status":"approved"}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "the state", s.state(), "approved")
		eq(t, "done", strings.Join(s.browser.navigations, " "), "reload")
		eq(t, "before", strings.Join(s.browser.fetched, ", "),
			"POST /api/session {}, POST /api/session {}")
	})
}

func TestReloadsOnlyOnce(t *testing.T) {
	withPage(t, viewtest.Pairing, func(w *fakeBrowser,
		g *fakeGateway) {
		w.tabValues["i reloaded"] = "once"
	}, func(s *harness) {
		eq(t, "done", strings.Join(s.browser.navigations, " "), "")
		eq(t, "the state", s.state(), "no-cookies")
	})
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, state, seconds string
		err                  *protocol.Error
	}{
		{"denied", "denied", "60", &protocol.Error{Code: protocol.NotPaired,
			Details: &protocol.ErrorDetails{Status: "denied"}}},
		{"expired", "expired", "", &protocol.Error{Code: protocol.NotPaired,
			Details: &protocol.ErrorDetails{Status: "expired"}}},
		{"revoked", "revoked", "", &protocol.Error{Code: protocol.NotPaired,
			Details: &protocol.ErrorDetails{Status: "revoked"}}},
		{"off", "pairing-off", "", protocol.Refuse(protocol.Unauthorized, "pairing is off")},
		{"other", "unreachable", "", protocol.Refuse(protocol.FailedPrecondition, "protocol 4")},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPage(t, viewtest.Pairing, func(_ *fakeBrowser,
				g *fakeGateway) {
				g.refuse("connect", c.err)
			}, func(s *harness) {
				eq(t, "the state", s.state(), c.state)
				eq(t, "seconds", s.slotOutside("seconds"), c.seconds)
				withPairing(s.browser, s.gateway)
				if c.seconds != "" {
					button := s.browser.Root.Find("data-action", "ask-again")[0]
					eq(t, "disabled", button.Flag("disabled"), true)
					s.act("ask-again", s.browser.Root)
					eq(t, "the state", s.state(), c.state)
					s.wait(61 * time.Second)
				}
				before := s.gateway.dialled
				s.act("ask-again", s.browser.Root)
				s.wait(50 * time.Millisecond)
				eq(t, "the state", s.state(), "waiting")
				eq(t, "new sockets", s.gateway.dialled-before, 1)
				eq(t, "asked", strings.Join(s.browser.fetched, ", "),
					"POST /api/session {}, DELETE /api/session, POST /api/session {}")
			})
		})
	}
}

// slotOutside returns the text of the last slot with that name: not the one in the
// connection's indicator.
func (s *harness) slotOutside(name string) string {
	found := s.browser.Root.Find("data-slot", name)
	return found[len(found)-1].Text()
}

func TestUnknownCredentialIsReplacedOnce(t *testing.T) {
	withPage(t, viewtest.Pairing, func(_ *fakeBrowser, g *fakeGateway) {
		g.refuse("connect", &protocol.Error{Code: protocol.NotPaired,
			Details: &protocol.ErrorDetails{Status: "unknown"}})
	}, func(s *harness) {
		s.wait(time.Second)
		eq(t, "asked", strings.Join(s.browser.fetched, ", "),
			"POST /api/session {}, POST /api/session {}")
		eq(t, "the state", s.state(), "expired")
	})
}

func TestTooManyRequests(t *testing.T) {
	withPage(t, viewtest.Pairing, func(_ *fakeBrowser, g *fakeGateway) {
		g.refuse("connect", protocol.Exhausted("3 wait already", 90_000))
	}, func(s *harness) {
		eq(t, "the state", s.state(), "too-many")
		eq(t, "the page says", s.slot("message"), "3 wait already")
		if left := s.slotOutside("seconds"); len(left) < 2 {
			t.Errorf("seconds are %q", left)
		}
	})
}

func TestGatewayIsUnreachable(t *testing.T) {
	withPage(t, viewtest.Pairing, func(w *fakeBrowser, g *fakeGateway) {
		withPairing(w, g)
		w.fetch = func(string, string) (int, string) { return 0, "" }
	}, func(s *harness) {
		eq(t, "the state", s.state(), "unreachable")
		asked := len(s.browser.fetched)
		s.act("reconnect-now", s.browser.Root)
		eq(t, "asked again at once", len(s.browser.fetched), asked+1)
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		s.wait(3 * time.Second)
		eq(t, "the state", s.state(), "waiting")
		// A short interruption leaves the code on the screen.
		s.gateway.cut(1006, "", true)
		s.wait(100 * time.Millisecond)
		eq(t, "the state", s.state(), "waiting")
		s.wait(3 * time.Second)
		eq(t, "the state", s.state(), "unreachable")
		s.gateway.up()
		s.wait(10 * time.Second)
		eq(t, "the state", s.state(), "waiting")
	})
}

// TestGateAtAWrongAddress: the gateway answers, but refuses the page's origin, or its host.
func TestGateAtAWrongAddress(t *testing.T) {
	for _, status := range []int{403, 421} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			withPage(t, viewtest.Pairing, func(w *fakeBrowser, g *fakeGateway) {
				withPairing(w, g)
				w.fetch = func(string, string) (int, string) { return status, "" }
			}, func(s *harness) {
				eq(t, "the state", s.state(), "wrong-address")
				s.wait(time.Minute)
				eq(t, "it is patient", len(s.browser.fetched) < 8, true)
				s.browser.fetch = func(string, string) (int, string) { return 204, "" }
				s.act("reconnect-now", s.browser.Root)
				s.wait(50 * time.Millisecond)
				eq(t, "the state", s.state(), "waiting")
			})
		})
	}
}

func TestNamesTheDevice(t *testing.T) {
	withPage(t, viewtest.Pairing, withPairing, func(s *harness) {
		s.browser.Get("device-name").SetValue("Anna’s laptop")
		s.act("name-device", s.browser.Root)
		s.wait(50 * time.Millisecond)
		calls := s.gateway.calls("connect")
		eq(t, "the name", calls[len(calls)-1].text("device_name"), "Anna’s laptop")
		eq(t, "kept", s.browser.tabValues["i device name"], "Anna’s laptop")
		eq(t, "the state", s.state(), "waiting")
	})
}

func TestSignsInByLink(t *testing.T) {
	for _, c := range []struct {
		name, fragment, state, visited string
		status                         int
	}{
		{"good", "c0de-of-the-link", "success", "leave /admin", 204},
		{"used", "c0de-of-the-link", "link-failed", "", 401},
		{"malformed", "c0de-of-the-link", "link-failed", "", 400},
		{"a foreign origin", "c0de-of-the-link", "wrong-address", "", 403},
		{"a foreign host", "c0de-of-the-link", "wrong-address", "", 421},
		{"not the gateway", "c0de-of-the-link", "wrong-address", "", 404},
		{"too many", "c0de-of-the-link", "too-many", "", 429},
		{"out of reach", "c0de-of-the-link", "unreachable", "", 0},
		{"none", "", "form", "", 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPage(t, viewtest.Login, func(w *fakeBrowser, _ *fakeGateway) {
				w.fragment = c.fragment
				w.fetch = func(string, string) (int, string) { return c.status, "" }
			}, func(s *harness) {
				eq(t, "the state", s.state(), c.state)
				eq(t, "done", strings.Join(s.browser.navigations, " "), c.visited)
				if c.fragment != "" {
					eq(t, "first", s.browser.fetched[0], "POST /api/session {}")
				}
				if c.status == 204 && c.fragment != "" {
					eq(t, "then", s.browser.fetched[1], `POST /api/session {"cookie":true,"code":"c0de-of-the-link"}`)
				}
			})
		})
	}
}

func TestLinkIsRetried(t *testing.T) {
	withPage(t, viewtest.Login, func(w *fakeBrowser, _ *fakeGateway) {
		w.fragment = "c0de"
		w.fetch = func(string, string) (int, string) { return 0, "" }
	}, func(s *harness) {
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		s.wait(5 * time.Second)
		eq(t, "the state", s.state(), "success")
	})
}

// TestLinkOutlivesAWrongAddress: the code is tried again when the user asks, not by itself.
func TestLinkOutlivesAWrongAddress(t *testing.T) {
	withPage(t, viewtest.Login, func(w *fakeBrowser, _ *fakeGateway) {
		w.fragment = "c0de"
		w.fetch = func(string, string) (int, string) { return 403, "" }
	}, func(s *harness) {
		s.wait(time.Minute)
		eq(t, "the state", s.state(), "wrong-address")
		eq(t, "asked", len(s.browser.fetched), 1)
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		s.act("reconnect-now", s.browser.Root)
		s.wait(50 * time.Millisecond)
		eq(t, "the link still works", s.state(), "success")
	})
}

func TestSignsInWithTheToken(t *testing.T) {
	withPage(t, viewtest.Login, func(w *fakeBrowser, _ *fakeGateway) {
		w.fragment = "ABCDEFGH" // the page was opened for an approval
		w.fetch = func(_, body string) (int, string) {
			if body == "{}" {
				return 204, ""
			}
			return 401, `{"error":{"code":"UNAUTHORIZED","message":"invalid token"}}`
		}
	}, func(s *harness) {
		eq(t, "the state", s.state(), "form")
		s.act("sign-in", s.browser.Get("login-form"))
		eq(t, "requests without a token", len(s.browser.fetched), 0)
		s.browser.Get("token-input").SetValue(" to\"ken\n")
		s.act("sign-in", s.browser.Get("login-form"))
		eq(t, "asked", strings.Join(s.browser.fetched, ", "),
			`POST /api/session {}, POST /api/session {"cookie":true,"token":"to\"ken"}`)
		eq(t, "the state", s.state(), "token-refused")
		eq(t, "the form", s.browser.Get("login-form").Attr("data-state"), "idle")
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		s.act("sign-in", s.browser.Get("login-form"))
		eq(t, "done", strings.Join(s.browser.navigations, " "), "leave /admin#ABCDEFGH")
	})
}
