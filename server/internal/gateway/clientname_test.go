package gateway

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestClientName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		client *protocol.Client
		want   string
	}{
		{nil, ""},
		{&protocol.Client{Name: "watcher", Version: "1.2", Platform: "linux"}, "watcher 1.2 (linux)"},
		{&protocol.Client{Name: " a\tb\n"}, "a b"},
		{&protocol.Client{Name: "\u202enimda\u2066\u200b \x1b]0;x\x07\x00"}, "nimda ]0;x"},
		{&protocol.Client{Name: strings.Repeat("ä", maxClientName+1)},
			strings.Repeat("ä", maxClientName)},
		{&protocol.Client{Name: strings.Repeat("\u200b", maxClientName) + "x"}, "x"},
	} {
		if got := clientName(c.client); got != c.want {
			t.Errorf("the name of %+v is %q, want %q", c.client, got, c.want)
		}
	}
}
