package storetest

import (
	"context"
	"testing"
)

// transactions is a part of a store, whose transactions are a Tx.
type transactions[Tx any] interface {
	Update(ctx context.Context, fn func(Tx) error) error
	View(ctx context.Context, fn func(Tx) error) error
}

// table is a transaction on records that have an id.
type table[R any] interface {
	Insert(record R) error
	ByID(id string) (record R, found bool, err error)
}

func update[Tx any](t *testing.T, s transactions[Tx], fn func(Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view[Tx any](t *testing.T, s transactions[Tx], fn func(Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func insert[Tx table[R], R any](t *testing.T, s transactions[Tx], records ...R) {
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

// find gives the record with the id, or the zero one.
func find[Tx table[R], R any](t *testing.T, s transactions[Tx], id string) (record R) {
	t.Helper()
	view(t, s, func(tx Tx) error {
		got, found, err := tx.ByID(id)
		if found {
			record = got
		}
		return err
	})
	return record
}
