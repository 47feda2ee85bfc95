package sqlite

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	storetest.Keys(t, reopenable(func(s *Store) auth.KeyStore { return s.Keys() }))
}

func TestKeysTwice(t *testing.T) {
	t.Parallel()
	storetest.Keys(t, reopenable(func(s *Store) auth.KeyStore { return retrytest.Twice(s.Keys()) }))
}
