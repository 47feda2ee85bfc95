//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"

func pendingJSON(code, name string) string {
	return `{"code":"` + code + `","deviceId":"dev-` + code + `","deviceName":"` + name +
		`","address":"10.0.0.7","userAgent":"` + firefox +
		`","createdAt":"` + protocol.At(time.Now()).String() + `","expiresAt":"` +
		protocol.At(time.Now().Add(time.Hour)).String() + `"}`
}

func pairedJSON(id, user, label string) string {
	return `{"deviceId":"` + id + `","userId":"` + user + `","role":"operator","label":"` + label +
		`","address":"x","userAgent":"` + firefox + `","createdAt":"2000-01-01T00:00:00Z"}`
}

func asAdmin(_ *fakeBrowser, g *fakeGateway) {
	g.on("connect", `{"protocol":3,"role":"admin","user_id":"admin","server":{"name":"g","version":"1"}}`)
	g.on("device.pair.list", `{"pending":[`+pendingJSON("AAAAAAAA",
		"Anna’s")+`],"paired":[`+pairedJSON("own", "admin", "Mine")+`,`+pairedJSON("dev-9", "ben",
		"Ben’s")+`]}`)
}

func (s *harness) items(id string) []*viewtest.Element { return s.browser.Get(id).Elements() }

func TestPairingsAppearLive(t *testing.T) {
	withPage(t, viewtest.Admin, asAdmin, func(s *harness) {
		eq(t, "those that wait", len(s.items("pending-list")), 1)
		eq(t, "devices", len(s.items("device-list")), 2)
		eq(t, "this one", s.items("device-list")[0].Attr("data-this"), "true")
		card := s.items("pending-list")[0]
		eq(t, "the code", card.Slot("code"), "AAAA AAAA")
		eq(t, "the browser", card.Slot("browser"), "Firefox on Windows")
		s.gateway.event("device.pair.requested", pendingJSON("BBBBBBBB", "Ben’s new one"), 0)
		s.wait(50 * time.Millisecond)
		eq(t, "those that wait", len(s.items("pending-list")), 2)
		if s.items("pending-list")[0] != card {
			t.Error("the card that waited was made anew")
		}
		eq(t, "the count", s.browser.Get("pending-count").Text(), "2")
		s.wait(2*time.Minute + 30*time.Second)
		eq(t, "since", card.Slot("since"), "2 minutes ago")
		eq(t, "remaining", card.Slot("remaining"), "58 minutes")
		s.gateway.event("device.pair.resolved", `{"status":"expired","code":"AAAAAAAA"}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "those that wait", len(s.items("pending-list")), 1)
		line := s.items("resolved-list")[0]
		eq(t, "the line", line.Attr("data-state")+" "+line.Slot("device-name"), "expired Anna’s")
	})
}

func TestApprovalProposesTheLeastRole(t *testing.T) {
	withPage(t, viewtest.Admin, asAdmin, func(s *harness) {
		s.gateway.on("device.pair.approve", `{"paired":`+pairedJSON("dev-AAAAAAAA", "user-1",
			"Anna’s laptop")+`}`)
		s.act("approve", s.items("pending-list")[0])
		dialog := s.browser.Get("approve-dialog")
		eq(t, "open", dialog.Opened, true)
		eq(t, "proposed", dialog.Slot("role")+" for "+dialog.Slot("who"), "operator for a new user")
		dialog.Find("name", "label")[0].SetValue(" Anna’s laptop ")
		s.act("confirm-approve", dialog)
		p := s.gateway.calls("device.pair.approve")[0]
		eq(t, "the code", p.text("code"), "AAAAAAAA")
		eq(t, "the role", p.text("role"), "operator")
		eq(t, "the label", p.text("label"), "Anna’s laptop")
		if _, named := p["userId"]; named {
			t.Errorf("a user was named: %v", p)
		}
		eq(t, "open", dialog.Opened, false)
		eq(t, "told", s.items("toasts")[0].Slot("text"),
			"Anna’s laptop is in, as user-1 with the role operator.")
		s.gateway.event("device.pair.resolved",
			`{"status":"approved","code":"AAAAAAAA","deviceId":"dev-AAAAAAAA","paired":`+pairedJSON("dev-AAAAAAAA", "user-1", "Anna’s laptop")+`}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "those that wait", len(s.items("pending-list")), 0)
		eq(t, "devices", len(s.items("device-list")), 3)
	})
}

// choose answers a question of the approval form.
func (s *harness) choose(name, value string) {
	s.t.Helper()
	for _, field := range s.browser.Get("approve-dialog").Find("name", name) {
		if name == "user" {
			field.SetValue(value)
		}
		if field.Value() == value {
			s.app.Act("edit-approval", field)
			s.wait(0)
			return
		}
	}
	s.t.Fatalf("the form has no %s %q", name, value)
}

