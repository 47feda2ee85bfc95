package conformance

import (
	"maps"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestMethods checks that methods lists every method of the gateway, with the same role and
// the same relation to sessions.
func TestMethods(t *testing.T) {
	t.Parallel()
	listed := map[string]method{}
	for _, m := range methods() {
		listed[m.name] = m
	}
	if len(listed) != len(methods()) {
		t.Errorf("%d methods have %d names", len(methods()), len(listed))
	}
	for _, m := range gateway.Methods() {
		if m.Least == "" {
			continue
		}
		got, ok := listed[m.Name]
		owned := m.Session && m.Least != protocol.Admin
		if !ok || got.least != string(m.Least) || (got.session != nil) != owned {
			t.Errorf("%s: methods has it: %v, with least role %q, about a session: %v; the gateway says %q, %v",
				m.Name, ok, got.least, got.session != nil, m.Least, owned)
		}
		delete(listed, m.Name)
	}
	if len(listed) > 0 {
		t.Errorf("methods has %v, but the gateway does not", slices.Collect(maps.Keys(listed)))
	}
}
