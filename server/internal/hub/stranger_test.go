package hub

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

// TestStrangersDoNotMakeItSayMore resumes in a session while its answer streams.
// For whoever may read it the next event begins its open block anew, which all
// who follow get; for somebody else nothing is said again.
func TestStrangersDoNotMakeItSayMore(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		who    session.Caller
		begins bool
	}{"a stranger": {ben, false}, "the owner": {ann, true}, "an admin": {root, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.send(t, ann, "k", "question")
			b := h.browser(ann, true)
			b.load(t, "k")
			b.connect(t)
			run := h.begin(t, "k")
			const line = "a line of code\n"
			h.say(t, run, "```\n"+strings.Repeat(line, 3000))
			h.say(t, run, line)
			b.read(t, 100)
			other := h.browser(row.who, true)
			other.load(t, "k")
			other.connect(t)
			h.say(t, run, line)
			said := 0
			for _, frame := range b.socket.read(100) {
				said += len(frame)
			}
			if begins := said > 1000*len(line); begins != row.begins || said == 0 {
				t.Errorf("%d bytes follow a line of %d", said, len(line))
			}
			h.finish(t, run, session.RunCompleted)
			b.lose()
			other.lose()
			h.Wait()
		})
	}
}
