package sqlite

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestPairings(t *testing.T) {
	t.Parallel()
	storetest.Pairing(t, func(t *testing.T) (pairing.Store, func() pairing.Store) {
		dir := t.TempDir()
		s := openAt(t, dir)
		return s.Pairings(), func() pairing.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return openAt(t, dir).Pairings()
		}
	})
}
