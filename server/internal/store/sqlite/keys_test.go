package sqlite

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	storetest.Keys(t, func(t *testing.T) (auth.KeyStore, func() auth.KeyStore) {
		dir := t.TempDir()
		s := openAt(t, dir)
		return s.Keys(), func() auth.KeyStore {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return openAt(t, dir).Keys()
		}
	})
}
