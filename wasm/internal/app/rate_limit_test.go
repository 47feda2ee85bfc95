//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// limitRate has the gateway accept one request in each interval. It records all requests:
// with + if accepted, with - if refused.
func (g *fakeGateway) limitRate(every time.Duration, came *[]string) {
	next := time.Now()
	for method, answer := range g.answers {
		if method == protocol.MethodConnect {
			continue
		}
		g.answers[method] = func(p params) (string, *protocol.Error) {
			if left := time.Until(next); left > 0 {
				*came = append(*came, "-"+method)
				return "", protocol.Exhausted("too many requests", left.Milliseconds())
			}
			next = time.Now().Add(every)
			*came = append(*came, "+"+method)
			return answer(p)
		}
	}
}

func TestObeysTheRateLimit(t *testing.T) {
	var came []string
	set := func(win *fakeBrowser, g *fakeGateway) {
		withHistory(win, g)
		g.accept("accepted")
		g.limitRate(12*time.Second, &came)
	}
	withPage(t, sessionPage, set, func(s *harness) {
		pill := s.browser.Get("connection")
		eq(t, "the pill", pill.Attr("data-state")+" "+pill.Slot("seconds"), "slow 12")
		if said := s.browser.Get("announce").Text(); !strings.Contains(said, "Slow down") {
			t.Errorf("what is said aloud is %q", said)
		}
		first := len(came)
		s.send("in the pause")
		s.wait(10 * time.Second)
		eq(t, "asked in the pause", strings.Join(came[first:], " "), "")
		eq(t, "the message", s.messages(), "complete: hi | complete: hello | paused: in the pause")

		s.wait(3 * time.Second)
		if came[first] != "+chat.send" {
			t.Errorf("the first after the pause is %s, not the message", came[first])
		}
		s.wait(60 * time.Second)
		taken, refused := map[string]int{}, 0
		for _, c := range came[first:] {
			if c[0] == '+' {
				taken[c[1:]]++
			} else {
				refused++
			}
		}
		if taken["sessions.list"] != 1 || taken["agents.list"] != 1 || taken["chat.send"] != 1 ||
			refused > 4 {
			t.Errorf("came: %s", strings.Join(came, " "))
		}
		eq(t, "the pill", pill.Attr("data-state"), "connected")
		n := len(came)
		s.wait(2 * time.Minute)
		eq(t, "asked when all is there", strings.Join(came[n:], " "), "")
	})
}

func TestTranscriptWaitsForTheRateLimit(t *testing.T) {
	set := func(win *fakeBrowser, g *fakeGateway) {
		withHistory(win, g)
		g.refuse("chat.history", protocol.Exhausted("too many requests", 9000))
	}
	withPage(t, sessionPage, set, func(s *harness) {
		asked := len(s.gateway.calls("chat.history"))
		// A new connection during the pause makes no such request, and drops none.
		s.gateway.cut(1006, "", false)
		s.wait(5 * time.Second)
		eq(t, "asked in the pause", len(s.gateway.calls("chat.history")), asked)
		withHistory(s.browser, s.gateway)
		s.wait(15 * time.Second)
		eq(t, "asked after it", len(s.gateway.calls("chat.history")), asked+1)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
	})
}

func TestRateLimitedQueriesAreRetried(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.attach("a")
		s.refuseUpload(413, `{"error":{"code":"RESOURCE_EXHAUSTED","message":"your files would take too much","retryable":true,"retryAfterMs":60000}}`)
		eq(t, "what is attached", s.attached(), "a.txt stuck your files would take too much")
		s.act("retry-file", s.browser.Get("attachments").Elements()[0])
		eq(t, "what is attached", s.attached(), "a.txt uploading")
		eq(t, "uploaded", s.acceptUploads(), "a")
		eq(t, "what is attached", s.attached(), "a.txt ready")
	})
}
