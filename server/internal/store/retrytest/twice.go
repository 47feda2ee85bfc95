// Package retrytest makes a store behave as if every transaction had a conflict, so that
// tests find functions that must not be called twice.
package retrytest

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// Twice returns a store that calls every function twice, as [store.Transactions] allows:
// first in a transaction that is undone, then in one that counts.
func Twice[Tx any](s store.Transactions[Tx]) store.Transactions[Tx] { return twice[Tx]{s} }

type twice[Tx any] struct{ store store.Transactions[Tx] }

// errUndo undoes the first call.
var errUndo = errors.New("retrytest: this call must be undone")

func (s twice[Tx]) Update(ctx context.Context, fn func(Tx) error) error {
	return again(ctx, s.store.Update, fn)
}

func (s twice[Tx]) View(ctx context.Context, fn func(Tx) error) error {
	return again(ctx, s.store.View, fn)
}

// again calls fn twice, even if the first call returned an error. There is no second call
// if the store has failed or has not called fn.
func again[Tx any](ctx context.Context, transact func(context.Context, func(Tx) error) error,
	fn func(Tx) error) error {
	err := transact(ctx, func(tx Tx) error { return errors.Join(errUndo, fn(tx)) })
	if !errors.Is(err, errUndo) || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return transact(ctx, fn)
}
