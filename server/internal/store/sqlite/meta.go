package sqlite

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// instanceID reads the instance's name, giving it one the first time.
func instanceID(c *conn) (string, error) {
	var fresh [8]byte
	rand.Read(fresh[:])
	tx := &Tx{c: c}
	if _, err := tx.Exec(`INSERT INTO meta (key, value) VALUES ('instance', ?) ON CONFLICT DO NOTHING`, hex.EncodeToString(fresh[:])); err != nil {
		return "", fmt.Errorf("name the instance: %w", err)
	}
	var id string
	if err := tx.QueryRow(`SELECT value FROM meta WHERE key = 'instance'`).Scan(&id); err != nil {
		return "", fmt.Errorf("read the instance's name: %w", err)
	}
	return id, nil
}
