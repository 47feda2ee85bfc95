package sqlite

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// part is the Store as one domain package sees it. T is the package's type of
// transactions; tx makes one from a Tx.
type part[T any] struct {
	store store.Transactions[*Tx]
	tx    func(*Tx) T
}

func (p part[T]) Update(ctx context.Context, fn func(T) error) error {
	return p.store.Update(ctx, func(tx *Tx) error { return fn(p.tx(tx)) })
}

func (p part[T]) View(ctx context.Context, fn func(T) error) error {
	return p.store.View(ctx, func(tx *Tx) error { return fn(p.tx(tx)) })
}
