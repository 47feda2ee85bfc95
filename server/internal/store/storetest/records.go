package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// table is a transaction on records that have an id, such as devices or API keys.
type table[R any] interface {
	Insert(record R) error
	ByID(id string) (R, error)
}

// update calls fn in an Update that must succeed.
func update[Tx any](t *testing.T, s store.Transactions[Tx], fn func(Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// view calls fn in a View that must succeed.
func view[Tx any](t *testing.T, s store.Transactions[Tx], fn func(Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// insert inserts records in one Update.
func insert[Tx table[R], R any](t *testing.T, s store.Transactions[Tx], records ...R) {
	t.Helper()
	update(t, s, func(tx Tx) error {
		for _, r := range records {
			if err := tx.Insert(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// find returns the record with that id, or the zero record if there is none.
func find[Tx table[R], R any](t *testing.T, s store.Transactions[Tx], id string) (record R) {
	t.Helper()
	view(t, s, func(tx Tx) (err error) {
		record, err = tx.ByID(id)
		if errors.Is(err, store.ErrNotFound) {
			var none R
			record, err = none, nil
		}
		return err
	})
	return record
}
