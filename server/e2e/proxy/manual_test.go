package proxy

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
)

// manualBlock returns the manual's configuration for a proxy: the only block in that
// language that is tested behind a proxy.
func manualBlock(t testing.TB, language string) string {
	t.Helper()
	var found []docstest.Block
	for _, b := range docstest.BlocksOf(t, "network") {
		if (b.Kind == "proxy" || b.Note == "behind a proxy" || b.Language == "yaml") && b.Language == language {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the manual has %d blocks of %s for a proxy", len(found), language)
	}
	return found[0].Text
}

// replaceOnce replaces texts, each of which has to occur once.
func replaceOnce(t testing.TB, text string, oldnew ...string) string {
	t.Helper()
	for i := 0; i < len(oldnew); i += 2 {
		if n := strings.Count(text, oldnew[i]); n != 1 {
			t.Fatalf("%q is there %d times:\n%s", oldnew[i], n, text)
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return text
}
