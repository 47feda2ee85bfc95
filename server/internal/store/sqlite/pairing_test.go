package sqlite

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestPairings(t *testing.T) {
	t.Parallel()
	storetest.Pairing(t, reopenable(func(s *Store) pairing.Store { return s.Pairings() }))
}

func TestPairingsTwice(t *testing.T) {
	t.Parallel()
	storetest.Pairing(t, reopenable(func(s *Store) pairing.Store { return retrytest.Twice(s.Pairings()) }))
}
