package app

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Files that were never sent are removed after media.orphans, files of a session with
// the session.
func TestFilesAreCollected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t, config.Retention{Pieces: 24 * time.Hour})
		s := *h.settings.Load()
		s.config.Media.Orphans = 3 * time.Hour
		s.media = media.Settings{MaxBytes: 1 << 10, Quota: 1 << 20}
		h.settings.Store(&s)
		var ids []string
		for range 2 {
			f, err := h.media.Upload(t.Context(), ann(),
				func() (string, io.Reader, error) { return "a.txt", strings.NewReader("hello"), nil })
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, f.ID)
		}
		if _, err := h.sessions.Send(t.Context(), ann().To("k"),
			session.SendRequest{DefaultAgent: "a", Media: ids[:1]}); err != nil {
			t.Fatal(err)
		}
		found := func(id string) bool {
			_, err := h.media.Find(t.Context(), ann(), id)
			if refused := new(protocol.Error); err != nil &&
				(!errors.As(err, &refused) || refused.Code != protocol.NotFound) {
				t.Error(err)
			}
			return err == nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go h.maintainSessions(ctx)
		h.pass(2 * time.Hour)
		if !found(ids[0]) || !found(ids[1]) {
			t.Error("a file went too soon")
		}
		h.pass(2 * time.Hour)
		if !found(ids[0]) || found(ids[1]) {
			t.Errorf("the one that was sent is there: %v, the other: %v", found(ids[0]), found(ids[1]))
		}
		if err := h.sessions.Delete(t.Context(), ann().To("k")); err != nil {
			t.Fatal(err)
		}
		h.pass(2 * time.Minute)
		if log := h.log.String(); strings.Count(log, `msg="unused files removed" number=1`) != 2 ||
			strings.Contains(log, "ERROR") {
			t.Errorf("the log is %s", log)
		}
	})
}
