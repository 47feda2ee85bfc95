package chaos

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestSayNeverRepeatsItself holds what the check rests on: a message is known by
// its text.
func TestSayNeverRepeatsItself(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, sender := range []string{"u0.d1", "u0.d11", "u1.d1"} {
		d := newDice(1, sender)
		for n := range 500 {
			text, reply := say(d, sender, n)
			if seen[text] {
				t.Errorf("%q was said before", brief(text))
			}
			if len(text) > protocol.MaxMessageBytes/2 {
				t.Errorf("a message of %d bytes", len(text))
			}
			if reply != "" && text != "echo "+reply {
				t.Errorf("%q is not answered by %q", brief(text), brief(reply))
			}
			seen[text] = true
		}
	}
}
