package audit_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
)

// The names are stored, so they must not change.
func TestNames(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		audit.Session("k"): "session:k", audit.User("u"): "user:u", audit.Device("d"): "device:d",
		audit.Key("k"):        "key:k",
		audit.Connection("c"): "connection:c", audit.Media("m"): "media:m", audit.Code("C"): "code:C",
		audit.ViaKey("gh_abc"): "key:gh_abc",
		audit.ViaToken:         "token", audit.ViaLink: "link", audit.ViaGateway: "gateway",
		audit.ViaNone: "none",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if who := audit.Gateway(); who != (audit.Actor{Via: "gateway"}) {
		t.Errorf("the gateway acts as %+v", who)
	}
}

func TestParseNames(t *testing.T) {
	t.Parallel()
	for name, parse := range map[string]func(string) (string, bool){
		audit.Session("a:b"): audit.ParseSession, audit.Device("a:b"): audit.ParseDevice,
		audit.ViaKey("a:b"): audit.ParseViaKey,
	} {
		if got, ok := parse(name); got != "a:b" || !ok {
			t.Errorf("%q names %q, %v", name, got, ok)
		}
		for _, other := range []string{"", "a:b", audit.User("a:b"), strings.ToUpper(name),
			audit.ViaToken} {
			if got, ok := parse(other); ok {
				t.Errorf("%q names %q", other, got)
			}
		}
	}
}
