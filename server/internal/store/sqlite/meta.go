package sqlite

import (
	"errors"
	"fmt"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// instanceBytes is the number of random bytes in an instance id.
const instanceBytes = 8

// instanceID reads the instance id. The first time, it generates one.
func instanceID(c *conn) (string, error) {
	tx := &Tx{c: c}
	id, err := meta(tx, "instance")
	if err != nil {
		return "", fmt.Errorf("read the instance id: %w", err)
	}
	if id != "" {
		return id, nil
	}
	id = credential.RandomID(instanceBytes)
	if err := setMeta(tx, "instance", id); err != nil {
		return "", fmt.Errorf("store the instance id: %w", err)
	}
	return id, nil
}

// meta returns a value of the table meta, or "" if there is none.
func meta(tx *Tx, key string) (value string, err error) {
	err = tx.QueryRow(`SELECT value FROM meta WHERE key = ?`, key).Scan(&value)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return value, err
}

// setMeta sets a value of the table meta.
func setMeta(tx *Tx, key, value string) error {
	_, err := tx.Exec(`INSERT INTO meta (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
