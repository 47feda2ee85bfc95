// Package retrytest makes a store behave as if each transaction met a conflict, so
// that tests show who relies on a function running once.
package retrytest

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// Twice gives a store that runs every function twice, as store.Transactions
// allows: once in a transaction that is undone, and once more for good. It is how
// a store behaves that meets a conflict each time. A caller whose tests pass on it
// relies on no single run.
func Twice[Tx any](s store.Transactions[Tx]) store.Transactions[Tx] { return twice[Tx]{s} }

type twice[Tx any] struct{ store store.Transactions[Tx] }

// errUndo ends a first run.
var errUndo = errors.New("retrytest: this run is to be undone")

func (s twice[Tx]) Update(ctx context.Context, fn func(Tx) error) error {
	return again(ctx, s.store.Update, fn)
}

func (s twice[Tx]) View(ctx context.Context, fn func(Tx) error) error {
	return again(ctx, s.store.View, fn)
}

// again runs fn, which may have refused, and then runs it again, unless the store
// has failed or did not run it.
func again[Tx any](ctx context.Context, transact func(context.Context, func(Tx) error) error, fn func(Tx) error) error {
	err := transact(ctx, func(tx Tx) error { return errors.Join(errUndo, fn(tx)) })
	if !errors.Is(err, errUndo) || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return transact(ctx, fn)
}
