package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// browser is a browser of a gateway's pages, with its cookie.
type browser struct {
	t      testing.TB
	h      *httpdtest.Server
	url    string
	cookie string // the credential
}

// ask makes POST /api/session and keeps the cookie.
func (b *browser) ask() {
	b.t.Helper()
	q := api("POST", "", "{}")
	if b.cookie != "" {
		q.cookie = cookieName(b.h) + "=" + b.cookie
	}
	r := q.do(b.h)
	if r.StatusCode != http.StatusNoContent || len(r.Cookies()) != 1 {
		b.t.Fatalf("HTTP %d with %v", r.StatusCode, setCookies(r))
	}
	b.cookie = r.Cookies()[0].Value
}

// dial opens a socket with the cookie.
func (b *browser) dial() *httpdtest.Client {
	return httpdtest.Dial(b.t, b.url,
		http.Header{"Cookie": {cookieName(b.h) + "=" + b.cookie}, "Origin": {b.url}})
}

// code connects and gives the code to show, with the socket that waits for the approval.
func (b *browser) code() (string, *httpdtest.Client) {
	b.t.Helper()
	c := b.dial()
	var asked protocol.ConnectResult
	c.Read(c.OK(protocol.MethodConnect, `{}`), &asked)
	if asked.PairingCode == "" || asked.SenderID != "" {
		b.t.Fatalf("asked: %+v", asked)
	}
	return asked.PairingCode, c
}

// page gives which page the address shows.
func (b *browser) page(path string) string {
	b.t.Helper()
	text := text(b.t, page(path, cookieName(b.h)+"="+b.cookie).do(b.h))
	_, after, _ := strings.Cut(text, ` data-page="`)
	kind, _, _ := strings.Cut(after, `"`)
	return kind
}

func newBrowsers(t testing.TB) (h *httpdtest.Server, open func() *browser) {
	t.Helper()
	h = httpdtest.New(t, httpdtest.Options{})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, func() *browser { return &browser{t: t, h: h, url: server.URL} }
}

func approve(t testing.TB, h *httpdtest.Server, code string, role protocol.Role) {
	t.Helper()
	if _, err := h.Pairings.Approve(t.Context(), "test",
		protocol.DeviceApproveParams{Code: code, UserID: "victim", Role: role}); err != nil {
		t.Fatal(err)
	}
}

// TestPlantedCredential plants credentials into a browser that an attacker knows: one that
// they made up, one that the gateway has issued to them, one whose code they have seen, and
// the sender_id of their program.
// When an admin approves the code that the browser shows, the attacker has no access.
func TestPlantedCredential(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(attacker *browser) []*httpdtest.Client{
		"made up": func(attacker *browser) []*httpdtest.Client {
			attacker.cookie = pairing.NewCredential()
			attacker.dial().Refused(protocol.NotPaired, "", protocol.MethodConnect, `{}`)
			return nil
		},
		"issued": func(attacker *browser) []*httpdtest.Client {
			attacker.ask()
			return nil
		},
		"pending": func(attacker *browser) []*httpdtest.Client {
			attacker.ask()
			_, waiting := attacker.code()
			return []*httpdtest.Client{waiting}
		},
		"a program's": func(attacker *browser) []*httpdtest.Client {
			c := httpdtest.Dial(attacker.t, attacker.url, nil)
			var asked protocol.ConnectResult
			c.Read(c.OK(protocol.MethodConnect, `{}`), &asked)
			attacker.cookie = asked.SenderID
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, open := newBrowsers(t)
			attacker, victim := open(), open()
			waiting := prepare(attacker)
			victim.cookie = attacker.cookie
			victim.ask()
			if victim.cookie == attacker.cookie {
				t.Fatal("the planted credential is kept")
			}
			code, shown := victim.code()
			approve(t, h, code, protocol.Operator)
			shown.OK(protocol.MethodConnect, `{}`)
			for _, c := range waiting {
				c.Closed(protocol.CloseTooSlow, protocol.ReasonRenewed)
			}
			victim.ask()
			for _, path := range []string{"/", "/admin"} {
				if got := attacker.page(path); got == markup.PageChat {
					t.Errorf("%s shows the attacker the page %s", path, got)
				}
			}
			for range 2 { // also after the attacker has asked for another one
				c := attacker.dial()
				if f := c.Call(protocol.MethodConnect, `{}`); f.OK {
					var got protocol.ConnectResult
					if c.Read(f, &got); got.UserID != "" {
						t.Errorf("the attacker is connected as %s", got.UserID)
					}
				}
				attacker.ask()
			}
			if got := victim.page("/"); got != markup.PageChat {
				t.Errorf("the victim sees the page %s", got)
			}
		})
	}
}

// TestCredentialChangesAtApproval checks that a browser's credential from before the
// approval is worth nothing once the browser has its new one, and that pages wait for that.
func TestCredentialChangesAtApproval(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/": markup.PageChat, "/admin": markup.PageAdmin} {
		h, open := newBrowsers(t)
		b := open()
		b.ask()
		code, socket := b.code()
		if again, _ := func() (string, *httpdtest.Client) { b.ask(); return b.code() }(); again != code {
			t.Errorf("after a reload the code is %s, want %s", again, code)
		}
		socket.Closed(protocol.CloseTooSlow, protocol.ReasonRenewed)
		approve(t, h, code, protocol.Admin)
		if got := b.page(path); got != markup.PagePairing {
			t.Errorf("%s shows %s before the credential has changed", path, got)
		}
		old := *b
		live := b.dial()
		live.OK(protocol.MethodConnect, `{}`)
		b.ask()
		if got := b.page(path); got != want || b.cookie == old.cookie {
			t.Errorf("%s shows %s with the new credential, want %s", path, got, want)
		}
		live.Closed(protocol.CloseTooSlow, protocol.ReasonRenewed)
		old.dial().Refused(protocol.NotPaired, "", protocol.MethodConnect, `{}`)
		changed := b.cookie
		if b.ask(); b.cookie != changed {
			t.Error("the credential changes again")
		}
	}
}

// TestProgramKeepsItsCredential checks that a program's sender_id is not changed.
func TestProgramKeepsItsCredential(t *testing.T) {
	t.Parallel()
	h, open := newBrowsers(t)
	c := httpdtest.Dial(t, open().url, nil)
	var asked protocol.ConnectResult
	c.Read(c.OK(protocol.MethodConnect, `{}`), &asked)
	approve(t, h, asked.PairingCode, protocol.Operator)
	for range 3 {
		httpdtest.Dial(t, open().url, nil).OK(protocol.MethodConnect, `{"sender_id":"`+asked.SenderID+`"}`)
	}
}
