package sqlite

import (
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestPairings(t *testing.T) {
	t.Parallel()
	storetest.Pairing(t, reopenable(func(s *Store) pairing.Store { return s.Pairings() }))
}

// TestKnownUsers checks that users are known by their devices, API keys and sessions alike.
func TestKnownUsers(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	put(t, s, `INSERT INTO sessions (key, user_id, agent_id, label, pinned, epoch, last_seq, created_at, updated_at, deleted_at)
		VALUES ('a', 'chat', 'x', '', 0, 'e', 0, 1, 1, 0), ('b', 'chat', 'x', '', 1, 'e', 0, 1, 1, 0),
		('c', 'gone', 'x', '', 0, 'e', 0, 1, 1, 5), ('d', 'also', 'x', '', 0, 'e', 0, 1, 1, 0)`)
	put(t, s, `INSERT INTO api_keys VALUES ('k1', x'01', 'p', 'n', 'key', 'viewer', 1, 'a', 0, 0, 0, ''),
		('k2', x'02', 'p', 'n', 'key', 'operator', 1, 'a', 0, 0, 0, ''),
		('k3', x'03', 'p', 'n', 'key', 'admin', 1, 'a', 50, 0, 0, ''),
		('k4', x'04', 'p', 'n', 'old', 'admin', 1, 'a', 0, 0, 5, 'a')`)
	put(t, s, `INSERT INTO sends VALUES ('gone', 'i', 'c', x'', 'r', 'm', 1, 'e')`)
	want := []protocol.KnownUser{{UserID: "also"}, {UserID: "chat"}, {UserID: "key", Role: protocol.Operator}, {UserID: "old"}}
	err := s.Pairings().View(t.Context(), func(tx pairing.Tx) error {
		got, err := tx.Users(100, 10)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("users: %+v, %v; want %+v", got, err, want)
		}
		if got, err = tx.Users(100, 2); err != nil || !slices.Equal(got, want[:2]) {
			t.Errorf("two users: %+v, %v", got, err)
		}
		for user, known := range map[string]bool{"chat": true, "key": true, "old": true, "gone": true, "no": false, "": false} {
			if got, err := tx.UserExists(user); got != known || err != nil {
				t.Errorf("%q exists: %v, %v", user, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPairingsTwice(t *testing.T) {
	t.Parallel()
	storetest.Pairing(t, reopenable(func(s *Store) pairing.Store { return retrytest.Twice(s.Pairings()) }))
}
