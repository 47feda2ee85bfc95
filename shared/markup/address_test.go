package markup

import (
	"net/url"
	"testing"

	"pgregory.net/rapid"
)

func TestSessionPath(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"":                       "/",
		"agent:default:ws:1":     "/s/agent:default:ws:1",
		"a/b?c#d":                "/s/a%2Fb%3Fc%23d",
		"someone@example.org:._": "/s/someone@example.org:._",
	} {
		if got := SessionPath(key); got != want {
			t.Errorf("SessionPath(%q) = %q, want %q", key, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringN(1, -1, -1).Draw(t, "key")
		if got, want := SessionPath(key), SessionPrefix+url.PathEscape(key); got != want {
			t.Fatalf("SessionPath(%q) = %q, want %q", key, got, want)
		}
	})
}
