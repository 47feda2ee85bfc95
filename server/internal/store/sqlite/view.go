package sqlite

import (
	"context"
	"database/sql"
)

// reader is a connection that only reads.
type reader struct {
	db *sql.DB
	c  *conn // nil until the first View, and after a failure
}

// View calls fn on a snapshot: fn sees every Update that had returned, and no later
// commit. Writing fails. fn runs on the caller's goroutine. It must be quick, because a
// snapshot prevents checkpoints, and it must not call View, because it might wait for a
// free reader forever. ctx limits the wait for a free reader.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		err := r.view(ctx, fn)
		s.noteDamage(err)
		return err
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
