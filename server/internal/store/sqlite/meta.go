package sqlite

import (
	"errors"
	"fmt"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// instanceBytes is how many random bytes an instance's name has.
const instanceBytes = 8

// instanceID reads the instance's name, giving it one the first time.
func instanceID(c *conn) (string, error) {
	tx := &Tx{c: c}
	id, err := meta(tx, "instance")
	if err != nil {
		return "", fmt.Errorf("read the instance's name: %w", err)
	}
	if id != "" {
		return id, nil
	}
	id = credential.RandomID(instanceBytes)
	if err := setMeta(tx, "instance", id); err != nil {
		return "", fmt.Errorf("name the instance: %w", err)
	}
	return id, nil
}

// meta reads a fact about the data directory, "" if it is not there.
func meta(tx *Tx, key string) (value string, err error) {
	err = tx.QueryRow(`SELECT value FROM meta WHERE key = ?`, key).Scan(&value)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return value, err
}

func setMeta(tx *Tx, key, value string) error {
	_, err := tx.Exec(`INSERT INTO meta (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
