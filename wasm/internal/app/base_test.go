//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// under has people reach the gateway of a page under /chat.
func under(doc func() *viewtest.Document) func() *viewtest.Document {
	return func() *viewtest.Document {
		d := doc()
		d.Root.SetAttr("data-base", "/chat")
		return d
	}
}

// TestLinksUnderAPath proves that what the client writes into the document begins with the
// gateway's path, and that what it asks the browser for does not.
func TestLinksUnderAPath(t *testing.T) {
	withPage(t, under(sessionPage), func(w *fakeBrowser, g *fakeGateway) {
		w.path = "/s/s"
		withSessions(w, g)
	}, func(s *harness) {
		for _, link := range s.browser.Get("session-list").Find("data-slot", "link") {
			if href := link.Attr("href"); !strings.HasPrefix(href, "/chat/s/") {
				t.Errorf("a session's link is %q", href)
			}
		}
		s.gateway.accept("accepted")
		s.attach("pic", "a")
		eq(t, "uploaded", s.acceptUploads(), "pic a")
		s.send("")
		eq(t, "the files", s.shownFiles(),
			"image pic.png /chat/api/media/pic1 blob:pic 320x240 | file a.txt /chat/api/media/a2  x")
		s.gateway.event("chat", `{"type":"message","sessionKey":"s","message":{"id":"other","role":"user","content":"","status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":5,
			"media":[{"path":"/api/media/x","filename":"x.png","mimeType":"image/png","size":5,"width":640,"height":480,"thumbnail":true}]}}`, 5)
		s.wait(50 * time.Millisecond)
		eq(t, "the files", s.shownFiles(), "image x.png /chat/api/media/x /chat/api/media/x?thumbnail 320x240")
		s.act("open-session", s.session("a"))
		s.wait(50 * time.Millisecond)
		eq(t, "the address", s.browser.path, "/s/a")
	})
}

func TestQRCodeUnderAPath(t *testing.T) {
	withPage(t, under(viewtest.Pairing), withPairing, func(s *harness) {
		eq(t, "first", s.browser.fetched[0], "POST /api/session {}")
		if src := s.browser.Get("pairing-qr").Attr("src"); !strings.HasPrefix(src, "/chat/pair/qr.svg?expires=") {
			t.Errorf("the QR code is at %q", src)
		}
	})
}
