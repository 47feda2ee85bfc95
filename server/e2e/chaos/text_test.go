package chaos

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestMessagesAreUnique checks what the comparison relies on: a message is known by its
// text.
func TestMessagesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, sender := range []string{"u0.d1", "u0.d11", "u1.d1"} {
		d := newRNG(1, sender)
		for n := range 500 {
			text, reply := composeMessage(d, sender, n)
			if seen[text] {
				t.Errorf("%q was said before", shorten(text))
			}
			if len(text) > protocol.MaxMessageBytes/2 {
				t.Errorf("a message of %d bytes", len(text))
			}
			if reply != "" && text != "echo "+reply {
				t.Errorf("%q is not answered by %q", shorten(text), shorten(reply))
			}
			seen[text] = true
		}
	}
}
