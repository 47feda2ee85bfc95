package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// storage keeps a gateway's data: a part for each domain package, and what running
// the store takes. Its methods are safe for concurrent use.
type storage interface {
	Sessions() session.Store
	Pairings() pairing.Store
	Keys() auth.KeyStore
	Audit() audit.Store
	Media() media.Store

	// InstanceID names the data: it stays the same for as long as the data lives,
	// and what clients keep is keyed by it.
	InstanceID() string
	// Ping reports, within 2 s, whether the store can take a change now.
	Ping(ctx context.Context) error
	// Holds says how much the store holds.
	Stats(ctx context.Context) (protocol.StoreDetail, error)
	// Mark marks how far the data has come, so that data which is put back from an
	// older copy is recognised. Call it once a minute.
	Mark(ctx context.Context) error
	// Close waits for the transactions under way, and refuses new ones.
	Close() error
}

// openStore opens the store that the configuration names. It calls committed
// with the time that each commit took.
func openStore(ctx context.Context, c config.Config, log *slog.Logger,
	acceptEmpty bool, committed func(time.Duration)) (storage, error) {
	s, err := sqlite.Open(ctx, c.DataDir, sqlite.Options{Logger: log, Committed: committed,
		AcceptEmpty: acceptEmpty})
	if err != nil {
		return nil, err // and not s, which would be no nil storage
	}
	return s, nil
}
