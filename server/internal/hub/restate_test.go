package hub

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

// TestOnlyReadersCauseARestatement resumes in a session while its answer streams. If
// the client may read the session, the next event resends the open block to all who
// follow. If not, nothing is resent.
func TestOnlyReadersCauseARestatement(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		who      session.Caller
		restates bool
	}{"a stranger": {ben, false}, "the owner": {ann, true}, "an admin": {root, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
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
			size := 0
			for _, frame := range b.socket.read(100) {
				size += len(frame)
			}
			if restates := size > 1000*len(line); restates != row.restates || size == 0 {
				t.Errorf("%d bytes follow a line of %d", size, len(line))
			}
			h.finish(t, run, session.RunCompleted)
			b.lose()
			other.lose()
			h.Wait()
		})
	}
}
