package sqlite

import (
	"iter"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// all returns the scanned rows of a query.
func all[T any](rows iter.Seq2[Row, error], scan func(Row) (T, error)) ([]T, error) {
	var list []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		v, err := scan(row)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// one returns the first scanned row of a query. If there is none, the error is
// store.ErrNotFound.
func one[T any](rows iter.Seq2[Row, error], scan func(Row) (T, error)) (T, error) {
	for row, err := range rows {
		if err != nil {
			var none T
			return none, err
		}
		return scan(row)
	}
	var none T
	return none, store.ErrNotFound
}
