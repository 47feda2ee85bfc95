//go:build !js

package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// inPages answers chat.history with three pages of a message each.
func inPages(_ *fakeBrowser, g *fakeGateway) {
	g.answer("chat.history", func(p params) (string, *protocol.Error) {
		id, _ := p["before"].(float64)
		if id == 0 {
			id = 4
		}
		return fmt.Sprintf(`{"messages":[{"id":"m%[1]v","role":"user","content":"%[1]v","status":"complete",
			"createdAt":"2026-01-01T00:00:00Z","seq":%[1]v}],"hasMore":%[2]v,"epoch":"e","lastSeq":3}`, id-1, id > 2), nil
	})
}

func TestPrintsTheWholeChat(t *testing.T) {
	withPage(t, sessionPage, inPages, func(s *harness) {
		eq(t, "messages", s.messages(), "complete: 3")
		s.app.Print()
		s.app.Print()
		s.wait(time.Second)
		eq(t, "messages", s.messages(), "complete: 1 | complete: 2 | complete: 3")
		eq(t, "prints, with their messages", fmt.Sprint(s.browser.printed), "[3]")
	})
}

func TestPrintsWhatIsLoaded(t *testing.T) {
	withPage(t, sessionPage, inPages, func(s *harness) {
		s.gateway.refuse("chat.history", protocol.Refuse(protocol.Internal, "it broke"))
		s.app.Print()
		s.wait(time.Second)
		eq(t, "prints, with their messages", fmt.Sprint(s.browser.printed), "[1]")

		inPages(nil, s.gateway)
		s.gateway.on("chat.history", noAnswer)
		s.app.Print()
		s.wait(time.Second)
		s.disconnect()
		s.wait(time.Second)
		eq(t, "prints, with their messages", fmt.Sprint(s.browser.printed), "[1 1]")
	})
}
