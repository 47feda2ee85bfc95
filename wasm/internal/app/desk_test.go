//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// requestJSON is a pairing as the gateway sends it.
func requestJSON(code, name, address string, age time.Duration, more string) string {
	now := time.Now()
	return `{"code":"` + code + `","deviceId":"dev-` + code + `","deviceName":"` + name +
		`","address":"` + address + `","network":"` + address + `/32","createdAt":"` +
		protocol.At(now.Add(-age)).String() + `","expiresAt":"` +
		protocol.At(now.Add(time.Hour-age)).String() + `"` + more + `}`
}

// withDesk has the gateway list four requests, one of which has left, of very many.
func withDesk(_ *fakeBrowser, g *fakeGateway) {
	asAdmin(nil, g)
	g.on("device.pair.list", `{"pending":[`+
		requestJSON("AAAAAAAA", "One", "10.0.0.1", 9*time.Minute, "")+`,`+
		requestJSON("BBBBBBBB", "Two", "10.0.0.1", 5*time.Minute, "")+`,`+
		requestJSON("CCCCCCCC", "Adrnin", "10.0.0.2", time.Minute, `,"resembles":"admin","resemblesRole":"admin"`)+`,`+
		requestJSON("DDDDDDDD", "Four", "10.0.0.1", 20*time.Minute, `,"left":true`)+
		`],"pendingTotal":1204,"paired":[`+pairedJSON("dev-9", "ben", "Ben’s")+
		`],"users":[{"userId":"anna","role":"operator"},{"userId":"ben"},{"userId":"zoe.boss","role":"admin"}]}`)
}

// codes are those of the cards, in their order.
func (s *harness) codes() string {
	var list []string
	for _, card := range s.items("pending-list") {
		list = append(list, card.Attr("data-code"))
	}
	return strings.Join(list, " ")
}

// TestWhoHasLeft checks the order of the cards while requesters come and go.
func TestWhoHasLeft(t *testing.T) {
	withPage(t, viewtest.Admin, withDesk, func(s *harness) {
		eq(t, "first", s.codes(), "AAAAAAAA BBBBBBBB CCCCCCCC DDDDDDDD")
		eq(t, "not listed", s.browser.Get("pending-more").Text(), "1,200 more requests")
		eq(t, "have left", s.browser.Get("pending-left").Text(), "1 request")
		eq(t, "the last has left", s.items("pending-list")[3].Attr("data-left"), "true")
		s.gateway.event("device.pair.requested",
			requestJSON("AAAAAAAA", "One", "10.0.0.1", 9*time.Minute, `,"left":true`), 0)
		s.gateway.event("device.pair.requested", requestJSON("DDDDDDDD", "Four", "10.0.0.1", 20*time.Minute, ""), 0)
		s.wait(50 * time.Millisecond)
		eq(t, "then", s.codes(), "DDDDDDDD BBBBBBBB CCCCCCCC AAAAAAAA")
		eq(t, "notifications", strings.Join(s.browser.notified, " "), "")
		s.act("deny-left", s.browser.Root)
		eq(t, "denied", s.gateway.calls("device.pair.deny")[0]["left"], any(true))
	})
}

// TestDenyLeftGoesOn checks that very many are denied in several calls.
func TestDenyLeftGoesOn(t *testing.T) {
	withPage(t, viewtest.Admin, withDesk, func(s *harness) {
		calls := 0
		s.gateway.answers["device.pair.deny"] = func(params) (string, *protocol.Error) {
			if calls++; calls < 3 {
				return `{"denied":true,"count":200,"more":true}`, nil
			}
			return `{"denied":true,"count":3}`, nil
		}
		s.act("deny-left", s.browser.Root)
		s.wait(50 * time.Millisecond)
		eq(t, "calls", calls, 3)
	})
}

// TestDenyAllOfANetwork checks that the dialog offers it when several requests come from one
// network.
func TestDenyAllOfANetwork(t *testing.T) {
	withPage(t, viewtest.Admin, withDesk, func(s *harness) {
		s.gateway.on("device.pair.deny", `{"denied":true,"count":3}`)
		dialog := s.browser.Get("deny-dialog")
		s.act("deny", s.items("pending-list")[2])
		eq(t, "of a single one", dialog.Slot("count"), "")
		s.act("deny", s.items("pending-list")[0])
		eq(t, "offered", dialog.Slot("count")+" from "+dialog.Slot("network"), "3 from 10.0.0.1")
		s.act("deny-network", dialog)
		eq(t, "denied", s.gateway.calls("device.pair.deny")[0].text("network"), "10.0.0.1/32")
		eq(t, "open", dialog.Opened, false)
	})
}

