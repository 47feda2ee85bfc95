package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestMedia(t *testing.T) {
	t.Parallel()
	storetest.Media(t, func(t testing.TB) storetest.MediaStores {
		s := openTest(t)
		return storetest.MediaStores{Media: s.Media(), Sessions: s.Sessions()}
	})
}

func TestMediaTwice(t *testing.T) {
	t.Parallel()
	storetest.Media(t, func(t testing.TB) storetest.MediaStores {
		s := openTest(t)
		return storetest.MediaStores{Media: retrytest.Twice(s.Media()), Sessions: retrytest.Twice(s.Sessions())}
	})
}

// What is asked of the records at every upload, send and sweep does not get
// slower with their number.
func TestMediaQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	var plans []string
	if err := s.Update(t.Context(), func(tx *Tx) error {
		before := len(tx.c.stmts)
		m := mediaTx{tx}
		_ = m.Insert(media.File{ID: "a"})
		_, _ = m.File("a")
		_, _ = m.Used("u")
		_ = m.Free("a")
		_, _ = m.FreeOrphans(time.Now(), 1)
		_, _ = m.Freed(1)
		_, _ = m.InUse(media.Sum{})
		_ = m.Remove("a")
		_ = sessionTx{tx}.AttachFile("a", 1)
		_ = sessionTx{tx}.freeMedia(1)
		var queries []string
		for q := range tx.c.stmts {
			if strings.Contains(q, "media") {
				queries = append(queries, q)
			}
		}
		if len(queries) != 10 || len(tx.c.stmts) != before+len(queries) {
			t.Errorf("%d queries are about media", len(queries))
		}
		for _, q := range queries {
			for row, err := range tx.Query(`EXPLAIN QUERY PLAN `+q, make([]any, strings.Count(q, "?"))...) {
				if err != nil {
					return err
				}
				var id, parent, unused int64
				var detail string
				if err := row.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				plans = append(plans, q+": "+detail)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		scans := strings.Contains(p, ": SCAN ") && !strings.Contains(p, "USING INDEX media_freed") && !strings.Contains(p, "CONSTANT")
		if scans || strings.Contains(p, "TEMP B-TREE") {
			t.Errorf("reads or sorts a whole table: %s", p)
		}
	}
}
