package sqlite

import (
	"context"
	"database/sql"
)

// reader is a connection that only reads, or the place of one.
type reader struct {
	db *sql.DB
	c  *conn // nil until it is needed
}

// View runs fn on a snapshot: nothing that is committed meanwhile shows, and
// everything whose Update had returned does. Writing in it fails. fn runs on the
// caller's goroutine; it must be quick, because the snapshot keeps the log from
// being folded, and must not call View, for which it might wait forever. ctx
// bounds the wait for a free connection.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		return r.view(ctx, fn)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *reader) view(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.c == nil {
		c, err := grab(context.Background(), r.db)
		if err != nil {
			return failure("open a reading connection", err)
		}
		r.c = c
	}
	if _, err := r.c.exec("BEGIN"); err != nil {
		r.drop()
		return failure("begin a snapshot", err)
	}
	err, fault := runIn(r.c, fn)
	if _, e := r.c.exec("ROLLBACK"); e != nil || fault != nil {
		r.drop()
	}
	return err
}

func (r *reader) drop() {
	r.c.drop()
	r.c = nil
}
