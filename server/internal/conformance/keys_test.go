package conformance

import (
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
)

// TestMethods holds that no method of the gateway is left out where rows go
// through all of them.
func TestMethods(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range gateway.Methods() {
		if m.Least != "" {
			want = append(want, m.Name)
		}
	}
	got := methods()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("methods gives %q, the gateway has %q", got, want)
	}
}