// TestFindsACode checks that a typed code opens the dialog of a request that is not listed.
func TestFindsACode(t *testing.T) {
	withPage(t, viewtest.Admin, withDesk, func(s *harness) {
		field := s.browser.Get("find-code")
		s.gateway.on("device.pair.list", `{"pending":[`+
			requestJSON("EEEEEEEE", "Hidden", "10.9.0.1", time.Minute, "")+`],"paired":[]}`)
		field.SetValue(" eeee-eeee ")
		s.act("find-code", s.browser.Root)
		calls := s.gateway.calls("device.pair.list")
		eq(t, "asked for", calls[len(calls)-1].text("code"), "eeee-eeee")
		dialog := s.browser.Get("approve-dialog")
		eq(t, "open", dialog.Opened, true)
		eq(t, "of", dialog.Attr("data-code")+" "+dialog.Slot("device-name"), "EEEEEEEE Hidden")
		eq(t, "the field", field.Value(), "")
		eq(t, "devices", len(s.items("device-list")), 1)

		s.gateway.on("device.pair.list", `{"pending":[],"paired":[]}`)
		field.SetValue("FFFF FFFF")
		s.act("find-code", s.browser.Root)
		if said := s.items("toasts")[0].Slot("text"); !strings.HasPrefix(said,
			"No request with the code FFFF FFFF is open") {
			t.Errorf("the page says %q", said)
		}
		s.gateway.refuse("device.pair.list", protocol.Refuse(protocol.InvalidRequest, "code must be 8"))
		field.SetValue("x")
		s.act("find-code", s.browser.Root)
		eq(t, "what was typed", field.Value(), "x")
		before := len(s.gateway.calls("device.pair.list"))
		field.SetValue("  ")
		s.act("find-code", s.browser.Root)
		eq(t, "calls without a code", len(s.gateway.calls("device.pair.list")), before)
	})
}

// TestWarnsOfSimilarNames checks the warnings of the dialog: of the device's name, and of a
// typed user who does not exist but looks like one who does.
func TestWarnsOfSimilarNames(t *testing.T) {
	withPage(t, viewtest.Admin, withDesk, func(s *harness) {
		dialog := s.browser.Get("approve-dialog")
		s.act("approve", s.items("pending-list")[2])
		eq(t, "the device", dialog.Slot("resembles"), "admin (admin)")
		s.act("approve", s.items("pending-list")[0])
		eq(t, "another device", dialog.Slot("resembles"), "")
		s.choose("who", "existing")
		for typed, want := range map[string]string{
			"anna":     "joins anna, new , like ",
			"Anna":     "joins , new Anna, like anna (operator)",
			"z0e-b0ss": "joins , new z0e-b0ss, like zoe.boss (admin)",
			"carl":     "joins , new carl, like ",
			"":         "joins , new , like ",
		} {
			s.choose("user", typed)
			eq(t, typed, "joins "+dialog.Slot("user")+", new "+dialog.Slot("new-user")+", like "+
				dialog.Slot("similar"), want)
		}
		eq(t, "known users", len(s.items("known-users")), 3)
	})
}

// TestSignOutsAreNamed checks that a device's own sign-out is no revocation, and a request
// that its requester has withdrawn not one that has expired.
func TestSignOutsAreNamed(t *testing.T) {
	withPage(t, viewtest.Admin, withDesk, func(s *harness) {
		s.gateway.event("device.pair.resolved", `{"status":"revoked","deviceId":"dev-9","signedOut":true}`, 0)
		s.gateway.event("device.pair.resolved",
			`{"status":"expired","code":"BBBBBBBB","deviceId":"dev-BBBBBBBB","signedOut":true}`, 0)
		s.wait(50 * time.Millisecond)
		lines := s.items("resolved-list")
		eq(t, "the request", lines[0].Attr("data-state")+" "+lines[0].Slot("device-name"), "withdrawn Two")
		eq(t, "the device", lines[1].Attr("data-state")+" "+lines[1].Slot("user"), "signed-out ben")
		eq(t, "known users", len(s.items("known-users")), 3)
	})
}

// TestSignOutAsksForNothing checks that the page of a browser that has just signed out files
// no request by itself.
func TestSignOutAsksForNothing(t *testing.T) {
	withPage(t, viewtest.Pairing, func(w *fakeBrowser, g *fakeGateway) {
		withPairing(w, g)
		w.tabValues["i signed out"] = "yes"
	}, func(s *harness) {
		s.wait(time.Minute)
		eq(t, "the state", s.state(), "signed-out")
		eq(t, "asked", strings.Join(s.browser.fetched, ", "), "")
		eq(t, "sockets", s.gateway.dialled, 0)
		s.act("ask-again", s.browser.Root)
		s.wait(50 * time.Millisecond)
		eq(t, "the state", s.state(), "waiting")
		eq(t, "the mark", s.browser.tabValues["i signed out"], "")
	})
}

// TestOnlyTheGateAsksForPairing checks which pages ask for pairing when they connect without a
// cookie, which another tab may have removed.
func TestOnlyTheGateAsksForPairing(t *testing.T) {
	for name, c := range map[string]struct {
		page func() *viewtest.Document
		asks bool
	}{"gate": {viewtest.Pairing, true},
		"chat":     {func() *viewtest.Document { return viewtest.Chat("", "", "") }, false},
		"pairings": {viewtest.Admin, false}, "console": {viewtest.Console, false}} {
		t.Run(name, func(t *testing.T) {
			withPage(t, c.page, nil, func(s *harness) {
				if got := s.gateway.calls("connect")[0]["no_pairing"]; (got == nil) != c.asks {
					t.Errorf("no_pairing is %v", got)
				}
			})
		})
	}
}