func TestBrowserIsNamedOnce(t *testing.T) {
	const named = "Firefox on Windows" // as the User-Agent says
	withPage(t, viewtest.Admin, func(_ *fakeBrowser, g *fakeGateway) {
		asAdmin(nil, g)
		g.on("device.pair.list", `{"pending":[`+pendingJSON("AAAAAAAA", named)+`],"paired":[`+
			pairedJSON("dev-9", "ben", named)+`]}`)
	}, func(s *harness) {
		card, row := s.items("pending-list")[0], s.items("device-list")[0]
		s.act("approve", card)
		approve := s.browser.Get("approve-dialog")
		for where, el := range map[string]*viewtest.Element{"card": card, "dialog": approve} {
			eq(t, where, el.Slot("device-name")+"/"+el.Slot("browser"), named+"/")
		}
		s.act("revoke", row)
		for where, el := range map[string]*viewtest.Element{"row": row,
			"dialog": s.browser.Get("revoke-dialog")} {
			eq(t, where, el.Slot("label")+"/"+el.Slot("browser"), named+"/")
		}
	})
}

func TestApprovalNamesTheUserAndTheAdminRole(t *testing.T) {
	withPage(t, viewtest.Admin, asAdmin, func(s *harness) {
		s.gateway.refuse("device.pair.approve", protocol.Refuse(protocol.NotFound,
			"no pairing with that code"))
		s.act("approve", s.items("pending-list")[0])
		dialog := s.browser.Get("approve-dialog")
		s.choose("who", "existing")
		eq(t, "who", dialog.Slot("who"), "") // the page then leaves out "for", too
		s.act("confirm-approve", dialog)
		if !strings.HasPrefix(dialog.Slot("error"), "Name the user") {
			t.Errorf("without a user the dialog says %q", dialog.Slot("error"))
		}
		s.choose("user", " ben ")
		s.choose("role", "admin")
		eq(t, "who", dialog.Slot("who"), "ben")
		s.act("confirm-approve", dialog)
		eq(t, "the second question", dialog.Attr("data-state"), "confirm")
		eq(t, "approvals", len(s.gateway.calls("device.pair.approve")), 0)
		s.act("back", dialog)
		eq(t, "back", dialog.Attr("data-state"), "form")
		s.act("confirm-approve", dialog)
		s.act("confirm-approve", dialog)
		p := s.gateway.calls("device.pair.approve")[0]
		eq(t, "as", p.text("role")+" "+p.text("userId"), "admin ben")
		eq(t, "the reason", dialog.Slot("error"), "no pairing with that code")
		eq(t, "open", dialog.Opened, true)
		eq(t, "the form", dialog.Attr("data-state"), "form")
	})
}

func TestDeniesAndRevokes(t *testing.T) {
	withPage(t, viewtest.Admin, asAdmin, func(s *harness) {
		s.gateway.on("device.pair.deny", `{"denied":true}`)
		s.act("deny", s.items("pending-list")[0])
		eq(t, "whom", s.browser.Get("deny-dialog").Slot("device-name"), "Anna’s")
		s.act("confirm-deny", s.browser.Get("deny-dialog"))
		eq(t, "denied", s.gateway.calls("device.pair.deny")[0].text("code"), "AAAAAAAA")
		eq(t, "open", s.browser.Get("deny-dialog").Opened, false)

		s.gateway.refuse("device.pair.revoke", protocol.Refuse(protocol.Unavailable, "the store is busy"))
		s.act("revoke", s.items("device-list")[1])
		dialog := s.browser.Get("revoke-dialog")
		eq(t, "whom", dialog.Slot("label")+" of "+dialog.Slot("user"), "Ben’s of ben")
		s.act("confirm-revoke", dialog)
		eq(t, "the reason", dialog.Slot("error"), "the store is busy")
		s.gateway.on("device.pair.revoke", `{"revoked":true}`)
		s.act("confirm-revoke", dialog)
		eq(t, "revoked", s.gateway.calls("device.pair.revoke")[1].text("deviceId"), "dev-9")
		s.gateway.event("device.pair.resolved", `{"status":"revoked","deviceId":"dev-9"}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "devices", len(s.items("device-list")), 1)
		line := s.items("resolved-list")[0]
		eq(t, "the line", line.Attr("data-state")+" "+line.Slot("device-name")+" "+line.Slot("user"),
			"revoked Ben’s ben")
		eq(t, "the role it had", line.Slot("role"), "operator")
	})
}

func TestCodeInTheAddressOpensTheApprovalDialog(t *testing.T) {
	withPage(t, viewtest.Admin, func(w *fakeBrowser,
		g *fakeGateway) {
		asAdmin(w, g)
		w.fragment = "AAAAAAAA"
	}, func(s *harness) {
		eq(t, "open", s.browser.Get("approve-dialog").Opened, true)
	})
}

func TestRevokedAdminSeesNothing(t *testing.T) {
	withPage(t, viewtest.Admin, asAdmin, func(s *harness) {
		s.act("approve", s.items("pending-list")[0])
		s.gateway.cut(1008, "pairing revoked", true)
		s.wait(50 * time.Millisecond)
		eq(t, "the state", s.state(), "revoked")
		eq(t, "what is left", s.browser.Get("console").Inner(), "")
	})
}

func TestNonAdminLeavesTheAdminPage(t *testing.T) {
	withPage(t, viewtest.Admin, nil, func(s *harness) {
		eq(t, "done", strings.Join(s.browser.navigations, " "), "leave /")
	})
}
